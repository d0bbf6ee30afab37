# frozen_string_literal: true

module Faults
  # One fault and what came of it: seconds until all had settled, requests that were served meanwhile, and those that failed. Excused
  # are so many of them as workers have died, each with one request in hand at most.
  Entry = Struct.new(:number, :kind, :began, :ended, :said, :served, :slowest, :failures, :excused, keyword_init: true) do
    def seconds
      ended - began
    end

    def unexcused
      [failures.size - excused, 0].max
    end
  end

  # Which failure belongs to which fault, as a table.
  class Ledger
    COLUMNS = ["", "times", "served", "failed", "of those, in a worker that died", "others", "until settled, s: median", "longest",
               "slowest response, s"].freeze

    def initialize
      @entries = []
    end

    attr_reader :entries

    def add(entry)
      @entries << entry
    end

    def failed?
      @entries.any? { |entry| entry.unexcused.positive? }
    end

    def markdown(facts)
      rows = @entries.group_by(&:kind).map { |kind, of| row(kind, of) }
      rows << row("**all**", @entries) unless @entries.empty?
      table = ["| #{COLUMNS.join(' | ')} |", "|---|#{'---:|' * (COLUMNS.size - 1)}", *rows].join("\n")
      ["# Requests through faults", facts.map { |name, value| "- #{name}: #{value}" }.join("\n"), table, *unexcused].join("\n\n")
    end

    private

    def row(kind, of)
      seconds = of.map(&:seconds).sort
      failed = of.sum { |one| one.failures.size }
      others = of.sum(&:unexcused)
      cells = [of.size, of.sum(&:served), failed, failed - others, others,
               format("%.1f", seconds[seconds.size / 2]), format("%.1f", seconds.last), format("%.1f", of.map(&:slowest).max)]
      "| #{kind} | #{cells.join(' | ')} |"
    end

    # Each failure that nothing excuses, with its fault.
    def unexcused
      lines = @entries.select { |entry| entry.unexcused.positive? }.map do |entry|
        alike = entry.failures.group_by { |failure| [failure.request, failure.text] }
        told = alike.map { |(request, text), of| told(entry, request, text, of) }
        "- fault #{entry.number}, #{entry.kind} (#{entry.said}): #{entry.excused} excused of #{told.join('; ')}"
      end
      lines.empty? ? [] : [lines.join("\n")]
    end

    def told(entry, request, text, failures)
      times = failures.map { |failure| failure.ended - entry.began }
      format("%<count>d × %<request>s: %<text>s, from %<first>.2f to %<last>.2f s", count: failures.size, request: request, text: text,
                                                                                    first: times.min, last: times.max)
    end
  end
end
