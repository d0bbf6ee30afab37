# frozen_string_literal: true

require_relative "../clock"
require_relative "../failure"
require_relative "surroundings"
require_relative "time_limit"

module PreforkLauncher
  # Runs what makes workers smaller but no application needs. A step that fails is told by its name and skipped, whatever it
  # throws; none is begun after the deadline, and one that hangs is ended soon after it: an application must not wait for what
  # only saves memory. What a step changes of the process itself is put back.
  class Steps
    GRACE = 3 # seconds after the deadline, for a step that watches the time itself

    # Between is called before each step: what must not wait for all of them.
    def initialize(optimizations, errors, deadline:, root: Dir.pwd, grace: GRACE, between: nil)
      @optimizations = optimizations
      @errors = errors
      @deadline = deadline
      @root = root
      @grace = grace
      @between = between
      @option = nil # that switches the step off
    end

    # Runs a step. The option switches it off.
    def step(name, option: "--without #{name}", &block)
      @between&.call
      @option = option
      return unless @optimizations.on?(name)
      return note("#{name} is skipped: no time is left") if late?

      Surroundings.kept { TimeLimit.run(@deadline + @grace - Clock.now, &block) }
    rescue SignalException
      raise
    rescue TimeLimit::Passed => error
      note("#{name} did not end in time and is given up, at #{Failure.new(error, root: @root).place}")
    rescue Exception => error # rubocop:disable Lint/RescueException
      complain(name, error)
    end

    # Yields each of many items of a step, past those that fail: a model without its table says nothing
    # about the others.
    def each(items)
      failed = []
      done = 0
      items.each do |item|
        break if late?

        done += 1
        yield item
      rescue *Failure::ERRORS => error
        failed << [item, error]
      end
      report(failed)
      note("no time is left after #{done} of #{items.size}") if done < items.size
    end

    def skip(what, reason)
      note("#{what} is skipped: #{reason}")
    end

    def late?
      Clock.now > @deadline
    end

    attr_reader :deadline, :root

    private

    def report(failed)
      return if failed.empty?

      item, error = failed.first
      complain(failed.size > 1 ? "#{item} (and #{failed.size - 1} more)" : item, error)
    end

    def complain(name, error)
      note("#{name} failed and is skipped: #{Failure.new(error, root: @root).line}")
    end

    def note(text)
      @errors.note("preload: #{text}#{" (#{@option})" if @option}")
    end
  end
end
