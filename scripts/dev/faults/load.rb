# frozen_string_literal: true

require "net/http"

module Faults
  # A request that was not served: when it began and ended, what it was, and what came of it.
  Failure = Struct.new(:began, :ended, :request, :text)

  # Visitors, each with a connection of its own, who ask without a pause until they are stopped. A third of their requests are POSTs,
  # which no web server sends twice.
  class Load
    PATIENCE = 60 # seconds that a response may take
    BODY = ("a" * 1024).freeze
    REQUESTS = [
      ["GET /posts", ->(http) { http.get("/posts") }, ->(body) { body.end_with?("</html>\n") }],
      ["POST /echo", ->(http) { http.post("/echo", BODY, "content-type" => "text/plain") }, ->(body) { body.include?("\"size\":1024") }],
      ["GET /posts/1", ->(http) { http.get("/posts/1") }, ->(body) { body.end_with?("</html>\n") }]
    ].freeze

    def initialize(port, visitors)
      @port = port
      @lock = Mutex.new
      @served = 0
      @slowest = 0.0
      @failures = []
      @stopping = false
      @threads = Array.new(visitors) { |number| Thread.new { visit(number) } }
    end

    attr_reader :served, :failures

    # Returns the longest response in seconds since the last call.
    def slowest
      @lock.synchronize { @slowest.tap { @slowest = 0.0 } }
    end

    # Returns once every visitor has had a last response.
    def stop
      @stopping = true
      @threads.each(&:join)
    end

    private

    def visit(number)
      turn = number
      until @stopping
        connect do |http|
          ask(http, *REQUESTS[(turn += 1) % REQUESTS.size]) until @stopping
        end
      end
    end

    # A connection that was lost is made anew, after the failure was noted.
    def connect(&block)
      http = Net::HTTP.new("127.0.0.1", @port)
      http.max_retries = 0
      http.read_timeout = PATIENCE
      http.keep_alive_timeout = PATIENCE
      http.start(&block)
    rescue Lost
      nil
    rescue SystemCallError, IOError, Timeout::Error => error
      note(Failure.new(now, now, "connect", error.class.name))
      sleep 0.1
    end

    class Lost < StandardError; end
    private_constant :Lost

    def ask(http, name, request, whole)
      began = now
      response = request.call(http)
      text = "#{response.code}#{' cut off' if response.code == '200'}" unless response.code == "200" && whole.call(response.body)
      text ? note(Failure.new(began, now, name, text)) : count(now - began)
    rescue SystemCallError, IOError, Timeout::Error, Net::ProtocolError, Net::HTTPBadResponse => error
      note(Failure.new(began, now, name, error.class.name))
      raise Lost
    end

    def count(seconds)
      @lock.synchronize do
        @served += 1
        @slowest = seconds if seconds > @slowest
      end
    end

    def note(failure)
      @lock.synchronize { @failures << failure }
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
