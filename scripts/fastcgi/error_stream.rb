# frozen_string_literal: true

require_relative "../text"
require_relative "log_lines"

module PreforkLauncher
  module FastCGI
    # Writes to the worker's own error log: rack.errors, and the reports of the responder. Nothing goes to the STDERR
    # stream of FastCGI: lighttpd would write it into its own log once more, cut into lines there and mixed with other
    # backends', and it would be lost with the peer. A log that cannot be written (full disk, closed pipe) must not end
    # a request. What applications write often holds what a client chose, so it is made printable.
    class ErrorStream
      MAX_FRAMES = 100
      MAX_CAUSES = 10
      MESSAGE_MAX = 8_000 # bytes
      LINE_MAX = 500 # bytes, of a frame and of the name of a request
      HIJACK_HINT = "if it was env[\"rack.hijack\"] or env[\"async.callback\"] that was called: FastCGI has no connection to " \
                    "give away, so neither is there; WebSockets and the like need a server of their own"
      ASYNC_HINT = "throw :async asks for a response later on, and a worker serves one request at a time: return the response"
      private_constant :HIJACK_HINT, :ASYNC_HINT

      def initialize(io)
        @io = io
      end

      def write(*strings)
        put(LogLines.written(strings.map { |string| Text.printable(string) }.join))
        strings.sum { |string| string.to_s.bytesize }
      end

      def <<(string)
        write(string)
        self
      end

      def puts(*lines)
        lined = StringIO.new(String.new)
        lined.puts(*lines)
        write(lined.string)
        nil
      end

      def print(*strings)
        write(*strings)
        nil
      end

      def printf(format, *arguments)
        write(Kernel.format(format, *arguments))
        nil
      end

      def flush
        @io.flush
        self
      rescue SystemCallError, IOError
        self
      end
      alias fsync flush

      # Does nothing. Logger takes a device only if it can be closed, and Rack::Logger makes a Logger of rack.errors.
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

      def to_io
        @io.to_io
      end

      def tty?
        @io.tty?
      end
      alias isatty tty?

      def note(message)
        put(LogLines.note(Text.line(message, LINE_MAX)))
      end

      # Writes an exception with its causes in one write, so that reports of several workers in one log stay apart. Each
      # part that is the application's code is called by itself: if it fails, the rest is reported all the same.
      def report(error, context)
        hint = hint(error)
        seen = [error]
        while (error = Text.attempt(nil) { error.cause }) && seen.size < MAX_CAUSES && seen.none? { |one| one.equal?(error) }
          seen << error
        end
        all = seen.map { |one| [Text.error(one, MESSAGE_MAX), frames(one)] }
        shown = all.map { |name, frames| [name, frames.first(MAX_FRAMES).map { |frame| line(frame) }] }
        put(LogLines.report(Text.line(context, LINE_MAX), shown, all.map { |_, frames| [frames.size - MAX_FRAMES, 0].max }, hint))
      end

      private

      def line(frame)
        Text.attempt("a frame") { Text.line(frame, LINE_MAX) }
      end

      def frames(error)
        frames = Text.attempt("its backtrace") { error.backtrace || [] }
        frames.is_a?(Array) ? frames : [frames]
      end

      # Returns a hint where the application has asked for something that only a server of HTTP has, or nil.
      def hint(error)
        Text.attempt(nil) do
          case error
          when UncaughtThrowError then ASYNC_HINT if error.tag == :async
          when NoMethodError then HIJACK_HINT if error.name == :call && error.receiver.nil?
          end
        end
      end

      # Writes, with escapes where the stream's encoding has no such characters.
      def put(text)
        @io.write(text)
      rescue EncodingError
        begin
          @io.write(text.dump.gsub('\\n', "\n").gsub('\\t', "\t"))
        rescue SystemCallError, IOError
          nil
        end
      rescue SystemCallError, IOError
        nil
      end
    end
  end
end
