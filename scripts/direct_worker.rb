# frozen_string_literal: true

require_relative "fastcgi/responder"
require_relative "fork_safety"
require_relative "hooks"
require_relative "loading"
require_relative "oom_score"
require_relative "scoreboard"
require_relative "worker"

module PreforkLauncher
  # Runs a worker without a preloader: loads the application and serves its slot with it. Its channel to the supervisor
  # is there from the start, on the preloader's descriptor.
  class DirectWorker
    def initialize(settings)
      @settings = settings
      @hooks = Hooks.new
      @safety = ForkSafety.new(FastCGI::ErrorStream.new($stderr))
      @loading = Loading.new(settings, hooks: @hooks, safety: @safety)
    end

    def run
      OOMScore.raise_above(@settings.oom_score) # what the application starts as it loads has it too
      app = @loading.run { @loading.report }
      record = Scoreboard.new(IO.for_fd(SCOREBOARD_FD)).record(@settings.record)
      files = [*SLOT_FDS.map { |fd| IO.for_fd(fd) }, @loading.channel.socket]
      Kernel.exit(Worker.new(@settings.worker, files, app, record, settings: @settings, safety: @safety, hooks: @hooks,
                                                                   probed: @settings.probed).run)
    end
  end
end
