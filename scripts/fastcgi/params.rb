# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Parses and writes name-value pairs (FastCGI Specification, section 3.4). Parsing works on the joined content of a
    # PARAMS stream, so it does not matter where the records split a pair. Every length is compared with what is there
    # before anything is cut out.
    module Params
      class Malformed < StandardError; end

      UNSAFE = "\0\r\n".b.freeze
      # Of which each length below 128 is one itself: so many are allowed for it.
      LENGTHS = Array.new(128) { |length| length.chr.count(UNSAFE) }.freeze
      # Names as they come.
      ANY = Hash.new { |_, name| name }.freeze
      private_constant :UNSAFE, :LENGTHS

      # Collects all values of each name.
      class Values < Hash
        def []=(name, value)
          key?(name) ? fetch(name) << value : super(name, [value])
        end
      end

      # Puts the pairs into a Hash, and returns how many they were: more than that has of them where a name came twice, which
      # has its last value then. Names has each name as it is to be there, and nil for one that is left out.
      #
      # NUL, CR and LF are in no header that a web server accepts: one more header could be hidden by them. They are counted
      # once for all, since to search each name and value takes as long as everything else here.
      def self.parse(bytes, into = {}, names = ANY)
        offset = pairs = 0
        last = bytes.bytesize - 1
        unsafe = bytes.count(UNSAFE)
        while offset < last
          name_length = bytes.getbyte(offset)
          value_length = bytes.getbyte(offset + 1)
          if (name_length | value_length) < 128
            unsafe -= LENGTHS[name_length] + LENGTHS[value_length]
            start = offset + 2
          else
            name_length, value_length, start = long_lengths(bytes, offset)
            unsafe -= bytes.byteslice(offset, start - offset).count(UNSAFE)
          end
          offset = start + name_length
          if (name = names[bytes.byteslice(start, name_length)])
            into[name] = bytes.byteslice(offset, value_length)
            pairs += 1
          end
          offset += value_length
        end
        raise Malformed, "a parameter is longer than its stream, or has no length" unless offset == bytes.bytesize
        raise Malformed, "a parameter contains NUL, CR or LF" unless unsafe.zero?

        pairs
      end

      def self.append(buffer, name, value)
        append_length(buffer, name.bytesize)
        append_length(buffer, value.bytesize)
        buffer << name << value
      end

      # Returns the lengths of a name and a value, of which one or both take four bytes, and where they end.
      def self.long_lengths(bytes, offset)
        lengths = Array.new(2) do
          length = bytes.getbyte(offset)
          size = length.nil? || length < 128 ? 1 : 4
          offset += size
          raise Malformed, "a parameter's length is cut off" if offset > bytes.bytesize

          size == 1 ? length : bytes.byteslice(offset - 4, 4).unpack1("N") & 0x7fff_ffff
        end
        lengths << offset
      end
      private_class_method :long_lengths

      def self.append_length(buffer, length)
        buffer << (length < 128 ? [length].pack("C") : [length | 0x8000_0000].pack("N"))
      end
      private_class_method :append_length
    end
  end
end
