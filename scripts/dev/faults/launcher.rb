# frozen_string_literal: true

require "json"
require_relative "../wire/servers"

module Faults
  # A launcher of the blog, with what is done to it.
  class Launcher < BenchWire::Launcher
    SETTLED = 300 # seconds, where a load takes half a minute
    POLL = 0.1

    # It has not come to rest.
    class Unsettled < StandardError; end

    attr_reader :log_file

    # Slots are those that lighttpd knows, of which the launcher has as many as it is told.
    def initialize(setting, blog, file:, slots:, log_file:, options: [])
      super("launcher", setting, file: file, options: options)
      @blog = blog
      @slots = slots
      @log_file = log_file
    end

    def pid
      @child.pid
    end

    def sockets
      Array.new(@slots) { |slot| File.join(@folder, "fastcgi.socket-#{slot}") }
    end

    # How many slots it has.
    def slots
      status.fetch("slots").size
    end

    def worker_pids(found = status)
      workers(found).map { |worker| worker.fetch("pid") }.reject(&:zero?)
    end

    # Of those that have a request in hand.
    def busy_pids
      workers(status).select { |worker| worker.fetch("state") == "busy" }.map { |worker| worker.fetch("pid") }
    end

    def preloader_pids
      status.fetch("generations").flat_map { |one| one.fetch("preloaders").map { |preloader| preloader.fetch("pid") } }.reject(&:zero?)
    end

    # The newest generation that has loaded, or has not.
    def generation
      found = status
      [*found.fetch("generations").map { |one| one.fetch("generation") }, found.dig("failed_load", "generation").to_i].max
    end

    def signal(name)
      Process.kill(name, pid)
    end

    # Has the application loaded anew, and says by which name.
    def restart
      before = generation
      signal("HUP")
      settle(newer_than: before)
      "generation #{generation}"
    end

    # Waits until a worker has left.
    def await_without(pid)
      await("rid of worker #{pid}") { |found| worker_pids(found).none?(pid) }
    end

    # Waits until each slot has one worker, of one and the same generation, which is newer than the one before.
    def settle(newer_than: 0)
      await("settled") do |found|
        workers = found.fetch("slots").map { |slot| slot.fetch("workers") }
        generations = workers.flatten.map { |worker| worker.fetch("generation") }.uniq
        found.fetch("state") == "running" && workers.all? { |of| of.size == 1 && %w[idle busy].include?(of.first.fetch("state")) } &&
          found.fetch("slots").all? { |slot| slot.fetch("open") } && generations.size == 1 && generations.first > newer_than
      end
    end

    # Waits until a release was not taken, and says whether it failed to load or was held back.
    def await_refusal(generation)
      await("done with a bad release") do |found|
        failed = found["failed_load"]
        held = found.fetch("generations").any? { |one| one.fetch("generation") > generation && one["held"] }
        held || (failed && failed.fetch("generation") > generation)
      end
    end

    def await(what)
      deadline = now + SETTLED
      until (found = status?) && yield(found)
        raise Unsettled, "the launcher has ended:\n#{log_tail}" if @child.ended?
        raise Unsettled, "not #{what} after #{SETTLED} s:\n#{JSON.generate(found)}\n#{log_tail}" if now > deadline

        sleep POLL
      end
    end

    def log_text
      [@log, "#{@log_file}.1", @log_file].map { |file| File.exist?(file) ? File.read(file) : "" }.join
    end

    private

    def up?
      log_text.match?(Launch::READY_LINE)
    end

    def log_tail
      log_text.lines.last(30).join
    end

    def workers(found)
      found.fetch("slots").flat_map { |slot| slot.fetch("workers") }
    end

    def status
      await("answering") { |found| return found }
    end

    # nil where it has just begun, or descriptors are short.
    def status?
      said, _, outcome = Open3.capture3(@file, "status", "--json", "--socket-dir", @folder, "--root", app)
      JSON.parse(said) if outcome.success?
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def app
      @blog.root
    end

    def environment
      super.merge("RAILS_ENV" => "production")
    end

    def command
      [@file, "--root", app, "--socket-dir", @folder, *@options, @setting.workers.to_s]
    end
  end
end
