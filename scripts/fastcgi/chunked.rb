# frozen_string_literal: true

require_relative "errors"

module PreforkLauncher
  module FastCGI
    # Takes the chunked coding (RFC 9112, section 7.1) off a body that the application has coded itself, as
    # Rack::Chunked does for servers of HTTP: CGI has no codings of transfer, and a web server would code it once more.
    # Trailers are left out.
    class Chunked
      SIZE = /\A(\h{1,15})[ \t]*(?:;.*)?\z/n.freeze
      LINE_MAX = 4096
      private_constant :SIZE, :LINE_MAX

      def initialize
        @buffer = String.new
        @missing = nil # of the current chunk, its CR LF included
        @trailers = @ended = false
        @fresh = true
      end

      # Returns the content of the bytes, which may be empty.
      def decode(bytes)
        @buffer << bytes.b
        content = String.new
        until @ended
          break unless @missing ? take_content(content) : take_line
        end
        content
      end

      # Whether no chunk has begun: not even that the body is coded is known by then.
      def waiting?
        @fresh
      end

      def finish
        raise InvalidResponse, "transfer-encoding is chunked, and the body ended before its last chunk" unless @ended
      end

      private

      def take_content(content)
        return false if @buffer.empty?
        return take_end if @missing <= 2

        bytes = @buffer.slice!(0, @missing - 2)
        @missing -= bytes.bytesize
        content << bytes
      end

      def take_end
        return false if @buffer.bytesize < 2
        raise no_chunk(@buffer) unless @buffer.slice!(0, 2) == "\r\n"

        @missing = nil
        true
      end

      def take_line
        stop = @buffer.index("\r\n")
        raise no_chunk(@buffer) if (stop || @buffer.bytesize) > LINE_MAX
        return false unless stop

        line = @buffer.slice!(0, stop + 2).byteslice(0, stop)
        return (@ended = line.empty?) || true if @trailers

        size = SIZE.match(line) or raise no_chunk(line)
        @fresh = false
        size = size[1].hex
        size.zero? ? @trailers = true : @missing = size + 2
      end

      def no_chunk(bytes)
        InvalidResponse.new("transfer-encoding is chunked, and the body is not: #{bytes.byteslice(0, 40).inspect}")
      end
    end
  end
end
