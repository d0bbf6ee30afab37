# frozen_string_literal: true

require_relative "figures"

module PreforkLauncher
  # Writes to the memory file that the supervisor shares with every worker: one record of
  # fixed size a worker. The layout is drawn at preforker/internal/scoreboard.
  class Scoreboard
    RECORD_SIZE = 256

    def initialize(io)
      @io = io
      @records = io.stat.size / (RECORD_SIZE + Figures::SIZE)
      @memory = Memory.of(io)
    end

    def record(index)
      offset = index * RECORD_SIZE
      Record.new(@io, @memory&.covers?(offset + RECORD_SIZE) ? @memory : @io, offset, figures(index))
    end

    # They stand behind all records. A board without room for them is of a test alone.
    def figures(index)
      return Figures.new(nil, nil, 0) if index >= @records

      Figures.new(@memory, @io, (@records * RECORD_SIZE) + (index * Figures::SIZE))
    end

    # The file as a part of this process's memory, and of that of its forks: a record is written five times for a request, and
    # no system call is needed for it.
    class Memory
      # Returns nil where Ruby cannot do that (before 3.1), or the system does not.
      def self.of(file)
        return unless defined?(IO::Buffer)

        told = Warning[:experimental]
        Warning[:experimental] = false
        new(IO::Buffer.map(file, file.stat.size))
      rescue StandardError
        nil
      ensure
        Warning[:experimental] = told unless told.nil?
      end

      def initialize(buffer)
        @buffer = buffer
        @buffer.set_string("", 0) # which is called otherwise in a Ruby that is to come
        IO::Buffer.new(8).set_value(:u64, 0, 1) # and this may be
      end

      def covers?(size)
        size <= @buffer.size
      end

      def pwrite(bytes, offset)
        @buffer.set_string(bytes, offset)
      end

      def put(number, offset)
        @buffer.set_value(:u64, offset, number)
      end
    end
    private_constant :Memory

    # The record of one worker, written whole but for its figures, so that a kill leaves either the old or the new one.
    class Record
      LAYOUT = "L<L<CCS<CCS<Q<Q<eea208x4L<"
      NAMES = "a16a192" # of which the method and the path
      NULS = ("\0" * 192).freeze # pack appends them ten at a time
      BEGUN_AT = 248 # of the parts that are written by themselves; each write of all others clears them
      BEGUN = "\x01".b.freeze
      ALLOWED_AT = 250
      ALLOWED_MAX = 0xfffe # seconds
      UNBOUNDED = 0xffff
      HEAD = "x8Cx7Q<" # of which the state and the number of requests
      HEAD_SIZE = 24
      METHOD_MAX = 16
      PATH_MAX = 192
      NONE = 0 # nothing was written yet
      BOOTING = 1
      IDLE = 2
      BUSY = 3
      DRAINING = 4
      RECEIVING = 5
      ERROR = 500
      ERRORS_MAX = 0xffff

      attr_reader :requests

      def initialize(io, writer, offset, figures)
        @io = io
        @writer = writer
        @offset = offset
        @pid = Process.pid
        @sequence = 0
        @requests = 0
        @errors = @sound = @since = 0
        @request_seconds = @collection_seconds = 0.0
        @state = NONE
        @figures = figures
        name("", "")
      end

      # Starting. It is the first to be written, by the worker itself: the record was made for it before its fork.
      def booting
        @pid = Process.pid
        write(BOOTING)
      end

      # Waiting for a connection; the request that was in hand, if any, counts as served.
      def idle
        count
        write(IDLE)
      end

      # Receiving: a connection is in hand, but no request: nobody else can be served meanwhile.
      def receiving
        count
        write(RECEIVING)
      end

      # A request is in hand; the one before it, if any, counts as served.
      def busy(method, path)
        count
        name(method, path)
        write(BUSY)
      end

      # Takes how long the request in hand has waited for this worker, in nanoseconds.
      def waited(time)
        @figures.waited(time)
      end

      # The request in hand has ended, with a response of this status: 0 where it broke off, nil where the peer went away.
      def ended(status)
        @figures.ended(now - @since, !status.nil? && (status >= ERROR || status.zero?))
        answered(status) if status
      end

      # The response to the request in hand has begun: no timeout ends the request any more.
      def response_begun
        @writer.pwrite(BEGUN, @offset + BEGUN_AT)
      end

      # Lets the request in hand take so many seconds more from now on before its response begins, where the timeout of all requests
      # would pass before; with nil any time. False where none is in hand.
      def allow(seconds)
        return false unless @state == BUSY

        @writer.pwrite([allowed(seconds)].pack("S<"), @offset + ALLOWED_AT)
        true
      end

      # Takes what requests, and the collections between them, have had of the CPU. It is told with the next state.
      def collections(request_seconds, collection_seconds)
        @request_seconds = request_seconds
        @collection_seconds = collection_seconds
      end

      # Takes the status of a response, 0 where it broke off: whether there was ever another than 500, and how many of the last ones in
      # a row were that. It is told with the next state.
      def answered(status)
        if status == ERROR || status.zero?
          @errors += 1 if @errors < ERRORS_MAX
        else
          @errors = 0
          @sound = 1
        end
      end

      # Leaving. The request in hand stays named until the worker is gone.
      def draining
        name("", "") unless @state == BUSY
        write(DRAINING)
      end

      # Whether the worker, which may be another process, is about to become ready or has a request in hand, and has served none.
      def first_to_come?
        state, requests = @io.pread(HEAD_SIZE, @offset).unpack(HEAD)
        requests.zero? && [NONE, BOOTING, BUSY, RECEIVING].include?(state)
      end

      private

      # Whole seconds, from the beginning of the request.
      def allowed(seconds)
        return UNBOUNDED if seconds.nil?

        elapsed = (now - @since) / 1e9
        [[elapsed + seconds, 1].max, ALLOWED_MAX].min.ceil
      end

      def count
        @requests += 1 if @state == BUSY
      end

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
      end

      def name(method, path)
        @names = [method, path + NULS].pack(NAMES)
        @method_size = [method.bytesize, METHOD_MAX].min
        @path_size = [path.bytesize, PATH_MAX].min
        @cut = method.bytesize > METHOD_MAX || path.bytesize > PATH_MAX ? 1 : 0
      end

      def write(state)
        @state = state
        @sequence = (@sequence + 1) & 0xffffffff
        @since = now
        bytes = [@sequence, @pid, state, @method_size, @path_size, @cut, @sound, @errors, @requests, @since,
                 @request_seconds, @collection_seconds, @names, @sequence].pack(LAYOUT)
        @writer.pwrite(bytes, @offset)
      end
    end
  end
end
