# frozen_string_literal: true

require "json"
require_relative "child"
require_relative "exchange"

module BenchWire
  # What a load has come to: seconds, p50 and p99 in ms, and what has failed, as text.
  Figures = Struct.new(:requests, :seconds, :p50, :p99, :failures, keyword_init: true) do
    def rate
      requests / seconds
    end
  end

  # Keeps so many connections busy with small requests, by wrk: it takes a small part of the CPU of what it measures.
  class Wrk
    SCRIPT = File.expand_path("load.lua", __dir__)
    TIMEOUT = 60 # seconds
    CLOSE = "Connection: close\r\n".bytesize # which a server may say in any response, as Puma alone does in each tenth

    def initialize(connections)
      @connections = connections
    end

    # Size is that of a response with its head: wrk tells failures of HTTP, and the sum of the bytes tells any other response.
    def run(kind, port, seconds, size)
      arguments = ["http://127.0.0.1:#{port}#{kind.path}", "--", kind.posted.to_s]
      output = execute(seconds, arguments)
      output = execute(seconds.ceil, arguments) if Process.last_status.termsig == Signal.list["INT"] # which has come before wrk takes it
      told = output[/^figures (\{.*\})$/, 1] || raise("wrk has no figures:\n#{output}")
      figures = JSON.parse(told)
      Figures.new(requests: figures["requests"], seconds: figures["duration"] / 1e6, p50: figures["p50"] / 1e3, p99: figures["p99"] / 1e3,
                  failures: failures(figures, size))
    end

    private

    # It takes whole seconds, and ends sooner upon SIGINT.
    def execute(seconds, arguments)
      options = ["-t1", "-c#{@connections}", "-d#{seconds.ceil}s", "--timeout", "#{TIMEOUT}s", "-s", SCRIPT]
      IO.popen([*Child::SESSION, "wrk", *options, *arguments], err: %i[child out]) do |wrk|
        early = interrupt(wrk.pid, seconds) if seconds < seconds.ceil
        wrk.read
      rescue Exception # rubocop:disable Lint/RescueException
        Process.kill("KILL", wrk.pid)
        raise
      ensure
        early&.kill
      end
    end

    def interrupt(pid, seconds)
      Thread.new do
        sleep seconds
        Process.kill("INT", pid)
      end
    end

    def failures(figures, size)
      failed = %w[connect read write status timeout].reject { |name| figures[name].zero? }.map { |name| "#{name} #{figures[name]}" }
      failed << "no response" if figures["requests"].zero?
      failed << "another length" unless lengths(figures["requests"], size).cover?(figures["bytes"])
      failed
    end

    # Beside those that were read to their end there may be one on each connection.
    def lengths(requests, size)
      requests * (size - CLOSE)..(requests + @connections) * (size + CLOSE)
    end
  end

  # Asks for large responses one by one on so many connections, begins none after the time is over, and reads all to their end.
  class Download
    def initialize(connections, folder)
      @connections = connections
      @folder = folder
    end

    def run(kind, port, seconds, _size)
      @times = Queue.new
      @failures = Queue.new
      began = now
      exchange = Exchange.new(port, kind, @folder)
      threads = Array.new(@connections) { Thread.new { ask(exchange, began + seconds) } }
      threads.each(&:join)
      figures(now - began)
    ensure
      threads&.each(&:kill)
    end

    private

    def ask(exchange, finish)
      loop do
        began = now
        exchange.make
        @times << ((now - began) * 1000)
        return if now >= finish
      end
    rescue *Exchange::ERRORS => error
      @failures << error.message
    end

    def figures(seconds)
      times = Array.new(@times.size) { @times.pop }.sort
      failures = Array.new(@failures.size) { @failures.pop }.tally.map { |message, count| "#{message} (#{count})" }
      failures << "no response" if times.empty?
      p50, p99 = [0.5, 0.99].map { |part| times[(part * (times.size - 1)).round].to_f unless times.empty? }
      Figures.new(requests: times.size, seconds: seconds, p50: p50, p99: p99, failures: failures)
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
