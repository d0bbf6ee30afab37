# frozen_string_literal: true

require_relative "channel"
require_relative "checks/examination"
require_relative "checks/finding"
require_relative "children"
require_relative "failure"
require_relative "fastcgi/responder"
require_relative "standard_streams"
require_relative "temporary_files"
require_relative "refork/process_state"
require_relative "refork/unfitness"
require_relative "worker/exit_handlers"

module PreforkLauncher
  # The refork of a worker: between two of its requests it forks the next preloader, twice as a preloader does for a
  # worker, and serves on. What its requests have built the new preloader has from the start.
  #
  # Whatever before_fork has undone for the moment of the fork, after_fork does again. Where that fails
  # the worker ends, as one would whose after_fork fails at its start.
  class Refork
    # Made before the first request. Own returns the descriptors of this worker, which the new preloader has no use for.
    def initialize(app, preloader, key:, root:, own:, safety:, hooks:, title:)
      @app = app
      @preloader = preloader
      @key = key
      @root = root
      @own = own
      @safety = safety
      @hooks = hooks
      @title = title
      @pending = nil # a message, the control socket of the new preloader, and the pipe for what that prints
      hooked
    end

    # Remembers what after_fork has made of this worker: in a spare, part of that comes with the slot.
    def hooked
      @hooked = ProcessState.new
    end

    # Notes what the supervisor has asked for. The main thread hears of it, and the serving thread does it.
    def request(message, control, output)
      @pending = [message, control, output]
    end

    def pending?
      !@pending.nil?
    end

    # Does what is pending. How it went is told over the new preloader's control socket, whose end says that there is nothing
    # more to come. What can be read there so early is its other end: it took too long, and nobody waits any more.
    def run
      message, control, @output = @pending
      @pending = nil
      return if IO.select([control], nil, nil, 0)

      @title.show("refork")
      type, fields = fork_and_serve_on(control, message.fetch(:refork), message.fetch(:checked))
      Channel.new(control).send(type, **message.slice(:generation, :refork), **fields)
      @title.show("idle")
    ensure
      [control, @output].compact.each(&:close)
    end

    private

    # Returns what there is to tell the supervisor: a type and its fields. Does not return in the new preloader.
    def fork_and_serve_on(control, refork, checked)
      return refused([declared]) if Unfitness.reason

      answer = attempt(control, refork, checked)
      @safety.after_refork
      @hooks.after_fork(@key.fetch(:slot)) if @hooks.before?
      answer
    end

    def refused(findings)
      ["not_reforked", { findings: findings.map(&:to_h), error: nil }]
    end

    def declared
      Finding.new("harm", "declared", "the application says so: #{Unfitness.reason}")
    end

    # Forks the new preloader, with connections closed as before any fork.
    def attempt(control, refork, checked)
      @hooks.before_fork
      @safety.before_fork
      findings = checked ? harm(control) : []
      return refused(findings) if findings.any?

      ["reforked", { pid: TemporaryFiles.hand_on { Children.fork_away { become_preloader(control, refork) } } }]
    rescue *Failure::ERRORS => error
      ["not_reforked", { findings: [], error: Failure.new(error, root: @root).to_h }]
    end

    # Finds what would not survive. A request may have left behind what only a collection closes.
    def harm(control)
      found = examine(control)
      return found if found.empty?

      GC.start
      examine(control)
    end

    # What is about several workers at all is no reason against a refork.
    def examine(control)
      own = @own.call.map(&:fileno) + [control.fileno, SCOREBOARD_FD, STDERR_FD]
      Examination.new(@root, own: own, who: "a worker").findings.select { |finding| finding.harm? && finding.kind != "database" }
    end

    # Runs the new preloader. The end of the block that was forked runs exit handlers, the new process's own end. So does a signal, as in
    # a preloader that was started; neither passes through the worker's own frames.
    def become_preloader(control, refork)
      ExitHandlers.leave_out_inherited
      StandardStreams.take(@output)
      @own.call.each(&:close)
      @preloader.run_reforked(@app, control, refork, @hooked)
    rescue SignalException
      raise
    rescue Exception => error # rubocop:disable Lint/RescueException
      # The last frame of this process: nothing above could log it.
      FastCGI::ErrorStream.new($stderr).report(error, "preloader refork=#{refork} ends")
      exit!(1)
    end
  end
end
