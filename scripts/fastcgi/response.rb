# frozen_string_literal: true

require_relative "failure"
require_relative "head"
require_relative "stream"

module PreforkLauncher
  module FastCGI
    # Sends one Rack response, of whatever form Rack 2 and 3 know, to its end. Does not close the body: that has to happen whether or
    # not it was sent.
    class Response
      FILE_BLOCK = 65_528
      BODILESS = [204, 304].freeze
      private_constant :FILE_BLOCK, :BODILESS

      def initialize(request, output, intake)
        @request = request
        @output = output
        @intake = intake
      end

      def deliver(status, headers, body)
        status = Head.status(status)
        wanted = !@request.head? && !BODILESS.include?(status)
        file = open_file(body.to_path) if wanted && body.respond_to?(:to_path)
        size = file&.size
        @output.append(Head.build(status, headers, length: size))
        file ? send_file(file, size) : (send_body(body) if wanted)
        @output.finish
      ensure
        file&.close
      end

      # One chunk of a body that is produced while it is sent: it leaves now, because nobody knows when the next one comes. The head
      # waits for the first one, so an application that fails before it gets a proper 500.
      def chunk(bytes)
        raise InvalidResponse, "body yielded a #{bytes.class}" unless bytes.is_a?(String)
        return if bytes.empty?

        raise Aborted, "peer aborted the request" if @output.started? && @intake.aborted?

        @output.append(bytes)
        @output.flush
      end

      def flush
        @output.flush
      end

      private

      # A body that can do both is enumerated, says Rack 3.
      def send_body(body)
        if body.respond_to?(:to_ary) && (parts = body.to_ary)
          send_parts(parts)
        elsif body.respond_to?(:each)
          body.each { |bytes| chunk(bytes) }
        elsif body.respond_to?(:call)
          send_stream(body)
        else
          raise InvalidResponse, "body is a #{body.class}"
        end
      end

      # Complete already, so it is not split more than it has to be.
      def send_parts(parts)
        parts.each do |bytes|
          raise InvalidResponse, "body contains a #{bytes.class}" unless bytes.is_a?(String)

          @output.append(bytes)
        end
      end

      def send_stream(body)
        stream = Stream.new(self, @request.env["rack.input"])
        begin
          body.call(stream)
        ensure
          stream.close
        end
      end

      # Not there, not readable, not a file: the body may still know what to do.
      def open_file(path)
        file = File.open(path, "rb")
        return file if file.stat.file?

        file.close
        nil
      rescue SystemCallError
        nil
      end

      # No more than was promised, where somebody still writes to the file.
      def send_file(file, size)
        block = String.new(capacity: FILE_BLOCK)
        while size.positive? && file.read([FILE_BLOCK, size].min, block)
          size -= block.bytesize
          raise Aborted, "peer aborted the request" if @output.started? && @intake.aborted?

          @output.append(block)
        end
      end
    end
  end
end
