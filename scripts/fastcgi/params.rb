# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Parses and writes name-value pairs (FastCGI Specification, section 3.4). Parsing works on the joined content of a
    # PARAMS stream, so it does not matter where the records split a pair. Every length is compared with what is there
    # before anything is cut out.
    module Params
      class Malformed < StandardError; end

      UNSAFE = /[\0\r\n]/n.freeze
      private_constant :UNSAFE

      # Returns the pairs as a Hash. A name that comes twice has its last value; all of them are in the other Hash, if
      # there is one. An empty name is skipped. NUL, CR and LF are in no header that a web server accepts: one more
      # header could be hidden by them.
      def self.parse(bytes, into = {}, repeated = nil)
        offset = 0
        total = bytes.bytesize
        while offset < total
          name_length = length_at(bytes, offset, total)
          offset += bytes.getbyte(offset) < 128 ? 1 : 4
          value_length = length_at(bytes, offset, total)
          offset += bytes.getbyte(offset) < 128 ? 1 : 4
          raise Malformed, "a parameter is longer than its stream" if name_length + value_length > total - offset

          name = bytes.byteslice(offset, name_length)
          value = bytes.byteslice(offset + name_length, value_length)
          raise Malformed, "a parameter contains NUL, CR or LF" if UNSAFE.match?(name) || UNSAFE.match?(value)

          (repeated[name] ||= [into[name]]) << value if repeated && into.key?(name)
          into[name] = value unless name_length.zero?
          offset += name_length + value_length
        end
        into
      end

      def self.append(buffer, name, value)
        append_length(buffer, name.bytesize)
        append_length(buffer, value.bytesize)
        buffer << name << value
      end

      def self.length_at(bytes, offset, total)
        raise Malformed, "a parameter has no length" if offset >= total

        first = bytes.getbyte(offset)
        return first if first < 128
        raise Malformed, "a parameter's length is cut off" if offset + 4 > total

        (first & 0x7f) << 24 | bytes.getbyte(offset + 1) << 16 | bytes.getbyte(offset + 2) << 8 | bytes.getbyte(offset + 3)
      end
      private_class_method :length_at

      def self.append_length(buffer, length)
        buffer << (length < 128 ? [length].pack("C") : [length | 0x8000_0000].pack("N"))
      end
      private_class_method :append_length
    end
  end
end
