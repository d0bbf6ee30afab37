# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Writes the STDOUT stream of one request. What is appended is held until flush, so head, body and END_REQUEST of a
    # small response leave in one write; a large one is written as it grows, a full record at a time.
    class Output
      # Of a record without padding.
      FULL_BYTES = Record::FULL_CONTENT + Record::HEADER_BYTES

      # What is held between two writes, and a part of something larger on its way there. All requests of a responder use the
      # same: Strings that are made anew for each 64 KiB are garbage, and their memory goes back to the system and comes again.
      class Buffer
        CAPACITY = 4096 # bytes; it grows once, with the first larger response
        NOTHING = [].freeze
        private_constant :CAPACITY, :NOTHING

        attr_reader :held, :part

        def initialize
          @held = String.new(capacity: CAPACITY)
          @part = String.new
        end

        # Empties what is held and keeps its memory, which String#clear gives back.
        def clear
          NOTHING.pack("@0", buffer: @held)
        rescue RuntimeError # somebody has made a copy of it, which has the same memory for as long as neither is changed
          @held.clear
        end
      end

      # What reads the request.
      attr_writer :intake

      # The observer is told once that the response begins.
      def initialize(connection, id, buffer = Buffer.new, observer = nil)
        @connection = connection
        @id = id
        @buffer = buffer
        @observer = observer
        @held = buffer.held
        @open = false
        @started = @finished = false
        @intake = nil
        buffer.clear unless @held.empty?
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
        return if bytes.empty?

        # Another encoding's bytes cannot be appended to a binary string that has bytes above 127.
        bytes = bytes.b unless bytes.encoding == Encoding::BINARY
        open_record unless @open
        left = FULL_BYTES - @held.bytesize
        return append_pieces(bytes) if bytes.bytesize > left

        @held << bytes
        flush if bytes.bytesize == left
      end

      # Appends so many bytes of what is to be read, or as many as there are, and returns how many. Yields before each record.
      def copy(source, bytes)
        copied = 0
        while copied < bytes
          yield if block_given?
          left = @open ? FULL_BYTES - @held.bytesize : Record::FULL_CONTENT
          break unless source.read([left, bytes - copied].min, @buffer.part)

          open_record unless @open
          @held << @buffer.part
          copied += @buffer.part.bytesize
          flush if @buffer.part.bytesize == left
        end
        copied
      end

      # Appends so many bytes of a file. Those of a large one go to the peer a record at a time, without passing through this process.
      # Returns how many there were, and yields before each record.
      def copy_file(file, bytes, &before)
        return copy(file, bytes, &before) unless bytes > Record::FULL_CONTENT && @connection.copies?

        flush
        left = bytes
        while left.positive?
          yield if before
          size = [left, Record::FULL_CONTENT].min
          begin_response unless @started
          copied = @connection.copy(Record.header(Record::STDOUT, @id, size), file, size)
          raise InvalidResponse, "a file became shorter while it was sent" if copied < size # its record has no end

          left -= size
        end
        bytes
      end

      def flush
        close_record if @open
        return if @held.empty?

        begin_response unless @started
        @connection.write(@held, @buffer.part)
      ensure
        @buffer.clear
      end

      def finish
        if @open && @id == 1
          @held << Record::ENDS[Record.complete(@held, 0)]
          @open = false
        else
          close_record if @open
          Record.append_end(@held, @id)
        end
        @connection.end_response(@intake && !@intake.unread?) { flush }
        @finished = true
      end

      # Begins a record, and returns what is held, to which its content is appended: no more than fits into one (FULL_BYTES in all), in
      # bytes. What follows is finish, or discard. It is the first one.
      def open
        open_record
        @held
      end

      # Discards what was not written yet.
      def discard
        @buffer.clear
        @open = false
      end

      private

      # Appends what does not fit into the record. What is left of it is the end of the same memory, which a part of its middle
      # would not be, and pack takes so many bytes of that.
      def append_pieces(bytes)
        size = bytes.bytesize
        until size.zero?
          open_record unless @open
          left = FULL_BYTES - @held.bytesize
          piece = [left, size].min
          [bytes].pack("a#{piece}", buffer: @held)
          size -= piece
          bytes = bytes.byteslice(piece, size)
          flush if piece == left
        end
      end

      def begin_response
        @started = true
        @observer&.response_begun
      end

      def open_record
        @id == 1 ? @held << Record::STDOUT_HEADER : Record.open(@held, Record::STDOUT, @id)
        @open = true
      end

      def close_record
        Record.close(@held, 0)
        @open = false
      end
    end
  end
end
