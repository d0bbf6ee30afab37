# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # What a streaming body of Rack 3 is called with. Every write goes to the peer at once. The response ends when the body's call
    # returns, also if the stream was not closed: a process that serves one request at a time has nobody who would wait for it.
    class Stream
      def initialize(response, input)
        @response = response
        @input = input
        @reading = @writing = true
      end

      def read(*arguments)
        raise IOError, "not opened for reading" unless @reading

        @input.read(*arguments)
      end

      def write(*chunks)
        raise IOError, "not opened for writing" unless @writing

        chunks.sum do |chunk|
          chunk = chunk.to_s
          @response.chunk(chunk)
          chunk.bytesize
        end
      end

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
        nil
      end

      def close_write
        @writing = false
        nil
      end

      def close(_error = nil)
        close_read
        close_write
      end

      def closed?
        !@reading && !@writing
      end
    end
  end
end
