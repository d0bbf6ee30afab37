# frozen_string_literal: true

require "json"

module BenchWire
  # The tables, in Markdown, and every round as JSON.
  class Report
    COLUMNS = ["requests/s", "of C", "CPU of workers, µs", "in user mode + kernel", "of Unicorn's", "rest, µs", "p50, ms", "p99, ms",
               ""].freeze
    LEGEND = <<~TEXT
      Medians of all rounds that did not fail, with the lowest and the highest. *Of C* and *of Unicorn's* are medians of the ratios in each
      round, to the requests a second of libfcgi's responder behind lighttpd and to the CPU time a request of Unicorn's workers behind
      lighttpd. *Rest* is CPU time a request of what else the server has, and of lighttpd. *Alone* is without lighttpd. User mode and kernel
      are told apart by clock ticks, so roughly.
    TEXT
    YARDSTICKS = { rate: "libfcgi in C", cpu: "Unicorn" }.freeze

    # Missing has the servers that cannot be had, and why.
    def initialize(kinds, servers, missing)
      @kinds = kinds
      @servers = servers
      @missing = missing
      @samples = []
    end

    def add(sample)
      @samples << sample
    end

    def failed?
      @samples.any?(&:failure)
    end

    def markdown(facts)
      head = facts.map { |name, value| "- #{name}: #{value}" }
      ["# Requests through lighttpd, and without", head.join("\n"), LEGEND.chomp, *@kinds.map { |kind| table(kind) }].join("\n\n")
    end

    def save(folder, facts)
      File.write(File.join(folder, "report.md"), "#{markdown(facts)}\n")
      told = { "facts" => facts, "missing" => @missing, "rounds" => @samples.map(&:to_h) }
      File.write(File.join(folder, "rounds.json"), "#{JSON.pretty_generate(told)}\n")
    end

    private

    def table(kind)
      rows = @servers.map { |server| row(kind, server) }
      rows += @missing.map { |name, why| "| #{name} | not there: #{why} #{'| ' * (COLUMNS.size - 1)}|" }
      ["## #{kind.title}", "", "| | #{COLUMNS.join(' | ')} |", "|---|#{'---:|' * COLUMNS.size}", *rows].join("\n")
    end

    def row(kind, server)
      return "| #{server.name} | has no X-Sendfile #{'| ' * (COLUMNS.size - 1)}|" if kind.sendfile? && !server.sendfile?

      of = @samples.select { |sample| sample.kind == kind.name && sample.server == server.name }
      good = of.reject(&:failure)
      cells = good.empty? ? COLUMNS.drop(1).map { "–" } : figures(kind, good)
      "| #{server.name} | #{[*cells, remarks(of)].join(' | ')} |"
    end

    def figures(kind, good)
      [spread(good.map(&:rate)), percent(kind, good, :rate), *cpu(kind, good.select(&:cpu)),
       *%i[p50 p99].map { |part| format("%.2f", median(good.map(&part))) }]
    end

    def cpu(kind, known)
      return %w[– – – –] if known.empty?

      user, system, rest = %i[user system rest].map { |part| number(median(known.map(&part))) }
      [spread(known.map(&:cpu)), "#{user} + #{system}", ratio(kind, known, :cpu), rest]
    end

    def remarks(of)
      failed = of.select(&:failure)
      replaced = of.count(&:replaced?)
      [*("**#{failed.size} of #{of.size} rounds failed**: #{failed.map(&:failure).uniq.join('; ')}" if failed.any?),
       *("workers were replaced in #{replaced}" unless replaced.zero?)].join(", ")
    end

    # The median of the ratios to the yardstick in the same rounds, or nil.
    def to_yardstick(kind, good, figure)
      ratios = good.map do |sample|
        than = @samples.find do |other|
          other.failure.nil? && [other.round, other.kind, other.server] == [sample.round, kind.name, YARDSTICKS.fetch(figure)]
        end
        sample[figure].fdiv(than[figure]) if than&.[](figure)&.positive?
      end
      median(ratios.compact) if ratios.any?
    end

    def percent(*of)
      (found = to_yardstick(*of)) ? format("%.0f %%", found * 100) : "–"
    end

    def ratio(*of)
      (found = to_yardstick(*of)) ? format("%.2f", found) : "–"
    end

    def spread(figures)
      low, high = figures.minmax
      "#{number(median(figures))} (#{number(low)}–#{number(high)})"
    end

    def median(figures)
      sorted = figures.sort
      (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
    end

    def number(figure)
      figure < 100 ? format("%.3g", figure) : figure.round.to_s
    end
  end
end
