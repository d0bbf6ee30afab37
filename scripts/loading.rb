# frozen_string_literal: true

require_relative "app_loader"
require_relative "channel"
require_relative "clock"
require_relative "failure"
require_relative "fastcgi/responder"
require_relative "standard_streams"
require_relative "refork/unfitness"
require_relative "worker/application_interface"
require_relative "supervisor_death"
require_relative "text"

module PreforkLauncher
  # Loads the application in this process, a preloader or a worker that does without one: the
  # supervisor hears what is printed meanwhile and how it ends, and its own end ends the load.
  class Loading
    def initialize(settings, hooks:, safety:)
      @settings = settings
      @hooks = hooks
      @safety = safety
      StandardStreams.adopt
    end

    # Returns the application, prepared where there is somebody to do so. The block reports that it has
    # loaded, while what is printed still goes through the supervisor.
    def run(memory_sharing = nil)
      tell_place_on_quit
      watcher = leave_with_supervisor
      STDOUT.sync = true # to a pipe it would be written when it is too late to be of help
      started = Clock.now
      @hooks.offer_passenger_events if @settings.passenger_events?
      app = AppLoader.check(AppLoader.new(@settings).load)
      find_mount(app)
      @hooks.load(@settings.hooks) if @settings.hooks
      require_libraries
      memory_sharing&.prepare(app)
      Loading.reset_traps
      watcher.kill.join
      SupervisorDeath.watch(channel.method(:ended?)) { leave_with_what_was_started }
      @seconds = Clock.now - started
      yield
      StandardStreams.serve
      FastCGI::LogLines.json = @settings.log_json?
      app
    rescue *Failure::ERRORS => error
      give_up("load", error)
    end

    def report(findings: [], slots: {})
      report_on(channel, seconds: @seconds, findings: findings, slots: slots)
    end

    def report_on(channel, seconds:, findings: [], slots: {})
      channel.send("loaded", pid: Process.pid, ruby: RUBY_VERSION, rails: AppLoader.rails_version, rack: AppLoader.rack_version,
                             seconds: seconds.round(3), findings: findings.map(&:to_h), slots: slots)
    end

    # Takes back traps that boot has set: they would keep a preloader from being ended, or
    # reap what it forks. Those for other signals are the application's affair.
    def self.reset_traps
      %w[CHLD INT QUIT TERM].each { |signal| Signal.trap(signal, "DEFAULT") }
    end

    # The channel to the supervisor. "socket" and "json" come last: a bundle that could be set up has chosen
    # its versions by now, and one that could not cannot be harmed any more.
    def channel
      Channel.require_libraries
      @channel ||= Channel.for_fd(CONTROL_FD)
    end

    private

    # Has a load that takes too long say on QUIT where it is: the handler runs on
    # the main thread, so its caller is what the application is doing. A thread says
    # it, because a handler may take no lock, and require takes one.
    def tell_place_on_quit
      Signal.trap("QUIT") do
        stuck = RuntimeError.new("still loading")
        stuck.set_backtrace(Kernel.caller)
        Thread.new { give_up("boot timeout", stuck) }
      end
    end

    # Ends the load when nobody waits for it any more, until the thread that is returned is killed. What can be read before the
    # application is loaded is the end of the stream or, in a worker of its own, that it is to leave. Later others watch
    # for both. An application may end the thread, so the kernel tells, too.
    def leave_with_supervisor
      control = IO.for_fd(CONTROL_FD, autoclose: false)
      SupervisorDeath.watch(-> { IO.select([control], nil, nil, 0) }) { leave_with_what_was_started }
      Thread.new do
        IO.select([control])
        leave_with_what_was_started
      end
    end

    # Exits, and ends what the load has started: it is of no use to anybody.
    def leave_with_what_was_started
      if Process.getpgrp == Process.pid
        Signal.trap("TERM", "IGNORE")
        Process.kill("TERM", 0)
      end
    ensure
      exit!(1)
    end

    # Finds out whether the application takes off its prefix by itself: taken off twice it would make every address unknown. Nothing
    # here may keep an application from starting.
    def find_mount(app)
      prefix = @settings.url_prefix
      prefix.examine(app)
      return if prefix.path.empty? || @settings.direct? || !prefix.taken_by_app?(prefix.path)

      note("the application maps #{prefix.path} by itself and gets the whole path; if that is wrong: --mounted-by launcher")
    rescue StandardError => error
      note("who mounts the application under its prefix could not be found out: #{Text.error(error)}")
    end

    def note(text)
      FastCGI::ErrorStream.new($stderr).note(text)
    end

    def require_libraries
      Channel.require_libraries
      FastCGI.require_libraries
    end

    # Reports a failure and exits. exit! because exit handlers of a half loaded application have nothing to clean.
    def give_up(stage, error)
      @safety.finish
      channel.send("failed", stage: stage, error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end
  end
end
