# frozen_string_literal: true

require_relative "../active_record_pools"
require_relative "../clock"
require_relative "../failure"

module PreforkLauncher
  # Runs a block in a fork of this process first, because it may hang where nothing can interrupt it, end its process,
  # or leave something half done: the fork is thrown away. What it prints or logs goes nowhere.
  #
  # Whoever wants several at a time makes them all before asking any for its failure.
  class Trial
    REPORT_MAX = 4096 # bytes: what a pipe takes at once
    POLL = 0.2 # seconds
    GRACE = 1 # seconds, for the end of a process that was killed
    LATE = "it did not end in time"

    def initialize(root:, deadline:, &block)
      @root = root
      @deadline = deadline
      @pid = nil
      @reader, @writer = IO.pipe(binmode: true)
      parent = Process.pid
      @pid = Process.fork do
        attempt(parent, block)
      ensure
        exit!(1)
      end
      lead_group(@pid)
    rescue SystemCallError => error # this machine has no room for another process
      @failure = Failure.new(error, root: root).line
    ensure
      @writer&.close
    end

    # Returns why the block must not be run here: a text, or nil where it went well. Waits until the deadline, and leaves no process behind.
    def failure
      return @failure unless @pid

      report = read
      report.is_a?(String) ? Marshal.load(report) : report_of_none(report)
    ensure
      finish
    end

    private

    # Returns what the fork reports. Nil is the end of the stream. The fork itself says that it is late, and where it is, if it can.
    def read
      return :late unless IO.select([@reader], nil, nil, [@deadline - Clock.now, 0].max + GRACE)

      @reader.read_nonblock(REPORT_MAX, exception: false)
    end

    def report_of_none(report)
      report.nil? ? "it ended its process" : LATE
    end

    # Ends the fork. A thread waits for it, since nothing ends a process that waits for a disk.
    def finish
      @reader&.close
      return unless @pid

      kill
      Process.detach(@pid).join(GRACE)
      @pid = nil
    end

    def kill
      Process.kill("KILL", -@pid)
    rescue SystemCallError
      nil # a handler of the application's has reaped it
    end

    # Makes the fork leave with what it has started. Both sides do, because either may be first.
    def lead_group(pid)
      Process.setpgid(pid, pid)
    rescue SystemCallError
      nil # it has ended, or done so itself
    end

    # Runs the block, in the fork. Only the result is told; exit handlers belong to the process that has forked it.
    def attempt(parent, block)
      @reader.close
      lead_group(0)
      %w[CHLD INT QUIT TERM].each { |signal| Signal.trap(signal, signal == "CHLD" ? "DEFAULT" : "SYSTEM_DEFAULT") }
      main = Thread.current
      Thread.new { watch(main, parent) }
      silence
      report(result(block))
    end

    def report(text)
      @writer.write(Marshal.dump(text))
    end

    def result(block)
      block.call
      nil
    rescue Exception => error # rubocop:disable Lint/RescueException
      Failure.new(error, root: @root).line
    end

    # Ends the fork at the deadline, or after the process that has forked it.
    def watch(main, parent)
      Kernel.sleep(POLL) while Process.ppid == parent && Clock.now < @deadline
      late = RuntimeError.new("")
      late.set_backtrace(main.backtrace)
      report(LATE + Failure.new(late, root: @root).line[/ \(.*\)\z/].to_s)
    ensure
      exit!(1)
    end

    def silence
      [STDOUT, STDERR].each { |stream| stream.reopen(File::NULL, "w") unless stream.closed? }
      ::ActiveRecord::Base.logger = nil if ActiveRecordPools.loaded?
      logger = ::Rails.logger if defined?(::Rails) && ::Rails.respond_to?(:logger)
      logger.level = 5 if logger.respond_to?(:level=) # above all that there are
    rescue StandardError
      nil # a logger of the application's own kind says what it says
    end
  end
end
