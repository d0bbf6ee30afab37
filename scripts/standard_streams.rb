# frozen_string_literal: true

module PreforkLauncher
  # Standard output and error of a process: a pipe that the supervisor reads, which logs each line with the slot and the pid that it is
  # of. Each worker has one of its own.
  #
  # A worker serves on when the supervisor has died. So it holds the other end, too: nothing that writes to the pipe gets EPIPE, no
  # process that the application has started, either. Then it has its streams write to the launcher's standard error, and
  # passes on what is in the pipe, or comes there.
  module StandardStreams
    STREAMS = [STDOUT, STDERR].freeze
    PIECE = 65_536 # bytes that are passed on at once
    # The number of dup3(2). Where it is not known all that is printed goes through the pipe.
    DUP3 = { "x86_64" => 292, "aarch64" => 24, "riscv64" => 24 }.freeze

    @pipe = nil # identifies it
    @reader = nil # its other end
    @outlives = false
    @passing = Mutex.new # held by who passes on what is in the pipe

    class << self
      # Called by a process that the supervisor has started: its streams are such a pipe, unless a test plays the supervisor.
      def adopt
        hold(STDERR)
      end

      # Called by a process that was forked, with the pipe that is its own from here on. A stream that the application has closed,
      # or sent to a place of its own, stays so.
      def take(writer)
        writer.close_on_exec = true
        IO.for_fd(writer.fileno, "w", autoclose: false).tap { |pipe| redirect(pipe) }
        @reader&.close
        hold(writer) if @pipe
      rescue IOError, SystemCallError
        nil # its lines are those of whom it was forked from
      ensure
        writer.close
      end

      # Called once the application is loaded: what it prints is for the log from here on. Who cannot hold the other end writes to
      # the launcher's standard error by itself.
      def serve
        return redirect(real) if @pipe && @reader.nil?

        own.each { |stream| stream.sync = true }
      end

      # Called when the supervisor has died, also in a signal handler, where no lock may be taken.
      def outlive_supervisor
        return if @reader.nil? || @outlives

        @outlives = true
        Thread.new { pass_on }.thread_variable_set(:fork_safe, true)
      end

      # Called before a process ends that may have outlived the supervisor: what is still in the pipe would be lost with it. Waits for
      # who reads the launcher's standard error.
      def finish
        @passing.synchronize { leave_pipe(real) } if @outlives
      end

      # Identifies where a descriptor leads: the pipe of one process is as good as that of another.
      def place(number)
        stat = File.stat("/proc/self/fd/#{number}")
        place = [stat.dev, stat.ino]
        @pipe == place ? :supervisor : place
      rescue SystemCallError
        nil
      end

      # The pipe as /proc names it, or nil.
      def pipe
        "pipe:[#{@pipe.last}]" if @pipe
      end

      private

      def hold(writer)
        stat = writer.stat
        @pipe = @reader = nil
        return unless stat.pipe?

        @pipe = [stat.dev, stat.ino]
        @reader = File.open("/proc/self/fd/#{writer.fileno}", File::RDONLY | File::NONBLOCK)
      rescue SystemCallError
        nil # in a sandbox
      end

      # The streams that lead to the pipe.
      def own
        STREAMS.select do |stream|
          stat = stream.stat
          @pipe == [stat.dev, stat.ino]
        rescue IOError, SystemCallError
          false # it is closed
        end
      end

      def redirect(target)
        own.each do |stream|
          stream.reopen(target)
          stream.sync = true
        end
      end

      # Has a descriptor lead to the launcher's standard error. IO#reopen would throw an IOError into threads that write to it.
      def exchange(number)
        call = DUP3[RUBY_PLATFORM[/\A[^-]+/]]
        verbose, $VERBOSE = $VERBOSE, nil # Ruby warns of syscall
        syscall(call, STDERR_FD, number, 0) if call
      rescue SystemCallError, NotImplementedError, NoMethodError
        nil # in a sandbox, or a Ruby without it
      ensure
        $VERBOSE = verbose
      end

      def real
        IO.for_fd(STDERR_FD, "w", autoclose: false)
      end

      def pass_on
        target = real
        @passing.synchronize { leave_pipe(target) }
        IO.select([@reader]) while @passing.synchronize { empty(target) }
      end

      # What the pipe holds goes first: somebody may wait until there is room in it.
      def leave_pipe(target)
        empty(target)
        own.each { |stream| exchange(stream.fileno) }
        empty(target)
      end

      # Passes on what is in the pipe, and returns whether more may come.
      def empty(target)
        while (text = @reader.read_nonblock(PIECE, exception: false)) != :wait_readable
          return false if text.nil?

          write(target, text)
        end
        true
      end

      def write(target, text)
        target.write(text)
        target.flush
      rescue SystemCallError
        nil # nobody reads it, or its disk is full
      end
    end
  end
end
