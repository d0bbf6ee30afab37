# frozen_string_literal: true

module PreforkLauncher
  # Detects the supervisor's death from the parent of this process, for one that may not hear the end of its life line: it is
  # stopped, or has no thread left that listens, or a hook holds it up.
  #
  # The kernel sends CONT when the parent ends (PR_SET_PDEATHSIG): it lets a process run on that was stopped, and is
  # nothing to one that it reaches for another reason. What ends may be a thread of the supervisor, or the process in
  # between of two forks, and two such signals may come as one. So the handler compares the parent with the pid that the
  # supervisor itself has told: which of several ends came first, and how far the kernel is with closing the supervisor's
  # descriptors, makes no difference.
  module SupervisorDeath
    SIGNAL = "CONT"
    SET_DEATH_SIGNAL = 1 # PR_SET_PDEATHSIG
    # The number of prctl(2). Where it is not known, the life line is all there is.
    PRCTL = { "x86_64" => 157, "aarch64" => 167, "riscv64" => 167 }.freeze

    @supervisor = @between = @check = nil

    class << self
      # Called by a process that the supervisor has started, before all others, with the pid of the supervisor. A script
      # may stand between the two that has started Ruby without exec.
      def remember_supervisor(pid)
        @supervisor = pid
        parent = Process.ppid
        @between = parent if descends?(parent)
      end

      # Called by a process in between, for those that it forks. Whoever is left without a parent gets the supervisor for
      # one (PR_SET_CHILD_SUBREAPER).
      def between
        @between = Process.pid
        request_signal
      end

      # Whether the parent is neither the supervisor nor a process in between, whose end the kernel has yet to tell.
      # False where the supervisor is not known.
      def happened?
        return false unless @supervisor

        parent = Process.ppid
        parent != @supervisor && parent != @between
      end

      # Calls the block when the supervisor has died, in a signal handler or at once. It holds for this process alone.
      # Ended says whether the life line has ended, which means the same.
      def watch(ended, &block)
        pid = Process.pid
        @check = -> { block.call if Process.pid == pid && (happened? || ended.call) }
        Signal.trap(SIGNAL) { @check.call }
        renew
      end

      # Asks for the signal again, after code of the application that may have changed the user of this process: the kernel
      # forgets the request then.
      def renew
        request_signal
        @check&.call
      end

      private

      # Without the handler the signal lets a stopped process run on, and that is all.
      def request_signal
        number = PRCTL[RUBY_PLATFORM[/\A[^-]+/]]
        quietly { syscall(number, SET_DEATH_SIGNAL, Signal.list.fetch(SIGNAL)) } if number
      rescue SystemCallError, NotImplementedError, NoMethodError
        nil # in a sandbox, or a Ruby without it
      end

      # Ruby warns of syscall: a number means something else on another machine.
      def quietly
        verbose, $VERBOSE = $VERBOSE, nil
        yield
      ensure
        $VERBOSE = verbose
      end

      # Whether a process is the supervisor's child, or one of its descendants.
      def descends?(pid)
        pid = parent_of(pid) until pid == @supervisor || pid.zero?
        pid == @supervisor
      rescue SystemCallError
        false # it has ended
      end

      # The name before it may have any bytes.
      def parent_of(pid)
        Integer(File.read("/proc/#{pid}/stat", mode: "rb")[/.*\) \S (\d+)/mn, 1])
      end
    end
  end
end
