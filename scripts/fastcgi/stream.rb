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
        raise IOError, "not opened for writing" unless @writing

        @writers |= [Thread.current]
        chunks.sum do |chunk|
          chunk = chunk.to_s
          @response.chunk(chunk)
          @used = Clock.now
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
        raise IOError, "not opened for writing" unless @writing

        @response.flush
        self
      end

      def close_read
        @reading = false
        announce_end
      end

      def close_write
        @writing = false
        announce_end
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
        @abandoned = true
        announce_end
      end

      # Waits until the stream is closed or abandoned. False when it was not written to for so many seconds.
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

      def announce_end
        @lock.synchronize { @ended.broadcast }
        nil
      end
    end
  end
end
