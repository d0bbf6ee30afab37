# frozen_string_literal: true

require_relative "checks/database_check"
require_relative "checks/examination"
require_relative "checks/finding"
require_relative "clock"
require_relative "failure"
require_relative "fastcgi/responder"
require_relative "fork_safety"
require_relative "hooks"
require_relative "loading"
require_relative "memory/eager_load"
require_relative "memory/optimizations"
require_relative "memory/steps"
require_relative "probe"

module PreforkLauncher
  # Loads the application as a preloader does, tells what stands in the way of forking it, and
  # leaves.
  class Doctor
    def initialize(settings)
      @settings = settings
      @hooks = Hooks.new
      @errors = FastCGI::ErrorStream.new($stderr)
      @safety = ForkSafety.new(@errors)
      @eager_load = EagerLoad.new(settings.root)
      @loading = Loading.new(settings, hooks: @hooks, safety: @safety)
    end

    # Loads, examines and exits. The tables of traced allocations are memory of this process: where it is measured
    # they are left out.
    def run
      trace if @settings.trace?
      @loading.run { examine }
      Kernel.exit(0)
    end

    private

    def trace
      require "objspace" # a part of Ruby that is no gem, nor needs one
      ObjectSpace.trace_object_allocations_start
    end

    def examine
      require "objspace"
      lazy = eager_load
      connections = DatabaseCheck.connections
      @loading.report
      found = before_fork + lazy
      @safety.before_fork
      examination = Examination.new(@settings.root, own: @settings.descriptors, thorough: true,
                                                    connections: connections, eagerly_loaded: @eager_load.files)
      found.concat(examination.findings)
      measured = measure
      probe = Probe.new(@settings, safety: @safety, hooks: @hooks).run
      found = found.map { |finding| after_fork(finding, probe) }
      found << hook("after_fork", probe.failure) if probe.failure
      @loading.channel.send("examined", findings: found.map(&:to_h), measured: measured.merge(fork_private: probe.private_bytes))
    end

    # Loads all code, as a preloader does. What stands in its way is found here too.
    def eager_load
      failure = nil
      if @eager_load.wanted?
        deadline = Clock.now + EagerLoad::SECONDS
        steps = Steps.new(Optimizations.new([]), @errors, deadline: deadline, root: @settings.root)
        steps.step("eager-load") { failure = @eager_load.run(deadline) }
      end
      return [] unless failure

      [Finding.new("cost", "lazy", "code cannot be loaded in advance: #{failure}", cost: "each worker loads its own copy of what it uses",
                   advice: "mend that file, or take it out of config.eager_load_paths")]
    end

    def before_fork
      @hooks.before_fork
      []
    rescue *Failure::ERRORS => error
      [hook("before_fork", Failure.new(error, root: @settings.root).to_h)]
    end

    # Takes back what a hook mends: one that reconnects closes what was shared, in the worker.
    def after_fork(finding, probe)
      return finding if finding.kind != "socket" || finding.subject.nil? || probe.failure || probe.sockets.include?(finding.subject)

      finding.mended("a worker closes it before it serves")
    end

    def hook(name, failure)
      frames = failure[:app_frames]
      Finding.new("harm", "hook", "#{name} failed: #{[failure[:class], failure[:message]].compact.join(': ')}",
                  where: frames.first.to_s, frames: frames, cost: "no worker comes up", advice: "mend it: config/launcher.rb")
    end

    def measure
      GC.start
      stat = GC.stat
      { pss: Probe.pss_bytes, live_slots: stat[:heap_live_slots], free_slots: stat[:heap_free_slots] }
    end
  end
end
