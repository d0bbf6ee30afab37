# frozen_string_literal: true

require_relative "cpu"
require_relative "exchange"
require_relative "load"

module BenchWire
  # What was measured of a server with a kind of request in one round. CPU is that of the workers, and rest that of the server's other
  # processes and of the lighttpd before it, in µs a request; nil where workers were replaced. Failure is what went wrong, as text.
  Sample = Struct.new(:round, :kind, :server, :requests, :rate, :p50, :p99, :cpu, :user, :system, :rest, :failure, keyword_init: true) do
    def replaced?
      failure.nil? && cpu.nil?
    end
  end

  # Measures a server.
  class Trial
    TRIES = 3 # where workers are replaced meanwhile
    WARM = 1 # second at the longest, of each kind

    def initialize(server, lighttpd, bodies:, connections:)
      @server = server
      @lighttpd = server.alone? ? [] : lighttpd.pids
      @bodies = bodies
      @small = Wrk.new(connections)
      @large = Download.new(connections, bodies)
      @sizes = {}
    end

    # Asks for each kind for a moment, and waits for what follows from that: a launcher replaces its workers after their first requests,
    # and learns what memory they need.
    def warm(kinds, seconds)
      kinds.each do |kind|
        next if check(kind) || kind.large?

        @small.run(kind, @server.port, [seconds, WARM].min, @sizes.fetch(kind.name))
      end
      @server.settle
    end

    def measure(round, kind, seconds)
      sample = Sample.new(round: round, kind: kind.name, server: @server.name, failure: check(kind))
      return sample if sample.failure

      TRIES.times do
        workers = @server.workers.sort
        figures, cpu, rest = load(kind, seconds, workers)
        fill(sample, figures)
        return sample if sample.failure || figures.requests.zero?
        return add(sample, cpu, rest) if workers == @server.workers.sort

        @server.settle
      end
      sample
    end

    private

    # Returns what is wrong with the response, if anything is, and learns its size.
    def check(kind)
      exchange = Exchange.new(@server.port, kind, @bodies)
      @sizes[kind.name] = kind.large? && @sizes[kind.name] ? exchange.make : exchange.check
      nil
    rescue *Exchange::ERRORS => error
      error.message
    end

    def load(kind, seconds, workers)
      rest = @server.processes - workers + @lighttpd
      before = [workers, rest].map { |pids| Cpu.settled(pids) }
      figures = (kind.large? ? @large : @small).run(kind, @server.port, seconds, @sizes.fetch(kind.name))
      after = [workers, rest].map { |pids| Cpu.settled(pids) }
      [figures, *after.zip(before).map { |later, earlier| later - earlier }]
    end

    def fill(sample, figures)
      sample.requests = figures.requests
      sample.failure = figures.failures.join(", ") unless figures.failures.empty?
      return if figures.requests.zero?

      sample.rate = figures.rate
      sample.p50 = figures.p50
      sample.p99 = figures.p99
    end

    def add(sample, cpu, rest)
      sample.cpu = cpu.total / sample.requests
      sample.user, sample.system = cpu.parts.map { |part| part / sample.requests }
      sample.rest = rest.total / sample.requests
      sample
    end
  end
end
