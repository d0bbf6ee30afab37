# frozen_string_literal: true

require_relative "app_loader"
require_relative "channel"
require_relative "failure"
require_relative "fork_safety"
require_relative "hooks"
require_relative "inventory"
require_relative "preparation"
require_relative "scoreboard"
require_relative "settings"
require_relative "title"
require_relative "worker"

module Launcher
  # The process that has the application loaded and serves nobody: it forks a worker
  # for each spawn message until it is retired or the supervisor is gone.
  class Preloader
    # What an application's code can throw here. Signals are not among them: they
    # end this process as they end any other.
    LOAD_ERRORS = [StandardError, ScriptError, SystemExit, SystemStackError, NoMemoryError, SecurityError].freeze
    FORK_REPORT_MAX = 1024 # bytes

    def initialize(settings)
      @settings = settings
      @hooks = Hooks.new
      @safety = ForkSafety.new(FastCGI::Errors.new($stderr))
      @output = STDERR.stat.ino # the pipe to the supervisor
    end

    def run
      app = load_app
      use_real_stderr
      serve_spawns(app)
    end

    private

    def load_app
      answer_when_asked_where
      life_line = leave_with_supervisor
      STDOUT.sync = true # to a pipe it would be written when it is too late to be of help
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      loader = AppLoader.new(@settings)
      app = loader.load
      @hooks.load(@settings.hooks) if @settings.hooks
      require_libraries
      preparation = Preparation.new(@settings, @safety, FastCGI::Errors.new($stderr))
      preparation.run(app)
      reset_traps
      life_line.kill.join
      Title.preloader(@settings)
      report_loaded(loader, Process.clock_gettime(Process::CLOCK_MONOTONIC) - started, preparation.slots)
      app
    rescue *LOAD_ERRORS => error
      give_up("load", error)
    end

    # On QUIT a load that takes too long says where it is: the handler runs on
    # the main thread, so its caller is what the application is doing. A thread says
    # it, because a handler may take no lock, and require takes one.
    def answer_when_asked_where
      Signal.trap("QUIT") do
        stuck = RuntimeError.new("still loading")
        stuck.set_backtrace(caller)
        Thread.new { give_up("boot timeout", stuck) }
      end
    end

    # The supervisor says nothing before the application is loaded: what can be read
    # is the end of the stream. Later serve_spawns watches for it. The kernel's own
    # way (PR_SET_PDEATHSIG) would be tied to a thread of the supervisor.
    def leave_with_supervisor
      control = IO.for_fd(CONTROL_FD, autoclose: false)
      Thread.new do
        IO.select([control])
        exit!(1)
      end
    end

    # Traps that boot has set would keep this process from being ended, or
    # reap what it forks. Those for other signals are the application's affair.
    def reset_traps
      %w[CHLD INT QUIT TERM].each { |signal| Signal.trap(signal, "DEFAULT") }
    end

    def require_libraries
      Channel.require_libraries
      FastCGI.require_libraries
    end

    # "socket" and "json" come last: a bundle that could be set up has chosen
    # its versions by now, and one that could not cannot be harmed any more.
    def channel
      Channel.require_libraries
      @channel ||= Channel.for_fd(CONTROL_FD)
    end

    def report_loaded(loader, seconds, slots)
      inventory = Inventory.new(@settings.root, own: [CONTROL_FD])
      channel.send("loaded", pid: Process.pid, ruby: RUBY_VERSION, rails: loader.rails_version, rack: loader.rack_version,
                             seconds: seconds.round(3), threads: inventory.threads, sockets: inventory.sockets, slots: slots)
    end

    # exit! because exit handlers of a half loaded application have nothing to clean.
    def give_up(stage, error)
      @safety.flush
      channel.send("failed", stage: stage, error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end

    # Until here both went through the supervisor, which keeps the last lines for
    # its report of a failure. From here on they are the launcher's own standard
    # error: a worker must be able to write after the supervisor's death. One that
    # the application has closed or sent to a file of its own stays so.
    def use_real_stderr
      real = IO.for_fd(STDERR_FD)
      @safety.flush
      [STDOUT, STDERR].each do |stream|
        next if stream.closed? || stream.stat.ino != @output
        stream.reopen(real)
        stream.sync = true
      end
      real.close
    end

    def serve_spawns(app)
      scoreboard = Scoreboard.new(IO.for_fd(SCOREBOARD_FD))
      while (message, files = channel.receive)
        case message[:type]
        when "spawn" then spawn(message, files, app, scoreboard)
        when "retire" then exit(0)
        end
        files.each(&:close)
      end
      exit!(0)
    end

    # Forks twice. The process in between leaves at once, so that the worker's
    # parent is the supervisor (its subreaper), and its death is awaited before the
    # worker's pid is reported.
    def spawn(message, files, app, scoreboard)
      key = message.slice(:slot, :generation, :serial)
      raise "#{files.size} descriptors came with it, not 2: too many open files?" if files.size != 2
      @safety.before_fork
      @hooks.before_fork
      reader, writer = IO.pipe(binmode: true)
      middle = Process.fork do
        reader.close
        fork_worker(writer, key, files, app, scoreboard.record(message.fetch(:record)))
      end
      reap(middle)
      # Not until the end of the pipe, which anything that a thread of the
      # application forks meanwhile would hold open.
      pid = reader.read_nonblock(FORK_REPORT_MAX, exception: false)
      raise "the process between preloader and worker said #{pid.inspect}" unless pid.is_a?(String) && pid.match?(/\A\d+\z/)
      channel.send("spawned", pid: Integer(pid), **key)
    rescue *LOAD_ERRORS => error
      channel.send("spawn_failed", error: Failure.new(error, root: @settings.root).to_h, **key)
    ensure
      reader&.close
      writer&.close
    end

    # A thread of the application that waits for any child may have been faster.
    def reap(pid)
      Process.wait(pid)
    rescue Errno::ECHILD
      nil
    end

    def fork_worker(writer, key, files, app, record)
      pid = Process.fork do
        writer.close
        @channel.close
        Worker.new(key, files, app, record, settings: @settings, safety: @safety, hooks: @hooks).run
      ensure
        exit!(1) # run does not return; a signal's default must not run exit handlers either
      end
      writer.write(pid.to_s)
    rescue SystemCallError => error
      writer.write("#{error.class}: #{error.message}")
    ensure
      exit!(0)
    end
  end
end
