# frozen_string_literal: true

require_relative "../clock"
require_relative "../standard_streams"

module PreforkLauncher
  # Decides when a worker leaves: at once, or after its backlog. The main thread and signal handlers ask for it, the serving thread
  # sees it between two requests, and a pipe wakes that one from its wait for connections.
  class Shutdown
    # How long the backlog is served after the supervisor's death and the request in hand, in seconds. Nobody restarts this worker,
    # but what waits would be reset. A new launcher binds sockets of its own, so the backlog does not grow.
    BACKLOG_SECONDS = 5
    WAKE_MAX = 64 # bytes that are taken back at once
    SIGNALS = %w[INT TERM].freeze

    # Readable where the serving thread has been woken.
    attr_reader :wake_reader

    def initialize(drain_timeout)
      @drain_timeout = drain_timeout
      @how = nil # :now or :after_backlog
      @alone = false
      @deadline = nil # of the backlog, once the serving thread has come to it
      @hands_over = true
      @pid = Process.pid
      @wake_reader, @wake_writer = IO.pipe
    end

    def descriptors
      [@wake_reader, @wake_writer]
    end

    def trap_signals
      SIGNALS.each { |signal| Signal.trap(signal) { signalled(signal) } }
    end

    # Has the worker leave. Also called from a signal handler, where no lock may be taken.
    def leave(how)
      @how = how
      wake
    end

    # Leaves without a supervisor: nobody else would serve what waits in the backlog.
    def leave_alone
      @alone = true
      StandardStreams.outlive_supervisor
      leave(:after_backlog)
    end

    # Has the worker close the connections that it keeps: nobody is to serve its slot. Called before leave.
    def keep_from_handing_over
      @hands_over = false
    end

    # Whether it gives the connections that it keeps to who serves its slot next.
    def hands_over?
      @hands_over && !alone?
    end

    # Whether it leaves and nobody is to serve its connections next. A process that the application forks has no say in them.
    def for_good?
      asked? && !hands_over? && Process.pid == @pid
    end

    # Whether there is no supervisor.
    def alone?
      @alone
    end

    # Has the worker leave for a signal. A process that the application forks inherits the handler, but not the duty.
    # What the supervisor has said stands: systemd may signal every process of a
    # service that is to stop, and the backlog would be lost with it.
    def signalled(signal)
      raise SignalException, signal unless Process.pid == @pid

      leave(@how || :now)
    end

    # Whether the worker is to leave when its backlog is empty, if not before.
    def asked?
      !@how.nil?
    end

    # Whether it is to leave whatever its backlog holds. The serving thread asks between two requests.
    def due?
      return true if @how == :now
      return false unless @alone

      Clock.now > (@deadline ||= Clock.now + [BACKLOG_SECONDS, @drain_timeout].min)
    end

    def wake
      @wake_writer.write_nonblock(".", exception: false)
    end

    # Takes back what has woken the serving thread for another reason, and returns whether anything has. Some of it may have been
    # for this one.
    def unwake
      woken = @wake_reader.read_nonblock(WAKE_MAX, exception: false) != :wait_readable
      wake if asked?
      woken
    end
  end
end
