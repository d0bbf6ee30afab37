# frozen_string_literal: true

require_relative "channel"
require_relative "failure"
require_relative "fastcgi/responder"
require_relative "memory/optimizations"
require_relative "oom_score"
require_relative "refork" # later
require_relative "standard_streams"
require_relative "supervisor_death"
require_relative "title"
require_relative "worker/application_interface"
require_relative "worker/backtraces"
require_relative "worker/exit_handlers"
require_relative "worker/readiness_probe"
require_relative "worker/request_tracker"
require_relative "worker/served_application"
require_relative "worker/serving_loop"
require_relative "worker/shutdown"
require_relative "worker/slot_sockets"

module PreforkLauncher
  # Runs one worker from its fork to its exit: it prepares itself, serves its slot's socket until it is asked to leave, or
  # until the end of its channel says that the supervisor is gone, and ends.
  #
  # One without a slot, a spare, is prepared like any other, and its serving thread waits: it serves no socket until the
  # supervisor assigns one.
  #
  # Two threads. The main one waits for the supervisor and for signals; the other serves (ServingLoop). When that is
  # done the main one runs the exit handlers that were registered here, and none of the preloader's.
  #
  # Whatever goes wrong here ends the process, and the supervisor replaces it: one that is there and
  # serves nobody would keep its slot.
  class Worker
    NO_SLOT = -1

    def self.spare?(key)
      key.fetch(:slot) == NO_SLOT
    end

    # The preloader is what this process was forked from, and forks in its turn; nil where it loads by itself, or makes room soon.
    # The files are the slot's sockets (SlotSockets), which a spare has none of, and the channel. Probed is what it
    # makes a request of its own for, before it is ready (ReadinessProbe).
    def initialize(key, files, app, record, settings:, safety:, hooks:, preloader: nil, probed: nil)
      @key = key
      @probed = probed
      @app = app
      @record = record
      @settings = settings
      @safety = safety
      @hooks = hooks
      *own, channel = files
      @sockets = slot_sockets(own) if own.any?
      @channel = Channel.new(channel)
      @preloader = preloader
      @title = title
      @pid = Process.pid
      @exit_handlers = nil # of a forked one
      @refork = nil # of a forked one
      @borrowed = [] # sockets of other slots
      @serving = false
      @disturbed = false
      @asked = false # to leave, by the supervisor
      @status = nil # of the process, once the serving thread is done
    end

    # Returns where exit handlers are to run: where it leaves in order.
    def run
      @exit_handlers = ExitHandlers.new(@safety) unless @settings.direct?
      @record.booting
      @title.show("booting")
      prepare
      probe if @probed
      serve
    rescue *Failure::ERRORS => error
      @safety.finish
      @channel.send("failed", stage: @stage, error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end

    private

    def slot_sockets(files)
      SlotSockets.new(files, allow: @settings.allow)
    end

    # The number of the slot, or nil.
    def slot
      @key.fetch(:slot) unless Worker.spare?(@key)
    end

    def title
      origin = @key.values_at(:generation, :refork)
      slot ? Title.worker(slot, *origin) : Title.spare(*origin)
    end

    def prepare
      OOMScore.raise_above(@settings.oom_score)
      @stage = "signals"
      # kill(0, …) by the application reaches this worker alone. One that was started, not forked, leads a
      # session, and with it a group that it may not leave (setpgid(2)).
      Process.setpgid(0, 0) unless Process.getpgrp == @pid
      @shutdown = Shutdown.new(@settings.drain_timeout)
      @shutdown.trap_signals
      SupervisorDeath.watch(@channel.method(:ended?)) { @serving ? @shutdown.leave_alone : exit!(1) }
      @stage = "fork safety"
      @safety.after_fork unless @settings.direct?
      @stage = "after_fork"
      @hooks.after_fork(slot, forked: !@settings.direct?)
      @stage = "serve"
      @refork = new_refork if @preloader
      @serving_loop = new_serving_loop
      ApplicationInterface.worker(@key, channel: @channel, record: @record)
    end

    # Makes a request of its own: nobody else may make the first one.
    def probe
      @stage = "probe"
      @title.show("probing")
      ReadinessProbe.new(ServedApplication.new(@app, @safety), @settings, reason: @probed).run
      @stage = "serve"
    end

    def new_refork
      own = -> { [@channel.socket, *@shutdown.descriptors, *[*@sockets, *@borrowed].flat_map(&:descriptors), *@serving_loop.descriptors] }
      Refork.new(@app, @preloader, key: @key, root: @settings.root, own: own, safety: @safety, hooks: @hooks, title: @title)
    end

    def new_serving_loop
      tracker = RequestTracker.new(@key, channel: @channel, record: @record, title: @title)
      responder = FastCGI::Responder.new(ServedApplication.new(@app, @safety), errors: $stderr, url_prefix: @settings.url_prefix,
                                                                               observer: tracker, leaving: @shutdown.method(:for_good?))
      ServingLoop.new(@sockets, responder, record: @record, title: @title, tracker: tracker, shutdown: @shutdown, refork: @refork,
                                            collects: collects?)
    end

    # A worker of its own has nobody to share memory with, and is to be as others run it. One that makes room soon has all that was
    # loaded young, which a collection would write to.
    def collects?
      !@preloader.nil? && Optimizations.new(@settings.without).on?("between")
    end

    def serve
      prepared = Queue.new
      @server = server = Thread.new { prepared.pop && serve_until_told }
      server.thread_variable_set(:fork_safe, true) # for those who look for threads before a fork
      @channel.send("ready", pid: Process.pid, **@key)
      @serving = true
      follow_supervisor { prepared << true } # no request can disturb this thread earlier
      leave_alone unless @status
      server.join(@settings.drain_timeout)
      StandardStreams.finish
      return @status if @status

      note("ends in the middle of a request: the supervisor is gone, and the drain timeout has passed")
      exit!(1)
    end

    # Leaves without a supervisor, and has its ports free for the next one at once: a request in hand may take long.
    def leave_alone
      @shutdown.leave_alone
      @serving_loop.release_ports
    end

    # Does what the supervisor says, until it is gone, or cannot be heard any more.
    def follow_supervisor
      yield
      while (message, files = @channel.receive)
        case message[:type]
        when "drain" then drain(message[:backlog], message[:hand_over])
        when "refork" then refork(message, files)
        when "lend" then lend(files)
        when "return" then give_back
        when "reopen" then @serving_loop.reopen_logs
        when "locate" then tell_where
        when "assign" then assign(message.fetch(:slot), files)
        end
      end
    rescue Exception => error # rubocop:disable Lint/RescueException
      # Thrown by another thread of the application: exit, abort_on_exception,
      # Thread.main.raise. The request in hand is let finish.
      @disturbed = true
      @shutdown.leave(:now)
      complain(error, "leaves: its main thread got")
      retry if @channel.open?
    end

    def drain(backlog, hand_over)
      @asked = true
      @shutdown.keep_from_handing_over unless hand_over
      @shutdown.leave(backlog ? :after_backlog : :now)
      @serving_loop.hand_over_idle
    end

    # Tells the supervisor where all threads are: a request takes too long.
    def tell_where
      @channel.send("located", **@key, **Backtraces.new(@server, root: @settings.root).to_h)
    end

    # Serves the sockets of other slots besides its own, which have no worker yet.
    def lend(files)
      lent, cut = files.each_slice(SlotSockets::DESCRIPTORS).partition { |one| one.size == SlotSockets::DESCRIPTORS }
      note("did not get all sockets that it was lent: too many open files?") if cut.any?
      cut.flatten.each(&:close)
      @borrowed += lent.map { |one| slot_sockets(one) }
      @serving_loop.lend(@borrowed.dup)
    end

    # Takes a slot, as a spare: what is left to be done is what needs to know the slot. All that have the key see the slot there.
    def assign(slot, files)
      @key[:slot] = slot
      @record.booting # this is how the supervisor sees that it does not hang
      @sockets = slot_sockets(files)
      @title.take_slot(slot)
      give_hooks_their_slot if @hooks.waiting?
      @serving_loop.open(@sockets)
      @channel.send("ready", pid: Process.pid, **@key)
    rescue *Failure::ERRORS => error
      @safety.finish
      @channel.send("failed", stage: @stage, error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end

    def give_hooks_their_slot
      @stage = "after_fork"
      @hooks.slot_given(slot)
      @refork&.hooked
    end

    def give_back
      @borrowed = []
      @serving_loop.lend([])
    end

    # Asks the serving thread for a refork, which it does between two requests.
    def refork(message, files)
      return files.each(&:close) unless @refork && files.size == 2

      @refork.request(message, *files)
      @shutdown.wake
    end

    # Serves, on its own thread. The process ends after this thread, also where the application has killed it.
    def serve_until_told
      status = 1
      @disturbed = true unless @serving_loop.run
      tell_leaving
      @safety.before_exit
      @hooks.before_exit
      status = 0 unless @disturbed
    rescue Exception => error # rubocop:disable Lint/RescueException
      # The last frame of this thread: nothing above could log it.
      complain(error, "stopped serving")
    ensure
      hand_over(status)
    end

    # Has the main thread end the process. It wakes from waiting for the supervisor. Exit handlers have no time that
    # they could not outstay, and the main thread may be anywhere.
    def hand_over(status)
      @safety.flush
      exit!(status) unless Process.pid == @pid # in a process that the application forked
      end_later
      tell_leaving
      @exit_handlers&.status = status
      @status = status
      @channel.stop_receiving
    rescue Exception # rubocop:disable Lint/RescueException
      exit!(status) # as long as that can be done
    end

    # Tells the supervisor that nobody serves the slot any more: what comes now may take a while.
    def tell_leaving
      @channel.send("leaving", **@key, served: @record.requests) unless @asked
      @asked = true
    end

    # Ends the process when its exit handlers take too long.
    def end_later
      Thread.new do
        Kernel.sleep(@settings.drain_timeout)
        note("ends in the middle of its exit handlers: the drain timeout has passed")
        exit!(1)
      end.thread_variable_set(:fork_safe, true)
    end

    def note(what)
      FastCGI::ErrorStream.new($stderr).note("#{who} #{what}")
    end

    def complain(error, what)
      FastCGI::ErrorStream.new($stderr).report(error, "#{who} #{what}")
    end

    def who
      slot ? "worker slot=#{slot}" : "spare worker"
    end
  end
end
