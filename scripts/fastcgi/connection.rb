# frozen_string_literal: true

require_relative "../clock"
require_relative "opening"

module PreforkLauncher
  module FastCGI
    # Reads and writes one accepted socket, each wait with a deadline, and frames records. It never blocks without a
    # deadline, never allocates for a length that a peer merely claims (a record is at most 65,535 + 255 bytes), and
    # knows nothing of requests.
    #
    # Waiting is IO.select: Ruby grows its descriptor sets with the descriptor (since 1.9, on Linux), so numbers above
    # 1023 work, and it needs no library, whereas IO#wait_readable came to the core with Ruby 3.0.
    class Connection
      READ_BYTES = 65_536
      # What a peer can bring about, or the network on the way to it. Anything else is about this process: a closed
      # descriptor, a method that was redefined.
      PEER_ERRORS = [Errno::ECONNRESET, Errno::EPIPE, Errno::ENOTCONN, Errno::ETIMEDOUT, Errno::EHOSTUNREACH, Errno::EHOSTDOWN,
                     Errno::ENETUNREACH, Errno::ENETDOWN].freeze

      # Of the current record.
      attr_reader :type, :id, :length

      # The buffer is the responder's, so that a request costs no new one. What it holds counts as read.
      # The observer is told when the peer is waited for. Leaving says whether nobody is to serve another request on it.
      def initialize(socket, limits:, interrupts:, buffer:, observer: nil, leaving: nil)
        @socket = socket
        @limits = limits
        @sockets = [socket]
        @interrupts = interrupts
        @buffer = @shared = buffer
        @observer = observer
        @leaving = leaving
        @offset = buffer.bytesize
        @type = @id = @length = @content = 0
        @lost = @interrupted = @ended = false
        @failure = nil
      end

      # Keeps a connection of which nothing is in the buffer.
      def rest
        @buffer = @shared
      end

      # Goes on with it.
      def resume(interrupts)
        @interrupts = interrupts
        @offset = @buffer.bytesize
      end

      # An error that is this process's own, not the peer's; or nil.
      attr_reader :failure

      # Whether the peer cannot be written to any more.
      def lost?
        @lost
      end

      def buffered?
        @offset < @buffer.bytesize
      end

      # Has who watches see that a request comes in, also where the peer is never waited for: it is faster than this side stores it.
      def tell_progress
        @observer&.peer_awaited
      end

      # Waits for a byte between two requests. Returns false when the connection is to be closed, or left alone: as soon as
      # an interrupt is readable (another connection waits, or the worker has to leave), a byte has to come within the grace.
      def await(deadline, grace)
        @interrupted = false
        watched = nil
        until buffered?
          received = receive
          return false if received.nil?
          next unless received == :wait_readable

          grace.zero? ? @observer&.request_awaited { interrupted? } : @observer&.peer_awaited
          watched ||= [@socket, *@interrupts]
          remaining = deadline - Clock.now
          return false unless remaining.positive? && (ready = IO.select(watched, nil, nil, remaining))
          next if ready.first.include?(@socket)
          return leave_alone if grace.zero?

          watched = @sockets
          deadline = [deadline, Clock.now + grace].min
        end
        true
      end

      # Whether the last wait has ended by an interrupt, and the peer may still send.
      def left_alone?
        @interrupted
      end

      def interrupted?
        !@interrupts.empty? && !IO.select(@interrupts, nil, nil, 0).nil?
      end

      # Returns the beginning of a request, and passes over it, where all of it is in the buffer and looks as usual; else nil.
      def take_opening(max)
        opening = Opening.at(@buffer, @offset, max)
        @offset = opening.stop if opening
        opening
      end

      # Reads one record with its padding. Returns false at the end of the stream, also when it comes within a record.
      def read_record(deadline)
        return false unless fill(Record::HEADER_BYTES, deadline)

        version = @buffer.getbyte(@offset)
        raise ProtocolViolation, "record of version #{version}, is this FastCGI?" unless version == Record::VERSION

        size = record_bytes
        return false unless fill(size, deadline)

        @type = @buffer.getbyte(@offset + 1)
        @id = @buffer.getbyte(@offset + 2) << 8 | @buffer.getbyte(@offset + 3)
        @length = @buffer.getbyte(@offset + 4) << 8 | @buffer.getbyte(@offset + 5)
        @content = @offset + Record::HEADER_BYTES
        @offset += size
        true
      end

      # Whether a whole record can be read without waiting.
      def record_ready?
        until record_buffered?
          received = receive
          raise PeerLost, "peer closed its side" if received.nil?
          return false if received == :wait_readable
        end
        true
      end

      # Returns the content of the current record, valid until the next one is read.
      def content
        @buffer.byteslice(@content, @length)
      end

      def content_byte(index)
        @buffer.getbyte(@content + index)
      end

      # Passes over the next record if it is in the buffer, has this type and id, and no content; returns whether it has.
      def skip_empty(type, id)
        return false unless unread >= Record::HEADER_BYTES
        return false unless @buffer.byteslice(@offset, 6) == Record.empty(type, id) && record_buffered?

        @offset += record_bytes
        true
      end

      # Writes everything, or raises. The deadline starts anew with every byte that the peer takes. What it has not taken at
      # once is copied to the rest: as a part of the bytes it would keep their memory, and they could not be used again.
      def write(bytes, rest = String.new)
        raise PeerLost, "peer is gone" if @lost

        deadline = nil
        until (written = @socket.write_nonblock(bytes, exception: false)) == bytes.bytesize
          if written == :wait_writable
            deadline ||= Clock.now + @limits.write_seconds
            wait_writable(deadline)
          else
            left = StringIO.new(bytes)
            left.pos = written
            bytes, rest = left.read(nil, rest), String.new
            deadline = nil
          end
        end
      rescue SystemCallError, IOError => error
        raise lose(error)
      end

      # Whether copy may be called: a unix socket that can be written to at all has room for a record (unix_writable, Linux), so that
      # it waits for nobody, and needs no deadline.
      def copies?
        @socket.is_a?(UNIXSocket)
      end

      # Writes a header and so many bytes of a file, which do not pass through this process, and returns how many of them there were.
      # At most a record: the peer is waited for before.
      def copy(header, file, bytes)
        raise PeerLost, "peer is gone" if @lost

        wait_writable(Clock.now + @limits.write_seconds)
        write(header)
        IO.copy_stream(file, @socket, bytes)
      rescue ConnectionFailure, *PEER_ERRORS => error # any other may be the file's
        raise lose(error)
      end

      # Yields for what ends a response. Where nobody is to serve another request, the connection ends with it: a close at any other
      # moment may cross the next request on its way. Whole says whether the request was read to its end.
      def end_response(whole)
        last = @leaving&.call && !buffered?
        if last && whole
          refuse_more
          end_with_segment
        end
        yield
        end_writing if last
      end

      # Has the peer be unable to send another request from now on, at a unix socket. What it has sent can be read.
      def refuse_more
        @socket.shutdown(Socket::SHUT_RD) if @socket.is_a?(UNIXSocket)
      rescue SystemCallError, IOError
        nil # The peer is gone.
      end

      # Whether the peer was told that no other response follows.
      def ended?
        @ended
      end

      # Ends writing and discards what still arrives, within bounds, before a close. Closing a socket with unread input
      # resets the connection, and the reset overtakes a response that the peer has not read yet (always over TCP).
      def drain
        @socket.close_write
        deadline = Clock.now + @limits.drain_seconds
        left = @limits.drain_bytes
        while left.positive?
          received = @socket.read_nonblock(READ_BYTES, @buffer, exception: false)
          @offset = @buffer.bytesize
          return if received.nil?

          received == :wait_readable ? wait_readable(deadline) : left -= received.bytesize
        end
      rescue SystemCallError, IOError
        nil # It is closed next.
      end

      attr_reader :socket

      def close
        @socket.close
      rescue SystemCallError, IOError
        nil # A descriptor that cannot be closed is closed (close(2), Linux).
      end

      private

      # Over TCP the peer learns of the end of the stream in the same segment as of that of the response.
      def end_with_segment
        @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_CORK, true) if @socket.is_a?(TCPSocket)
      rescue SystemCallError, IOError
        nil # It learns a moment later.
      end

      def end_writing
        @ended = true
        @socket.shutdown(Socket::SHUT_WR)
      rescue SystemCallError, IOError
        nil # The peer is gone.
      end

      def unread
        @buffer.bytesize - @offset
      end

      def record_bytes
        Record::HEADER_BYTES +
          (@buffer.getbyte(@offset + 4) << 8 | @buffer.getbyte(@offset + 5)) + @buffer.getbyte(@offset + 6)
      end

      def record_buffered?
        unread >= Record::HEADER_BYTES && unread >= record_bytes
      end

      def fill(bytes, deadline)
        while unread < bytes
          received = receive
          return false if received.nil?

          wait_readable(deadline) if received == :wait_readable
        end
        true
      end

      # Reads once without waiting. The buffer is overwritten when all of it was used, which is the rule: a web server
      # sends a request in one piece. Otherwise what is left moves to the front of a new one.
      def receive
        if buffered?
          more = @socket.read_nonblock(READ_BYTES, exception: false)
          return more unless more.is_a?(String)

          @buffer = @buffer.byteslice(@offset, unread) << more
          @offset = 0
        else
          more = @socket.read_nonblock(READ_BYTES, @buffer, exception: false)
          @offset = more.is_a?(String) ? 0 : @buffer.bytesize
        end
        more
      rescue SystemCallError, IOError => error
        raise lose(error)
      end

      def leave_alone
        @interrupted = true
        false
      end

      def lose(error)
        @lost = true
        return error if error.is_a?(ConnectionFailure)

        @failure = error unless PEER_ERRORS.include?(error.class)
        PeerLost.new(error.message)
      end

      def wait_readable(deadline)
        @observer&.peer_awaited
        remaining = deadline - Clock.now
        return if remaining.positive? && IO.select(@sockets, nil, nil, remaining)

        raise DeadlinePassed, "peer sent nothing more in time"
      end

      def wait_writable(deadline)
        remaining = deadline - Clock.now
        return if remaining.positive? && IO.select(nil, @sockets, nil, remaining)

        raise DeadlinePassed, "peer read nothing in time"
      end
    end
  end
end
