# frozen_string_literal: true

require_relative "../measured_launch"

module BenchWire
  # CPU time that processes have had, in µs, and how much of it they had in user mode, in clock ticks: all that the kernel counts
  # exactly is the sum.
  class Cpu
    POLL = 0.02 # seconds
    POLLS = 100
    QUIET = 100 # µs from one poll to the next

    attr_reader :total, :user, :system

    def self.of(pids)
      parts = pids.map { |pid| [scheduled(pid), *Launch.stat(pid).values_at(11, 12).map(&:to_i)] }
      new(*parts.transpose.map(&:sum))
    end

    # The sum of all threads. Without such a file (CONFIG_SCHED_INFO) there are clock ticks.
    def self.scheduled(pid)
      threads = Dir.children("/proc/#{pid}/task")
      threads.sum { |thread| File.read("/proc/#{pid}/task/#{thread}/schedstat").to_i } / 1000.0
    rescue SystemCallError
      Launch.stat(pid).values_at(11, 12).sum(&:to_i) * 1_000_000.0 / Launch::TICKS
    end
    private_class_method :scheduled

    # Waits, within a bound, until they have nothing in hand any more.
    def self.settled(pids)
      before = of(pids)
      POLLS.times do
        sleep POLL
        after = of(pids)
        return after if (after - before).total < QUIET

        before = after
      end
      before
    end

    def initialize(total = 0.0, user = 0, system = 0)
      @total = total
      @user = user
      @system = system
    end

    def -(other)
      Cpu.new(@total - other.total, @user - other.user, @system - other.system)
    end

    # µs in user mode and in the kernel.
    def parts
      ticks = @user + @system
      ticks.zero? ? [@total, 0.0] : [@total * @user / ticks, @total * @system / ticks]
    end
  end
end
