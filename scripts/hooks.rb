# frozen_string_literal: true

require_relative "passenger_events"
require_relative "supervisor_death"

module PreforkLauncher
  # Runs the application's own code around the fork, from config/launcher.rb:
  #
  #   before_fork { Metrics.stop }
  #   after_fork { |slot| Metrics.start(worker: slot) }
  #
  # before_fork runs in the preloader before every fork, after_fork in each
  # new worker before it accepts, also in one that was started, not forked. Several blocks run in the order of the file.
  # A spare worker runs those that take no slot when it is forked, the others when it is given one.
  class Hooks
    # The methods that the file sees.
    class Commands
      def initialize(before, after)
        @before = before
        @after = after
      end

      def before_fork(&block)
        raise ArgumentError, "before_fork needs a block" unless block

        @before << block
      end

      def after_fork(&block)
        raise ArgumentError, "after_fork needs a block" unless block

        @after << block
      end
    end

    def initialize
      @before = []
      @after = []
      @waiting = [] # of these, for a slot
      @passenger = PassengerEvents.new
    end

    def offer_passenger_events
      @passenger.offer
    end

    # Evaluates the file from the top level, as Ruby does any other: the constants that it names and the classes that it opens are the
    # application's. Methods that it defines, and its instance variables, are those of the commands.
    def load(path)
      Commands.new(@before, @after).instance_exec(&TOP_LEVEL).eval(File.read(path, encoding: "UTF-8"), path)
      self
    end

    def before_fork
      run(@before)
    end

    # Whether there is anything that after_fork may have to do again.
    def before?
      @before.any?
    end

    # The events of the application come first: the hooks are the launcher's user's, who knows of both. Without a slot the
    # first block that takes one, and all that follow, wait for slot_given.
    def after_fork(slot, forked: true)
      @passenger.starting(forked: forked)
      now = slot ? @after : @after.take_while { |block| block.parameters.empty? }
      @waiting = @after.drop(now.size)
      run(now, slot)
    end

    # Whether a block waits for a slot.
    def waiting?
      @waiting.any?
    end

    # In a worker that was forked without a slot.
    def slot_given(slot)
      run(@waiting, slot)
    end

    # In a worker that has served its last request.
    def before_exit
      @passenger.stopping
    end

    private

    # Runs blocks, which may change the user of this process: the kernel does not tell it of the supervisor's death then,
    # unless it is asked again.
    def run(blocks, *arguments)
      blocks.each { |block| block.call(*arguments) }
    ensure
      SupervisorDeath.renew
    end
  end
end

# Makes a binding as that of a file by itself: from within the module, Settings for one would be the launcher's own.
# instance_eval makes none: classes and constants of the file would be the object's.
PreforkLauncher::Hooks::TOP_LEVEL = proc { binding }
