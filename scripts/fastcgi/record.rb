# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Writes records, with the numbers of the FastCGI Specification 1.0, section 8. Connection reads them, since a
    # record arrives in pieces.
    module Record
      VERSION = 1
      HEADER_BYTES = 8
      # The largest content that needs no padding (section 3.3 recommends records aligned to eight bytes).
      FULL_CONTENT = 65_528

      BEGIN_REQUEST = 1
      ABORT_REQUEST = 2
      END_REQUEST = 3
      PARAMS = 4
      STDIN = 5
      STDOUT = 6
      STDERR = 7
      DATA = 8
      GET_VALUES = 9
      GET_VALUES_RESULT = 10
      UNKNOWN_TYPE = 11

      NULL_REQUEST_ID = 0
      RESPONDER = 1
      KEEP_CONN = 1

      REQUEST_COMPLETE = 0
      CANT_MPX_CONN = 1
      UNKNOWN_ROLE = 3

      HEADER = "\x01\0\0\0\0\0\0\0".b.freeze
      PADDING = Array.new(8) { |size| ("\0" * size).b.freeze }.freeze
      NO_CONTENT = String.new.freeze

      # Returns the first six bytes of a record that has no content, the rest being padding.
      def self.empty(type, id)
        id == 1 ? EMPTY.fetch(type) : [VERSION, type, id, 0].pack("CCnn")
      end

      EMPTY = (BEGIN_REQUEST..UNKNOWN_TYPE).to_h { |type| [type, [VERSION, type, 1, 0].pack("CCnn").freeze] }.freeze
      private_constant :EMPTY

      # Begins a record at the end of the buffer (binary) and returns where it starts. Content is appended by the caller
      # until close.
      def self.open(buffer, type, id)
        start = buffer.bytesize
        buffer << HEADER
        buffer.setbyte(start + 1, type)
        buffer.setbyte(start + 2, id >> 8)
        buffer.setbyte(start + 3, id & 0xff)
        start
      end

      def self.close(buffer, start)
        padding = complete(buffer, start)
        buffer << PADDING[padding] unless padding.zero?
      end

      # Writes the lengths into the header of a record that has its content, and returns how much padding is to follow.
      def self.complete(buffer, start)
        length = buffer.bytesize - start - HEADER_BYTES
        padding = -length & 7
        buffer.setbyte(start + 4, length >> 8)
        buffer.setbyte(start + 5, length & 0xff)
        buffer.setbyte(start + 6, padding)
        padding
      end

      def self.append(buffer, type, id, content = NO_CONTENT)
        start = open(buffer, type, id)
        buffer << content
        close(buffer, start)
        buffer
      end

      # Returns the header of a record without padding.
      def self.header(type, id, length)
        [VERSION, type, id, length, 0, 0].pack("CCnnCC")
      end

      # Appends the empty record that ends STDOUT, and an END_REQUEST.
      def self.append_end(buffer, id)
        [VERSION, STDOUT, id, 0, 0, 0, VERSION, END_REQUEST, id, 8, 0, 0, 0, REQUEST_COMPLETE].pack("CCnnCCCCnnCCNCx3", buffer: buffer)
      end

      # What is the same in nearly every response, that of request 1: the header of its first record, and by the padding of its last
      # one, that and the end.
      STDOUT_HEADER = append(String.new, STDOUT, 1).freeze
      ENDS = PADDING.map { |padding| append_end(padding.dup, 1).freeze }.freeze

      # Appends an END_REQUEST (section 5.5). The application status is the exit status of a CGI program; a Rack
      # application has none, so it is always 0.
      def self.append_end_request(buffer, id, protocol_status = REQUEST_COMPLETE)
        start = open(buffer, END_REQUEST, id)
        buffer << HEADER
        buffer.setbyte(start + HEADER_BYTES, 0)
        buffer.setbyte(start + HEADER_BYTES + 4, protocol_status)
        close(buffer, start)
        buffer
      end
    end
  end
end
