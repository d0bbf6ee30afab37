# frozen_string_literal: true

require "etc"
require "shellwords"

module BenchWire
  # What figures depend on: the machine, the day, and what else runs there.
  module Machine
    def self.facts
      { "machine" => "#{Etc.nprocessors} × #{model}", "kernel" => Etc.uname[:release], "date" => Time.now.strftime("%F %R %Z"),
        "load average before" => load_average }
    end

    # As a shell would take it, with quotes where they are needed.
    def self.command(*words)
      "`#{words.map { |word| word.match?(%r{\A[\w=,.:/+-]+\z}) ? word : word.shellescape }.join(' ')}`"
    end

    def self.model
      File.read("/proc/cpuinfo")[/^model name\s*: (.*)$/, 1] || Etc.uname[:machine]
    end

    def self.load_average
      File.read("/proc/loadavg").split.first(3).join(" ")
    end
  end
end
