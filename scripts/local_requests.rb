# frozen_string_literal: true

require_relative "clock"
require_relative "fastcgi/responder"

module PreforkLauncher
  # Sends requests to an application in this process as they will come to it in a worker: over a socket, by FastCGI, on a thread
  # of their own. What they allocate stays out of the main thread's memory, and one that hangs can be given up.
  class LocalRequests
    READ_BYTES = 65_536
    GRACE = 1 # seconds, for a thread that was killed

    # A request that hangs. The message is the place.
    class Stuck < StandardError; end

    # Returns the bytes of one, as a web server sends them. They are encoded as they are, whatever encodings they are of.
    def self.encode(path, host, headers)
      params = { "REQUEST_METHOD" => "GET", "REQUEST_URI" => path, "SERVER_PROTOCOL" => "HTTP/1.1", "REMOTE_ADDR" => "127.0.0.1",
                 "HTTP_HOST" => host }
      headers.each { |name, value| params["HTTP_#{name.upcase.tr('-', '_')}"] = value }
      bytes = FastCGI::Record.append("".b, FastCGI::Record::BEGIN_REQUEST, 1, [FastCGI::Record::RESPONDER, 0].pack("nCx5"))
      pairs = params.each_with_object("".b) { |(name, value), buffer| FastCGI::Params.append(buffer, name.b, value.b) }
      FastCGI::Record.append(bytes, FastCGI::Record::PARAMS, 1, pairs)
      FastCGI::Record.append(bytes, FastCGI::Record::PARAMS, 1)
      FastCGI::Record.append(bytes, FastCGI::Record::STDIN, 1)
    end

    # The observer is told of each request, as that of a responder is.
    def initialize(app, url_prefix:, seconds:, observer: nil)
      @responder = FastCGI::Responder.new(app, errors: $stderr, url_prefix: url_prefix, observer: observer)
      @deadline = Clock.now + seconds
      @buffer = String.new(capacity: READ_BYTES)
      @sockets = Queue.new
      @thread = Thread.new { serve }
    end

    # Sends one and waits for the end of the response. False where the application has killed the thread that served it; raises Stuck.
    def get(path, host:, headers: {})
      ours, theirs = UNIXSocket.pair
      ours.write(LocalRequests.encode(path, host, headers))
      @sockets << theirs
      read_all(ours) || !@thread.join(GRACE)
    ensure
      ours&.close
    end

    # Ends the thread. What comes after the response has as long as the response would have had. A thread that nothing can end
    # is left to itself.
    def finish
      @sockets.close
      @thread.kill unless @thread.join([@deadline - Clock.now, GRACE].max)
    end

    private

    def serve
      while (socket = @sockets.pop)
        @responder.serve(socket)
      end
    end

    # Reads to the end and returns whether there was anything.
    def read_all(ours)
      some = false
      Kernel.loop do
        part = ours.read_nonblock(READ_BYTES, @buffer, exception: false)
        return some if part.nil?
        next some = true unless part == :wait_readable

        give_up unless IO.select([ours], nil, nil, [@deadline - Clock.now, 0].max)
      end
    end

    def give_up
      where = (@thread.backtrace || []).first(3).join(" < ")
      @thread.kill
      raise Stuck, where
    end
  end
end
