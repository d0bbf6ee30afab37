# frozen_string_literal: true

require "json"
require_relative "cpu"
require_relative "fastcgi_client"
require_relative "servers"
require_relative "strace"

module BenchWire
  # The responder of a folder of scripts, in a Ruby of its own.
  class Responder < Server
    PROGRAM = File.expand_path("responder_alone.rb", __dir__)
    WARM = 20 # requests

    def initialize(name, setting, scripts:)
      super(name, setting)
      @scripts = scripts
      raise Missing, "no responder in #{scripts}" unless File.exist?(File.join(scripts, "fastcgi/responder.rb"))
    end

    def workers
      [@child.pid]
    end

    # Returns the requests that were counted, their objects, and places with objects and bytes.
    def allocations(request, count)
      path = File.join(@folder, "counted")
      report = File.join(@folder, "report")
      child = Child.new([*command(path), WARM.to_s, count.to_s, report], log: @log, env: environment)
      child.await(READY, @name) { File.socket?(path) && answers?(path, request) }
      FastCGIClient.new(path).run(request, WARM - 1 + (2 * count), 1)
      child.await_end(READY, @name)
      JSON.parse(File.read(report))
    ensure
      child&.stop("KILL")
      [path, report].each { |file| File.delete(file) if File.exist?(file) }
    end

    private

    def command(path = sockets.first)
      [RbConfig.ruby, PROGRAM, @scripts, path]
    end

    def answers?(path, request)
      FastCGIClient.new(path).run(request, 1, 1)
    rescue Errno::ECONNREFUSED
      false # it does not listen yet
    end
  end

  # What a request costs a process: per request calls by name, CPU in µs with its parts, and page faults.
  Cost = Struct.new(:name, :calls, :cpu, :user, :system, :faults, keyword_init: true)

  # Measures the process that serves.
  class Profile
    FAULTS = 7 # of /proc/PID/stat, from the state on
    WARM = 200 # requests
    TRIES = 5 # where the worker is replaced meanwhile

    def initialize(server, strace)
      @server = server
      @client = FastCGIClient.new(server.sockets.first)
      @strace = strace
    end

    def warm(request, body, count)
      @client.check(request, body)
      @client.run(request, [WARM, count].min, 1)
      @server.settle
    end

    # Returns the cost of a request where so many are made, on so many connections.
    def cost(request, count, connections)
      TRIES.times do
        pid = @server.workers.first
        cost = cost_of(pid, request, count, connections)
        return cost if pid == @server.workers.first

        @server.settle
      end
      raise Child::Failed, "#{@server.name}: its worker is replaced again and again"
    end

    private

    def cost_of(pid, request, count, connections)
      before, faults_before = figures(pid)
      made = @client.run(request, count, connections)
      after, faults = figures(pid)
      cpu = after - before
      user, system = cpu.parts.map { |part| part / made }
      Cost.new(name: @server.name, cpu: cpu.total / made, user: user, system: system, faults: (faults - faults_before).fdiv(made),
               calls: calls(pid, request, count, connections))
    end

    def figures(pid)
      [Cpu.settled([pid]), Launch.stat(pid)[FAULTS].to_i]
    end

    # Returns nil where strace is not there, or may not, or the worker is gone.
    def calls(pid, request, count, connections)
      return unless @strace

      made = 0
      counted = @strace.count(pid) { made = @client.run(request, count, connections) }
      counted.transform_values { |number| number.fdiv(made) }
    rescue Child::Failed => error
      return unless File.exist?("/proc/#{pid}")

      @strace = nil
      warn "no system calls: #{error.message}"
    end
  end
end
