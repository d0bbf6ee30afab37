# frozen_string_literal: true

require_relative "channel"
require_relative "clock"
require_relative "collection"
require_relative "exit_handlers"
require_relative "failure"
require_relative "fastcgi/responder"
require_relative "optimizations"
require_relative "refork"
require_relative "self_test"
require_relative "supervisor_death"
require_relative "text"
require_relative "title"

module PreforkLauncher
  # One worker: serves its slot's socket, one request at a time, until it is asked
  # to leave, or until the end of its channel says that the supervisor is gone.
  #
  # Two threads. The main one waits for the supervisor and for signals; the other
  # serves, so that a request in hand never delays either of them. Leaving goes
  # over @leaving and a pipe that wakes the serving thread from its wait. When that is
  # done the main one runs the exit handlers that were registered here, and none of the preloader's.
  #
  # Whatever goes wrong here ends the process, and the supervisor replaces it: one that is there and
  # serves nobody would keep its slot.
  class Worker
    REQUEST_MAX = 500 # bytes, of the name of a request in a message
    # How long the queue is served after the supervisor's death, in seconds. Nobody restarts this worker, but
    # what waits would be reset. A new launcher binds sockets of its own, so the queue does not grow.
    BACKLOG_SECONDS = 5
    LOOK_SECONDS = 10 # at the longest from one look at the supervisor to the next
    BOOT_ERRORS = [StandardError, ScriptError, SystemExit, SystemStackError, NoMemoryError, SecurityError].freeze

    # The preloader is there where this process was forked from one.
    def initialize(key, files, app, record, settings:, safety:, hooks:, preloader: nil)
      @key = key
      @app = app
      @record = record
      @settings = settings
      @safety = safety
      @hooks = hooks
      listener, channel = files
      listener.autoclose = false
      @listener = UNIXServer.for_fd(listener.fileno)
      @channel = Channel.new(channel)
      @preloader = preloader
      @title = Title.worker(key.fetch(:slot), key.fetch(:generation), key.fetch(:refork))
      @untried = key.fetch(:refork).positive? # no request yet, and somebody waits to know how the first one goes
      @pending_refork = nil # a message and a control socket
      @leaving = nil # :now or :after_backlog
      @accept_until = nil # set when the supervisor is gone
      @pid = Process.pid
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
      serve
    rescue *BOOT_ERRORS => error
      @safety.flush
      @channel.send("failed", stage: @stage, error: Failure.new(error, root: @settings.root).to_h)
      exit!(1)
    end

    # The application, as the responder calls it, which takes an exit for the failure
    # of one request. In a process that the application forked it is what it says.
    def call(env)
      @app.call(env)
    rescue SystemExit => error
      raise if Process.pid == @pid
      @safety.flush
      exit!(error.status)
    end

    # Called by the responder around each request.
    def request_started(method, path)
      @request = Text.line("#{method} #{path}", REQUEST_MAX) if @untried
      @record.busy(method, path)
      @title.request(method, path)
    end

    def request_finished(status)
      # The application forked and its child came back, or it made itself a
      # daemon: a second worker on this socket that the supervisor knows nothing of.
      exit!(0) unless Process.pid == @pid
      @record.receiving
      @title.show("idle")
      report_first(status) if @untried && status
      @collection&.request_finished
    end

    private

    def prepare
      @stage = "signals"
      # kill(0, …) by the application reaches this worker alone. One that was started, not forked, leads a
      # session, and with it a group that it may not leave (setpgid(2)).
      Process.setpgid(0, 0) unless Process.getpgrp == @pid
      @wake_reader, @wake_writer = IO.pipe
      %w[INT TERM].each { |signal| Signal.trap(signal) { signalled(signal) } }
      SupervisorDeath.watch(@channel.method(:ended?)) { @serving ? leave_alone : exit!(1) }
      @stage = "fork safety"
      @safety.after_fork unless @settings.direct?
      @stage = "after_fork"
      @hooks.after_fork(@key.fetch(:slot), forked: !@settings.direct?)
      @stage = "serve"
      @refork = new_refork if @preloader
      @responder = FastCGI::Responder.new(self, errors: $stderr, url_prefix: @settings.url_prefix, observer: self)
    end

    def serve
      prepared = Queue.new
      server = Thread.new { prepared.pop && serve_until_told }
      server.thread_variable_set(:fork_safe, true) # for those who look for threads before a fork
      @channel.send("ready", pid: Process.pid, **@key)
      @serving = true
      follow_supervisor { prepared << true } # no request can disturb this thread earlier
      leave_alone unless @status
      server.join(@settings.drain_timeout)
      return @status if @status
      note("ends in the middle of a request: the supervisor is gone, and the drain timeout has passed")
      exit!(1)
    end

    # The process ends after this thread, also where the application has killed it.
    def serve_until_told
      status = 1
      serve_requests
      tell_leaving
      @safety.before_exit
      @hooks.before_exit
      status = 0 unless @disturbed
    rescue Exception => error # the last frame of this thread: nothing above could log it
      complain(error, "stopped serving")
    ensure
      hand_over(status)
    end

    # The main thread wakes from waiting for the supervisor. Exit handlers have no time that they could not outstay, and
    # the main thread may be anywhere.
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

    # What comes now may take a while, and nobody else serves the slot.
    def tell_leaving
      @channel.send("leaving", **@key, served: @record.requests) unless @asked
      @asked = true
    end

    def end_later
      Thread.new do
        Kernel.sleep(@settings.drain_timeout)
        note("ends in the middle of its exit handlers: the drain timeout has passed")
        exit!(1)
      end.thread_variable_set(:fork_safe, true)
    end

    def note(what)
      FastCGI::Errors.new($stderr).note("worker slot=#{@key[:slot]} #{what}")
    end

    def complain(error, what)
      FastCGI::Errors.new($stderr).report(error, "worker slot=#{@key[:slot]} #{what}")
    end

    # Until the supervisor is gone, or cannot be heard any more.
    def follow_supervisor
      yield
      while (message, files = @channel.receive)
        case message[:type]
        when "drain"
          @asked = true
          leave(message[:backlog] ? :after_backlog : :now)
        when "refork" then refork_later(message, files)
        end
      end
    rescue Exception => error # rubocop:disable Lint/RescueException
      # Thrown by another thread of the application: exit, abort_on_exception,
      # Thread.main.raise. The request in hand is let finish.
      @disturbed = true
      leave(:now)
      complain(error, "leaves: its main thread got")
      retry if @channel.open?
    end

    # The supervisor is gone: nobody else would serve what waits in the queue.
    def leave_alone
      @accept_until ||= Clock.now + [BACKLOG_SECONDS, @settings.drain_timeout].min
      leave(:after_backlog)
    end

    # The serving thread does it, between two requests. It takes back what has woken it once it sees the
    # message, so that comes second: a byte that came later would keep it awake for ever.
    def refork_later(message, files)
      return files.each(&:close) unless @refork && files.size == 1
      wake
      @pending_refork = [message, files.first]
    end

    # A process that the application forks inherits the handler, but not the duty.
    # What the supervisor has said stands: systemd may signal every process of a
    # service that is to stop, and the queue would be lost with it.
    def signalled(signal)
      raise SignalException, signal unless Process.pid == @pid
      leave(@leaving || :now)
    end

    # Also called from a signal handler, where no lock may be taken.
    def leave(how)
      @leaving = how
      wake
    end

    def wake
      @wake_writer.write_nonblock(".", exception: false)
    end

    def serve_requests
      @record.idle
      @title.show("idle")
      @collection = Collection.new if collects?
      @self_test = SelfTest.new
      interrupts = [@listener, @wake_reader]
      while (socket = next_connection)
        @record.receiving
        return @disturbed = true unless @responder.serve(socket, interrupts: interrupts)
        @self_test.check if @self_test.due?
        @record.idle
      end
      @record.draining
      @title.show("draining")
    end

    # A worker of its own has nobody to share memory with, and is to be as others run it.
    def collects?
      !@settings.direct? && Optimizations.new(@settings.without).on?("between")
    end

    # The next connection, or nil when it is time to go. With :after_backlog the
    # time has come when the queue is empty.
    def next_connection
      until @leaving == :now || overdue?
        refork if @pending_refork
        socket = @listener.accept_nonblock(exception: false)
        return socket unless socket == :wait_readable
        return nil if @leaving
        IO.select([@listener, @wake_reader], nil, nil, LOOK_SECONDS)
        leave_alone if SupervisorDeath.happened? # where a handler of the application holds the main thread up
      end
    end

    def overdue?
      @accept_until && Clock.now > @accept_until
    end

    # The answer goes over the new one's control socket, whose end says that there is nothing more to come. What
    # can be read there so early is its other end: it took too long, and nobody waits any more.
    def refork
      @wake_reader.read_nonblock(64, exception: false)
      @self_test.check # what is broken here would be so in all later workers
      message, control = @pending_refork
      @pending_refork = nil
      wake if @leaving # what has been read may have been for that
      return if IO.select([control], nil, nil, 0)
      @title.show("refork")
      type, fields = @refork.run(@app, control, refork: message.fetch(:refork), checked: message.fetch(:checked))
      Channel.new(control).send(type, **message.slice(:generation, :refork), **fields)
      @title.show("idle")
    ensure
      control&.close
    end

    def new_refork
      Refork.new(@preloader, slot: @key.fetch(:slot), root: @settings.root, own: [@listener, @channel.socket, @wake_reader, @wake_writer],
                             safety: @safety, hooks: @hooks)
    end

    def report_first(status)
      @untried = false
      @channel.send("first", status: status, request: @request, **@key)
    end
  end
end
