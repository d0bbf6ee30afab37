# frozen_string_literal: true

module PreforkLauncher
  # The supervisor's death, as the kernel tells it, for a process that may not hear the end of its life line: it is
  # stopped, or has no thread left that listens, or a hook holds it up.
  #
  # The signal is CONT (PR_SET_PDEATHSIG): it lets a process run on that was stopped, and is nothing to one that it
  # reaches for another reason. It comes when the thread ends that is the parent: the process in between of two forks is
  # one, and so are threads of the supervisor that come and go. So its handler asks who the parent is.
  module SupervisorDeath
    SIGNAL = "CONT"
    SET_DEATH_SIGNAL = 1 # PR_SET_PDEATHSIG
    # The number of prctl(2). Where it is not known, the life line is all there is.
    PRCTL = { "x86_64" => 157, "aarch64" => 167, "riscv64" => 167 }.freeze

    @parent = @between = nil

    class << self
      # Called by a process that the supervisor has started, before all others.
      def remember_supervisor
        @parent = Process.ppid
      end

      # Called by a process in between, for those that it forks: the supervisor is who comes to be their parent after it.
      def between
        @parent = nil
        @between = Process.pid
        ask
      end

      # Whether this process has another parent than at the first look.
      def happened?
        parent = Process.ppid
        return false if parent == @between
        @parent ||= parent
        parent != @parent
      end

      # Calls the block when the supervisor has died, in a signal handler or at once. It holds for this process alone.
      # Ended says whether the life line has ended: where the supervisor died before the first look, that
      # is what tells.
      def watch(ended, &block)
        pid = Process.pid
        look = -> { block.call if Process.pid == pid && (happened? || ended.call) }
        Signal.trap(SIGNAL) { look.call }
        ask
        look.call
      end

      private

      # Without the handler the signal lets a stopped process run on, and that is all.
      def ask
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
    end
  end
end
