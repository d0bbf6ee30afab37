# frozen_string_literal: true

require "fileutils"
require_relative "server"

module BenchWire
  # Counts the system calls of a process, by strace.
  class Strace
    READY = 10 # seconds
    # The share, seconds, µs a call, calls, errors where there are any, and the name.
    LINE = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$/.freeze

    def initialize(folder)
      @program = Server.program("strace")
      @folder = Dir.mktmpdir("strace", folder)
    end

    # Returns how often each was called while the block ran, by name. Raises Child::Failed where that may not be seen.
    def count(pid)
      table = File.join(@folder, "calls")
      child = Child.new([@program, "-c", "-f", "-o", table, "-p", pid.to_s], log: File.join(@folder, "log"))
      child.await(READY, "strace") { child.tail.include?("attached") }
      yield
      child.stop("INT") # writes the table, and leaves the process to itself
      calls = File.read(table).scan(LINE).to_h { |number, name| [name, number.to_i] }
      calls.reject { |name, _| name == "total" }
    ensure
      child&.stop("INT")
      FileUtils.rm_f([table, File.join(@folder, "log")])
    end
  end
end
