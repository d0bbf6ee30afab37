# frozen_string_literal: true

require_relative "channel"
require_relative "checks/examination" # later
require_relative "children"
require_relative "clock"
require_relative "failure"
require_relative "fastcgi/responder"
require_relative "first_responses"
require_relative "fork_safety"
require_relative "hooks"
require_relative "later"
require_relative "loading"
require_relative "log_files"
require_relative "memory_sharing"
require_relative "standard_streams"
require_relative "refork/process_state" # later
require_relative "scoreboard"
require_relative "supervisor_death"
require_relative "temporary_files"
require_relative "title"
require_relative "worker"
require_relative "worker/slot_sockets"

module PreforkLauncher
  # Runs the process that has the application loaded and serves nobody: it forks a worker
  # for each spawn message until it is retired or the supervisor is gone.
  class Preloader
    LEADER_CHECKS = 100
    LEADER_PAUSE = 0.02 # seconds

    def initialize(settings)
      @settings = settings
      @safe = false # to be forked from
      @early = settings.prepare == "beside" # what keeps memory shared is not prepared yet
      @put_off = nil # a message that came in the middle of that, and its descriptors
      @idle = [] # threads that do nothing
      @first_responses = FirstResponses.new
      @hooks = Hooks.new
      @safety = ForkSafety.new(FastCGI::ErrorStream.new($stderr))
      @loading = Loading.new(settings, hooks: @hooks, safety: @safety)
      @memory_sharing = MemorySharing.new(settings, FastCGI::ErrorStream.new($stderr))
    end

    def run
      TemporaryFiles.watch
      @memory_sharing.make_room
      app = @loading.run(*(@memory_sharing if @settings.prepare == "first")) { @early ? report_early : report_loaded }
      @channel = @loading.channel
      @loaded_in = Process.pid
      leave_with_supervisor
      @scoreboard = Scoreboard.new(IO.for_fd(SCOREBOARD_FD, autoclose: false)) # for all that are forked from this one, too
      unless @early
        IO.select([@channel.socket]) # it is asked for something once its priority, which is lower for the load, is restored
        keep_state
      end
      serve_spawns(app)
      Kernel.exit(0)
    end

    # Serves as a reforked preloader, in a process that a worker has forked, with a control socket of its own; hooked is what
    # after_fork had made of that worker. Returns where exit handlers are to run.
    def run_reforked(app, control, refork, hooked)
      began = Clock.now
      # A group of its own, in the session of its generation: where the kernel shares the CPUs among sessions first (autogroup),
      # the workers of one session would have as much of them as those of another, however many they are.
      Process.setpgid(0, 0)
      @channel = Channel.new(control)
      changed = @state.restore(hooked)
      refuse(changed, refork) if changed.any?
      Loading.reset_traps
      leave_with_supervisor
      Title.preloader(@settings, refork: refork)
      @safety.before_fork
      @safe = true
      @idle = Thread.list # the fork has left no other than what makes forks safe has started
      @memory_sharing.collect_young
      seconds = Clock.now - began
      @loading.report_on(@channel, seconds: seconds)
      serve_spawns(app)
    rescue *Failure::ERRORS => error
      @safety.finish
      @channel&.send("failed", stage: "refork", error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end

    private

    # Refuses the refork and exits. What this process has of a request, all its workers would have.
    def refuse(findings, refork)
      @channel.send("not_reforked", generation: @settings.generation, refork: refork, findings: findings.map(&:to_h), error: nil)
      exit!(1)
    end

    # Tells the supervisor that the application is loaded, before anything is prepared or examined.
    def report_early
      Title.preloader(@settings)
      @loading.report
    end

    # Tells the supervisor that the application is loaded, and what stands in the way of forking it.
    def report_loaded
      Title.preloader(@settings)
      findings = examine
      @loading.report(findings: findings, slots: @memory_sharing.slots)
    end

    # Returns what stands in the way of forking. What the application left behind is examined when the threads of the launcher are
    # gone, and connections that no fork will see are closed.
    def examine
      @safety.before_fork
      examination = Examination.new(@settings.root, own: @settings.descriptors, eagerly_loaded: @memory_sharing.eagerly_loaded)
      findings = examination.warnings
      @idle = findings.none? { |finding| finding.kind == "thread" } ? Thread.list : []
      @memory_sharing.collect # what was connected, and what the examination made, is garbage from here on
      findings
    end

    # Remembers what workers begin with that are forked after requests, as the last thing before such a fork.
    def keep_state
      @state = ProcessState.after_load
      @memory_sharing.age
    end

    # Prepares what keeps memory shared while the first workers serve. A spawn waits for a step at most.
    def prepare(app)
      @first_responses.wait { |seconds| pause(seconds, app) }
      began = Clock.now
      Later.load
      @memory_sharing.prepare(app) { spawn_waiting(app) }
      Loading.reset_traps
      findings = examine
      @early = @safe = false
      @channel.send("prepared", seconds: (Clock.now - began).round(3), findings: findings.map(&:to_h), slots: @memory_sharing.slots)
      keep_state
    end

    def pause(seconds, app)
      return Kernel.sleep(seconds) if @put_off

      spawn_waiting(app) if IO.select([@channel.socket], nil, nil, seconds)
    end

    # Forks what was asked for meanwhile. Anything else is put off.
    def spawn_waiting(app)
      @safe = false # a step may have connected
      Loading.reset_traps
      while @put_off.nil? && IO.select([@channel.socket], nil, nil, 0)
        message, files = @channel.receive
        return unless message # the supervisor is gone
        next reopen_logs if message[:type] == "reopen"
        next @put_off = [message, files] if message[:type] != "spawn"

        spawn(message, files, app)
        files.each(&:close)
      end
      @safety.after_refork # the next step is the application's code, as requests are in a worker
    end

    def next_message
      put_off, @put_off = @put_off, nil
      put_off || @channel.receive
    end

    # Forks workers until this process is to leave. Returns where it leaves with its exit handlers: what they clean away is
    # used no more when the last preloader of a generation leaves, and only then.
    def serve_spawns(app)
      while (message, files = next_message)
        break if message[:type] == "retire" && !message[:last]
        return if message[:type] == "retire"

        prepare(app) if message[:type] == "prepare"
        spawn(message, files, app) if message[:type] == "spawn"
        reopen_logs if message[:type] == "reopen"
        files.each(&:close)
      end
      end_helpers unless message
      @safety.flush
      exit!(0)
    end

    # What is forked from now on has the logs of the application that are there now.
    def reopen_logs
      LogFiles.reopen(FastCGI::ErrorStream.new($stderr))
    end

    # Exits when the supervisor is gone, also where a hook holds this process up.
    def leave_with_supervisor
      SupervisorDeath.watch(@channel.method(:ended?)) do
        end_helpers
        exit!(1)
      end
    end

    # Ends what boot has started. The supervisor does so, with the generation. When it is gone nobody else does. That is the group
    # of the process that has loaded; while anybody is left of it, its number is nobody else's. That process may be
    # about to leave, too.
    def end_helpers
      Signal.trap("TERM", "IGNORE")
      LEADER_CHECKS.times { leader_ends? ? break : Kernel.sleep(LEADER_PAUSE) }
      Process.kill("TERM", -@loaded_in) if leader_ends?
    rescue SystemCallError
      nil # nobody is left
    end

    # Whether the process that has loaded is this one or has ended. Nobody may be there to reap it.
    def leader_ends?
      @loaded_in == Process.pid || File.read("/proc/#{@loaded_in}/stat", mode: "rb").match?(/\) [ZX] /n)
    rescue Errno::ENOENT, Errno::ESRCH
      true
    end

    def spawn(message, files, app)
      key = message.slice(:slot, :generation, :refork, :serial)
      wanted = Worker.spare?(key) ? 2 : 2 + SlotSockets::DESCRIPTORS
      raise "#{files.size} descriptors came with it, not #{wanted}: too many open files?" if files.size != wanted

      make_safe
      record = @scoreboard.record(message.fetch(:record))
      @first_responses.await(record) if @early
      pid = Children.fork_away { work(key, files, app, record, probed: message[:probe]) }
      @channel.send("spawned", pid: pid, **key)
    rescue *Failure::ERRORS => error
      @channel.send("spawn_failed", error: Failure.new(error, root: @settings.root).to_h, **key)
    end

    # Does what a fork needs. Once is enough where nothing of the application can have run since: no hook, and no thread but those that
    # nobody minds. Whatever is written between two forks, each worker has pages of its own for.
    def make_safe
      return if @safe && (Thread.list - @idle).empty? && !@hooks.before?

      @safety.before_fork
      @hooks.before_fork
      @safe = true
      @idle = restarted_threads if @early
    end

    # This thread, and those that their own libraries start again in a new process. The others are examined later.
    def restarted_threads
      Thread.list.select { |thread| thread == Thread.current || thread.thread_variable_get(:fork_safe) }
    end

    # Runs a worker, in the new process. The end of the block that was forked runs exit handlers.
    def work(key, files, app, record, probed:)
      *files, output = files
      StandardStreams.take(output)
      @channel.close
      preloader = self unless @early
      in_order = Worker.new(key, files, app, record, settings: @settings, safety: @safety, hooks: @hooks, preloader: preloader,
                                                     probed: probed).run
    ensure
      exit!(1) unless in_order # a signal's default must not run exit handlers
    end
  end
end
