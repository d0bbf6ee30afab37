# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Writes the STDOUT stream of one request. What is appended is held until flush, so head, body and END_REQUEST of a
    # small response leave in one write; a large one is written as it grows.
    class Output
      HELD_BYTES = 131_072

      def initialize(connection, id)
        @connection = connection
        @id = id
        @buffer = String.new(capacity: 4096)
        @record = nil
        @started = @finished = false
      end

      # Whether bytes of this response were sent: it cannot be replaced any more.
      def started?
        @started
      end

      # Whether all of the response was written, END_REQUEST with it.
      def finished?
        @finished
      end

      # Appends bytes in records, none of which is empty: that would end the stream (FastCGI Specification, section
      # 3.3).
      def append(bytes)
        # Another encoding's bytes cannot be appended to a binary string that has bytes above 127.
        bytes = bytes.b unless bytes.encoding == Encoding::BINARY
        length = bytes.bytesize
        offset = 0
        while offset < length
          @record ||= Record.open(@buffer, Record::STDOUT, @id)
          room = Record::FULL_CONTENT + Record::HEADER_BYTES + @record - @buffer.bytesize
          size = [room, length - offset].min
          @buffer << (size == length ? bytes : bytes.byteslice(offset, size))
          offset += size
          close_record if size == room
          flush if @buffer.bytesize >= HELD_BYTES
        end
      end

      def flush
        close_record
        return if @buffer.empty?

        @started = true
        @connection.write(@buffer)
        @buffer.clear
      end

      def finish
        close_record
        Record.append(@buffer, Record::STDOUT, @id)
        Record.append_end_request(@buffer, @id)
        flush
        @finished = true
      end

      # Discards what was not written yet.
      def discard
        @buffer.clear
        @record = nil
      end

      private

      def close_record
        return unless @record

        Record.close(@buffer, @record)
        @record = nil
      end
    end
  end
end
