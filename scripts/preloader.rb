# frozen_string_literal: true

require_relative "app_loader"
require_relative "channel"
require_relative "failure"
require_relative "fork_safety"
require_relative "hooks"
require_relative "inventory"
require_relative "scoreboard"
require_relative "settings"
require_relative "title"
require_relative "worker"

module Launcher
  # The process that has the application loaded and serves nobody: it forks a worker
  # for each spawn message until it is retired or the supervisor is gone.
  class Preloader
    # What an application can throw while it loads. Signals are not among them:
    # they end this process as they end any other.
    LOAD_ERRORS = [StandardError, ScriptError, SystemExit, SystemStackError, NoMemoryError, SecurityError].freeze

    def initialize(settings)
      @settings = settings
      @hooks = Hooks.new
      @safety = ForkSafety.new($stderr)
    end

    def run
      app = load_app
      use_real_stderr
      serve_spawns(app)
    end

    private

    def load_app
      answer_when_asked_where
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      loader = AppLoader.new(@settings)
      app = loader.load
      @hooks.load(@settings.hooks) if @settings.hooks
      require_libraries
      Signal.trap("QUIT", "DEFAULT")
      Title.preloader(@settings)
      report_loaded(loader, Process.clock_gettime(Process::CLOCK_MONOTONIC) - started)
      app
    rescue *LOAD_ERRORS => error
      give_up("load", error)
    end

    # On QUIT a load that takes too long says where it is: the handler runs on
    # the main thread, so its caller is what the application is doing.
    def answer_when_asked_where
      Signal.trap("QUIT") do
        stuck = RuntimeError.new("still loading")
        stuck.set_backtrace(caller)
        give_up("boot timeout", stuck)
      end
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

    def report_loaded(loader, seconds)
      inventory = Inventory.new(@settings.root, own: [CONTROL_FD])
      channel.send("loaded", pid: Process.pid, ruby: RUBY_VERSION, rails: loader.rails_version, rack: loader.rack_version,
                             seconds: seconds.round(3), threads: inventory.threads, sockets: inventory.sockets)
    end

    # exit! because exit handlers of a half loaded application have nothing to clean.
    def give_up(stage, error)
      @safety.flush
      channel.send("failed", stage: stage, error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end

    # Until here both went through the supervisor, which keeps the last lines for
    # its report of a failure. From here on they are the launcher's own standard
    # error: a worker must be able to write after the supervisor's death.
    def use_real_stderr
      real = IO.for_fd(STDERR_FD)
      @safety.flush
      [STDOUT, STDERR].each { |stream| stream.reopen(real) }
      real.close
      STDOUT.sync = STDERR.sync = true
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
      @safety.before_fork
      @hooks.before_fork
      reader, writer = IO.pipe(binmode: true)
      middle = Process.fork do
        reader.close
        fork_worker(writer, key, files, app, scoreboard.record(message.fetch(:record)))
      end
      writer.close
      pid = reader.read
      Process.wait(middle)
      raise "the process between preloader and worker said #{pid.inspect}" unless pid.match?(/\A\d+\z/)
      channel.send("spawned", pid: Integer(pid), **key)
    rescue StandardError, ScriptError => error
      channel.send("spawn_failed", error: Failure.new(error, root: @settings.root).to_h, **key)
    ensure
      reader&.close
      writer&.close
    end

    def fork_worker(writer, key, files, app, record)
      pid = Process.fork do
        writer.close
        @channel.close
        Worker.new(key, files, app, record, settings: @settings, safety: @safety, hooks: @hooks).run
      end
      writer.write(pid.to_s)
    rescue SystemCallError => error
      writer.write("#{error.class}: #{error.message}")
    ensure
      exit!(0)
    end
  end
end
