# frozen_string_literal: true

require_relative "head"
require_relative "output"

module PreforkLauncher
  module FastCGI
    # Sends a response as applications return most of them: of a usual status, a Hash of headers that are sent as they are, and a body
    # of one String, which fit into one record. Response, which sends any other, would send the same bytes for it: this saves what it
    # takes to find out what else a response may be.
    module SmallResponse
      BODY_BYTES_MAX = Output::FULL_BYTES - 4096
      private_constant :BODY_BYTES_MAX

      # Returns whether it was sent. If not, nothing was, and nothing that may happen but once was done to any of these.
      def self.deliver(request, output, status, headers, body)
        return false unless Array === body && body.size == 1 && Hash === headers && String === (bytes = body.first)
        return false if request.head? || (length = bytes.bytesize) > BODY_BYTES_MAX || (line = Head.status_line(status)).nil?

        held = output.open
        held << line
        return give_up(output) unless append_headers(held, headers, length = length.to_s)

        held << LENGTH << length << END_OF_HEAD
        return give_up(output) if held.bytesize + bytes.bytesize > Output::FULL_BYTES

        held << (bytes.encoding == Encoding::BINARY ? bytes : bytes.b)
        output.finish
        true
      end

      # Returns whether all were appended. A length has its place after them.
      def self.append_headers(held, headers, length)
        headers.each do |name, value|
          if (line = Head.line(name, value))
            held << line
          elsif !(length == value && Head.length?(name))
            return false
          end
        end
        true
      end
      private_class_method :append_headers

      def self.give_up(output)
        output.discard
        false
      end
      private_class_method :give_up

      LENGTH = "content-length: ".b.freeze
      END_OF_HEAD = "\r\n\r\n".b.freeze
      private_constant :LENGTH, :END_OF_HEAD
    end
  end
end
