# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # rack.errors, and the place where the responder itself reports. Everything goes to the worker's own error log and nothing to the
    # STDERR stream of FastCGI: lighttpd would write it into its own log once more, cut into lines there and mixed with other
    # backends', and a lost peer would take the report with it. A log that cannot be written (full disk, closed pipe) must not end a
    # request.
    class Errors
      MAX_FRAMES = 100
      MAX_CAUSES = 10

      def initialize(io)
        @io = io
      end

      def write(*strings)
        @io.write(*strings)
      rescue SystemCallError, IOError
        strings.sum { |string| string.to_s.bytesize }
      end

      def <<(string)
        write(string)
        self
      end

      def puts(*lines)
        @io.puts(*lines)
      rescue SystemCallError, IOError
        nil
      end

      def print(*strings)
        write(*strings)
        nil
      end

      def flush
        @io.flush
        self
      rescue SystemCallError, IOError
        self
      end

      # Logger takes a device only if it can be closed, and Rack::Logger makes a Logger of rack.errors; the stream is not theirs.
      def close; end

      def closed?
        false
      end

      def sync
        true
      end

      def sync=(value); end

      def fileno
        @io.fileno
      end

      def tty?
        @io.tty?
      end
      alias isatty tty?

      def note(message)
        write("launcher: #{message}\n")
      end

      # One write a report, so that reports of several workers in one log stay apart.
      def report(error, context)
        text = +"launcher: #{context}: "
        describe(error, text)
        seen = [error]
        while (error = error.cause) && !seen.include?(error) && seen.size < MAX_CAUSES
          seen << error
          describe(error, text << "caused by: ")
        end
        write(text)
      rescue StandardError, SystemStackError, NoMemoryError => failure
        note("#{context}: #{failure.class} while an error was reported")
      end

      private

      # The message is the application's code, and in any encoding.
      def describe(error, text)
        text << readable(error.class) << ": " << readable(error.message) << "\n"
        frames = error.backtrace || []
        frames.first(MAX_FRAMES).each { |frame| text << "\t" << readable(frame) << "\n" }
        text << "\t... #{frames.size - MAX_FRAMES} more\n" if frames.size > MAX_FRAMES
      end

      def readable(message)
        message.to_s.dup.force_encoding(Encoding::UTF_8).scrub("?")
      end
    end
  end
end
