# frozen_string_literal: true

module BenchWire
  # A process that was started here, in a session of its own: Ctrl-C is for this process, which ends it in its turn. And where the
  # kernel shares the CPUs among sessions first (autogroup), a launcher has sessions of its own, so all others get theirs. Where this
  # process is killed it is told to end.
  class Child
    class Failed < StandardError; end

    GRACE = 30 # seconds
    POLL = 0.01

    SESSION = %w[setpriv --pdeathsig TERM setsid].freeze

    attr_reader :pid, :log

    # The log gets its standard output and error.
    def initialize(command, log:, env: {}, chdir: ".")
      @log = log
      @ended = false
      @pid = Process.spawn(env, *SESSION, *command, chdir: chdir, in: File::NULL, out: [log, "a"], err: %i[child out])
    end

    def ended?
      @ended ||= !Process.wait(@pid, Process::WNOHANG).nil?
    end

    # Waits until the block returns true. Raises Failed where that does not happen.
    def await(seconds, what)
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
      until yield
        raise Failed, "#{what} ended:\n#{tail}" if ended?
        raise Failed, "#{what} is not ready after #{seconds} s:\n#{tail}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

        sleep POLL
      end
    end

    # Waits until it has ended by itself.
    def await_end(seconds, what)
      (seconds / POLL).to_i.times { ended? ? return : sleep(POLL) }
      raise Failed, "#{what} has not ended after #{seconds} s:\n#{tail}"
    end

    def tail
      File.read(@log).lines.last(10).join
    end

    # Ends it and all that is left of its group.
    def stop(signal)
      Process.kill(signal, @pid) unless ended?
      (GRACE / POLL).to_i.times { ended? ? break : sleep(POLL) }
      Process.kill("KILL", -@pid)
    rescue Errno::ESRCH
      nil # nobody is left
    ensure
      @ended ||= !Process.wait(@pid).nil?
    end
  end
end
