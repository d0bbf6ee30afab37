# frozen_string_literal: true

require_relative "children"
require_relative "failure"

module PreforkLauncher
  # Forks a process that does what a worker does before its first request, and tells what it finds: which sockets it
  # still shares after the hooks, and how much memory is its own from the start.
  class Probe
    SLOT = 0
    Result = Struct.new(:sockets, :private_bytes, :failure)

    def self.private_bytes
      rollup.scan(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/).sum { |kilobytes,| Integer(kilobytes) } * 1024
    end

    def self.pss_bytes
      Integer(rollup[/^Pss:\s+(\d+) kB$/, 1]) * 1024
    end

    def self.rollup
      File.read("/proc/self/smaps_rollup")
    end
    private_class_method :rollup

    def initialize(settings, safety:, hooks:)
      @settings = settings
      @safety = safety
      @hooks = hooks
    end

    def run
      reader, writer = IO.pipe(binmode: true)
      pid = Process.fork do
        reader.close
        writer.write(Marshal.dump(examine))
        writer.close
      ensure
        exit!(0)
      end
      writer.close
      Marshal.load(reader)
    rescue EOFError
      Result.new([], 0, { message: "it ended at once", app_frames: [] })
    ensure
      reader.close
      Children.reap(pid) if pid
    end

    private

    def examine
      result = Result.new([], Probe.private_bytes, nil)
      @safety.after_fork
      @hooks.after_fork(SLOT, forked: true)
      GC.start # a client that a hook has replaced closes its socket when it is collected
      result.sockets = sockets
      result
    rescue *Failure::ERRORS => error
      result.failure = Failure.new(error, root: @settings.root).to_h
      result
    end

    def sockets
      Dir.children("/proc/self/fd").filter_map do |fd|
        target = File.readlink("/proc/self/fd/#{fd}")
        target if target.start_with?("socket:")
      rescue SystemCallError
        nil
      end
    end
  end
end
