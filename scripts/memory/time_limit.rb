# frozen_string_literal: true

module PreforkLauncher
  # Ends a block that takes too long, by an exception in the thread that runs it. Code in C that neither waits in Ruby's
  # own way nor looks for interrupts is not ended by it: what may come to that is tried in a process of its own first (Trial).
  class TimeLimit
    # No StandardError: whoever rescues those does not mean this one.
    class Passed < Exception; end # rubocop:disable Lint/InheritException

    AGAIN = 0.5 # seconds, for a block that has rescued it, or waits in an ensure

    # Returns what the block does. Raises Passed, which tells the place where the block was.
    def self.run(seconds, &block)
      new(seconds).run(&block)
    end

    def initialize(seconds)
      @seconds = [seconds, 0].max
      @lock = Mutex.new
      @over = false
    end

    def run
      runner = Thread.current
      Thread.handle_interrupt(Passed => :never) do
        watcher = Thread.new { watch(runner) }
        begin
          Thread.handle_interrupt(Passed => :immediate) { yield }
        ensure
          @lock.synchronize { @over = true }
          watcher.kill.join
          take_late_one
        end
      end
    end

    private

    def watch(runner)
      Kernel.sleep(@seconds)
      Kernel.loop do
        @lock.synchronize { runner.raise(Passed) unless @over }
        Kernel.sleep(AGAIN)
      end
    end

    # One that came as the block ended would end something else later.
    def take_late_one
      Thread.handle_interrupt(Passed => :immediate) { Thread.pass }
    rescue Passed
      nil
    end
  end
end
