# frozen_string_literal: true

module PreforkLauncher
  # Runs what makes workers smaller but no application needs: a step that fails is
  # logged by its name and skipped, whatever it throws. None is begun after
  # the deadline: a large application must not wait for what only saves memory.
  class Steps
    MESSAGE_MAX = 200 # characters

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
      complain(name, error)
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
      complain(failed.size > 1 ? "#{item} (and #{failed.size - 1} more)" : item, error)
    end

    # The whole message may be a book: Ruby 3.1 shows what an object holds.
    def complain(name, error)
      message = error.message.to_s.dup.force_encoding(Encoding::UTF_8).scrub("?").lines.first.to_s.chomp[0, MESSAGE_MAX]
      @errors.note("preload: #{name} failed and is skipped: #{error.class}: #{message}")
    end
  end
end
