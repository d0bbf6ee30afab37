# frozen_string_literal: true

require_relative "../clock"

module PreforkLauncher
  module FastCGI
    # The argument of a streaming body of Rack 3, and of a callback of the header "rack.hijack". Every write goes to the
    # peer at once. The response ends when the call returns, also if the stream was not closed, unless a thread that the
    # call has started goes on.
    class Stream
      # The threads that have written.
      attr_reader :writers

      def initialize(response, input)
        @response = response
        @input = input
        @reading = @writing = true
        @abandoned = false
        @lock = Mutex.new
        @ended = ConditionVariable.new
        @used = Clock.now
        @writers = []
      end

      def read(*arguments)
        raise IOError, "not opened for reading" unless @reading

        @input.read(*arguments)
      end

      def write(*chunks)
        check_open
        @writers |= [Thread.current]
        chunks.sum do |chunk|
          chunk = chunk.to_s
          while_open { @response.chunk(chunk) }
          chunk.bytesize
        end
      end

      # Writes everything, as all writes here. A Socket has it, and code for the header "rack.hijack" may use it.
      def write_nonblock(chunk, **)
        write(chunk)
      end
      alias syswrite write

      def print(*chunks)
        write(*chunks)
        nil
      end

      def puts(*lines)
        lined = StringIO.new(String.new)
        lined.puts(*lines)
        write(lined.string)
        nil
      end

      def read_nonblock(size, buffer = nil, **)
        read(size, *buffer) || raise(EOFError, "end of file reached")
      end
      alias readpartial read_nonblock

      def <<(chunk)
        write(chunk)
        self
      end

      def flush
        while_open { @response.flush }
        self
      end

      def close_read
        announce_end { @reading = false }
      end

      def close_write
        announce_end { @writing = false }
      end

      def close(_error = nil)
        close_read
        close_write
      end

      def closed?
        !@reading && !@writing
      end

      # Says that no thread is left that could write.
      def abandon
        announce_end { @abandoned = true }
      end

      # Waits until the stream is closed or abandoned. False when it was not written to for so many seconds, which do not pass while
      # something is written.
      def wait(seconds)
        @lock.synchronize do
          until closed? || @abandoned
            remaining = @used + seconds - Clock.now
            return false unless remaining.positive?

            @ended.wait(@lock, remaining)
          end
        end
        true
      end

      private

      # Whoever closes the stream waits for what is written at that moment: the next request has the same buffer, and may have the
      # same connection.
      def while_open
        @lock.synchronize do
          check_open
          yield
          @used = Clock.now
        end
      end

      def check_open
        raise IOError, "not opened for writing" unless @writing
      end

      def announce_end
        @lock.synchronize do
          yield
          @ended.broadcast
        end
        nil
      end
    end
  end
end
