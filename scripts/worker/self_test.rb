# frozen_string_literal: true

require_relative "../clock"
require_relative "../fastcgi/responder"
require_relative "../local_requests"

module PreforkLauncher
  # Tests whether this process can still serve a request: one of its own, over a socket, by the same code, is to be answered as it was
  # before the first request. A request may change what that code is made of (IO#write_nonblock, IO.select, nil.nil?) so that nothing is
  # raised and nothing is answered, or an error to each. Then all that follow would fail at once, and at once means that most come here.
  class SelfTest
    class Failed < StandardError; end

    CHANGED = "it does not answer as it did before its first request, which a request may have done to Ruby's own methods"

    SECONDS = 1 # from one to the next at least
    READ_BYTES = 4096 # more than the answer has
    SMALL = "/self-test/small"
    # By path, the host: two requests, since a small response leaves by other code than others do (SmallResponse). Neither is
    # like the one before it, nor is their header among those that are remembered (Head.line): that would test what was right once.
    HOSTS = { SMALL => "localhost", "/self-test" => "127.0.0.1" }.freeze
    HEADERS = { "content-type" => "text/plain", "x-test" => "x" * (FastCGI::Head::VALUE_BYTES_MAX + 1) }.freeze
    ANSWER = lambda do |env|
      text = "#{env['REQUEST_METHOD']} #{env['SERVER_NAME']}#{env['PATH_INFO']}\n"
      [200, HEADERS, env["PATH_INFO"] == SMALL ? [text] : [text, text]]
    end
    # It tests nothing but the code: a peer that is here already does not keep it waiting.
    LIMITS = { head_seconds: SECONDS, idle_seconds: SECONDS, body_seconds: SECONDS, write_seconds: SECONDS, drain_seconds: SECONDS }.freeze

    # A log that keeps nothing.
    class NoLog
      def write(*); end
    end
    private_constant :CHANGED, :SMALL, :HOSTS, :HEADERS, :ANSWER, :LIMITS, :NoLog

    # Made before the first request.
    def initialize
      @responder = FastCGI::Responder.new(ANSWER, errors: NoLog.new, limits: FastCGI::Limits.new(**LIMITS))
      @requests = HOSTS.map { |path, host| LocalRequests.encode(path, host, {}).freeze }
      @answers = answers
      raise Failed, "it does not answer a request of its own" unless @answers.all?

      @next = Clock.now + SECONDS
    end

    def due?
      Clock.now >= @next
    end

    def check
      @next = Clock.now + SECONDS
      raise Failed, CHANGED unless answers == @answers
    end

    private

    def answers
      @requests.map { |request| answer(request) }
    end

    # Serves a request and returns the answer. The request is complete and its end told before it is served, so
    # reading waits for nothing. Where no descriptors are left a pair of sockets aborts Ruby 2.7 (rb_update_max_fd), and a pipe raises.
    def answer(request)
      IO.pipe.each(&:close)
      ours, theirs = UNIXSocket.pair
      ours.syswrite(request)
      ours.shutdown(Socket::SHUT_WR)
      return unless @responder.serve(theirs)

      # What IO.select says of no time to wait is not to be relied on: nil where another thread wants to run at that moment.
      answered = ours.read_nonblock(READ_BYTES, exception: false)
      answered unless answered == :wait_readable
    rescue StandardError, ScriptError, SystemStackError, NoMemoryError
      nil
    ensure
      ours&.close
    end
  end
end
