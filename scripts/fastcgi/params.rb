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
        total = bytes.bytesize
        unsafe = bytes.count(UNSAFE)
        while offset < total
          name_length = bytes.getbyte(offset)
          if name_length < 128
            unsafe -= LENGTHS[name_length]
            offset += 1
          else
            name_length = long_length(bytes, offset)
            unsafe -= bytes.byteslice(offset, 4).count(UNSAFE)
            offset += 4
          end
          value_length = bytes.getbyte(offset) or raise Malformed, "a parameter has no length"
          if value_length < 128
            unsafe -= LENGTHS[value_length]
            offset += 1
          else
            value_length = long_length(bytes, offset)
            unsafe -= bytes.byteslice(offset, 4).count(UNSAFE)
            offset += 4
          end
          value_offset = offset + name_length
          rest = value_offset + value_length
          raise Malformed, "a parameter is longer than its stream" if rest > total

          if (name = names[bytes.byteslice(offset, name_length)])
            into[name] = bytes.byteslice(value_offset, value_length)
            pairs += 1
          end
          offset = rest
        end
        raise Malformed, "a parameter contains NUL, CR or LF" unless unsafe.zero?

        pairs
      end

      def self.append(buffer, name, value)
        append_length(buffer, name.bytesize)
        append_length(buffer, value.bytesize)
        buffer << name << value
      end

      def self.long_length(bytes, offset)
        raise Malformed, "a parameter's length is cut off" if offset + 4 > bytes.bytesize

        bytes.byteslice(offset, 4).unpack1("N") & 0x7fff_ffff
      end
      private_class_method :long_length

      def self.append_length(buffer, length)
        buffer << (length < 128 ? [length].pack("C") : [length | 0x8000_0000].pack("N"))
      end
      private_class_method :append_length
    end
  end
end
