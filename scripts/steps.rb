# frozen_string_literal: true

module Launcher
  # Runs what makes workers smaller but no application needs: a step that fails is
  # logged by its name and skipped, whatever it throws. None is begun after
  # the deadline: a large application must not wait for what only saves memory.
  class Steps
    def initialize(levers, errors, deadline:)
      @levers = levers
      @errors = errors
      @deadline = deadline
    end

    def step(name)
      return unless @levers.on?(name)
      return @errors.note("preload: #{name} is skipped: no time is left") if late?
      yield
    rescue StandardError, ScriptError, SystemStackError => error
      @errors.note("preload: #{name} failed and is skipped: #{error.class}: #{error.message}")
    end

    # For one of many items of a step: a model without its table says nothing
    # about the others.
    def each(items)
      failed = []
      items.each do |item|
        break if late?
        yield item
      rescue StandardError, ScriptError, SystemStackError => error
        failed << [item, error]
      end
      report(failed)
    end

    def late?
      Process.clock_gettime(Process::CLOCK_MONOTONIC) > @deadline
    end

    private

    def report(failed)
      return if failed.empty?
      item, error = failed.first
      more = failed.size > 1 ? " (and #{failed.size - 1} more)" : ""
      @errors.note("preload: #{item} failed and is skipped#{more}: #{error.class}: #{error.message}")
    end
  end
end
