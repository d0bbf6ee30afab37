# frozen_string_literal: true

require_relative "../fastcgi/responder"
require_relative "../log_files"
require_relative "../supervisor_death"
require_relative "collection" # later
require_relative "listener"
require_relative "self_test"

module PreforkLauncher
  # Serves the connections that come to a worker's socket, one after the other, until the worker is to leave. Between two of them
  # it does a refork that is pending. It runs on a thread of its own, so that a request in hand delays neither the supervisor nor signals.
  class ServingLoop
    PARENT_SECONDS = 10 # at the longest from one check of who the parent is to the next
    TAKEN_MAX = 256 # connections that wait here at the most, each with a descriptor
    # Connections that are kept for their next request, for each slot that is served, and in all. A web server that keeps more of them to
    # one worker finds the oldest closed.
    KEPT_MAX = 100
    KEPT_TOTAL = 300

    # Its own socket and those of other slots.
    attr_reader :listeners

    # Without refork the worker is never asked for one; without sockets (SlotSockets) it serves nobody until it is given some.
    def initialize(sockets, responder, record:, title:, tracker:, shutdown:, refork: nil, collects: true)
      @reopens = false # the logs of the application
      @opened = nil # the sockets of its own that the main thread has been given
      @turn = 0 # which of its listeners was asked last
      @lent = nil # the sockets of other slots, which the main thread has been given
      @responder = responder
      @record = record
      @title = title
      @tracker = tracker
      @shutdown = shutdown
      @kept = []
      @added = [] # the one that the responder has kept just now
      @given = [] # handed over, to be closed
      @keeping = Mutex.new # held by the serving thread but while a connection is served
      @received = 0 # of the kept ones, from workers that have left
      @kept_turn = false # whether the next one to be served is a kept connection, where both wait
      listen([sockets].compact)
      @refork = refork
      @collects = collects
      @collection = nil
      @taken = Queue.new # connections that have waited at ports where nobody listens any more
      @releasing = Mutex.new
      @pid = Process.pid
    end

    # Has it serve these sockets of other slots besides its own, from the next connection on. Called by the main thread.
    def lend(sockets)
      @lent = sockets
      @shutdown.wake
    end

    # Has it serve sockets of its own, where it had none. Called by the main thread.
    def open(sockets)
      @opened = sockets
      @shutdown.wake
    end

    # Has it open the application's logs anew, before its next request. Called by the main thread.
    def reopen_logs
      @reopens = true
      @shutdown.wake
    end

    # Has nobody listen at its ports any more, in no process, so that the next supervisor can have them, and takes what waits
    # there. A unix socket's path can be had by another one at any time. Called by either thread.
    def release_ports
      @releasing.synchronize do
        [*@sockets, *@lent, *@opened].map(&:listener).each { |listener| release(listener) if Listener.port?(listener) }
      end
    end

    # Hands over the kept connections beside the one in hand, whose request may take long: who serves the slot now can serve them at
    # once. Called by the main thread, after the worker was told to leave. They are closed later: the serving thread waits for them, too.
    def hand_over_idle
      return unless @shutdown.hands_over?

      @keeping.synchronize { give(@kept) }
    end

    # Returns whether it ended in order: false where the responder failed, so that this process must serve nobody any more.
    def run
      @keeping.synchronize { serve_and_leave }
    end

    # The sockets of its own slot, of other slots, and the connections that are kept.
    def descriptors
      [*@sockets.flat_map(&:descriptors), *[*@kept, *@given].map(&:socket)]
    end

    private

    def serve_and_leave
      @record.idle
      @title.show("idle")
      @tracker.collection = @collection = Collection.new(record: @record) if @collects
      @self_test = SelfTest.new
      while (connection = next_connection)
        return false unless serve(connection)

        at_times if @self_test.due?
        @record.idle
      end
      hand_over
      return false unless serve_last

      @record.draining
      @title.show("draining")
      true
    ensure
      hand_over # where anything has failed
    end

    def serve(connection)
      kept = connection.is_a?(FastCGI::KeptConnection)
      slot_sockets = kept ? connection.slot_sockets : @sockets[@turn]
      sound = beside_main_thread do
        if kept
          @responder.resume(connection, interrupts: @awaited, kept: @added)
        else
          @responder.serve(connection, interrupts: @awaited, kept: @added)
        end
      end
      keep(@added.shift, slot_sockets) if @added.any?
      close_given if @given.any?
      sound
    end

    # Lets the main thread hand over what is kept meanwhile.
    def beside_main_thread
      @keeping.unlock
      yield
    ensure
      @keeping.lock
    end

    def close_given
      @given.each(&:close).clear
      await_all
    end

    # Does what has to be done now and then, also where connections never cease to come.
    def at_times
      @self_test.check
      receive_kept
    end

    # Gives the kept connections to who serves their slots from now on, closing its own descriptors of them. What has come there, or comes
    # now, is read by that one. What cannot be given stays.
    def hand_over(going = @kept)
      return unless @shutdown.hands_over? && Process.pid == @pid # a process that the application has forked has no part in it

      give(going)
      close_given
    end

    def give(going)
      given = going.select { |one| one.slot_sockets&.give(one.socket) }
      @kept -= given
      @given += given
    end

    # Serves what has come on kept connections, which nobody else can, and closes them: first those that it finds with a request, then
    # the others, on which none can come any more.
    def serve_last
      receive_kept unless @shutdown.hands_over? # else it would be what was given just now
      while (one = kept_with_request([]))
        return false unless serve_to_its_end(take(one))
      end
      last = @kept.dup
      @kept.clear # the main thread gives none of them to anybody any more
      last.each(&:refuse_more)
      last.all? { |kept| serve_to_its_end(kept) }
    end

    # Returns whether it went in order.
    def serve_to_its_end(kept)
      sound = beside_main_thread { @responder.resume(kept, interrupts: @awaited) }
      @record.idle if sound
      sound
    end

    # Takes note of a connection that was kept just now, and makes room for it.
    def keep(connection, slot_sockets)
      connection.slot_sockets = slot_sockets
      @kept << connection
      @kept.shift.close if @kept.size > [KEPT_MAX * [@sockets.size, 1].max, KEPT_TOTAL].min
      await_all
    end

    # Takes up the connections that workers of its slots have kept until they left. Returns whether there were any.
    def receive_kept
      before = @received
      @sockets.each do |sockets|
        while (socket = sockets.take)
          keep(@responder.take_up(socket), sockets)
          @received += 1
        end
      end
      @received > before
    end

    # The next connection with a request, a new one or one that was kept, or nil when it is time to go.
    def next_connection
      until @shutdown.due?
        attend if (@opened || @lent || @reopens || @refork&.pending?) && @shutdown.unwake
        connection = @kept.empty? ? accept : accept_or_resume
        return connection if connection
        next if @shutdown.asked? && receive_kept
        return last_connection if @shutdown.asked?

        @collection&.idle
        ready, = IO.select(@awaited, nil, nil, PARENT_SECONDS)
        receive_kept if handed?(ready)
        attend if @shutdown.unwake
        @shutdown.leave_alone if SupervisorDeath.happened? # where a handler of the application holds the main thread up
      end
    end

    # Does what the main thread has asked for before it wrote the byte that was taken back just now. What it is asking for at this
    # moment waits for its byte: one that came later would have the next connection make room.
    def attend
      take_up if @opened
      borrow if @lent
      open_logs_anew if @reopens
      refork if @refork&.pending?
    end

    # The next connection once no socket has any, or nil.
    def last_connection
      release_ports if @shutdown.alone?
      @taken.pop unless @taken.empty?
    end

    def release(listener)
      while @taken.size < TAKEN_MAX
        socket = listener.accept_nonblock(exception: false)
        return listener.shutdown(Socket::SHUT_RD) if socket == :wait_readable

        @taken << socket
      end
    rescue SystemCallError
      nil # Another worker has done it, or no descriptor is left: the rest is accepted when that one's turn comes.
    end

    # Serves these sockets from here on.
    def listen(sockets)
      @sockets = sockets
      @listeners = sockets.map(&:listener)
      @readers = sockets.map(&:reader)
      await_all
    end

    # Sets what it waits for between two connections, and what ends its wait for the next request of one.
    def await_all
      @awaited = [*@listeners, *@readers, *@kept.map(&:socket), @shutdown.wake_reader]
    end

    # Whether kept connections have come of a worker that leaves.
    def handed?(ready)
      ready && @readers.any? { |reader| ready.include?(reader) }
    end

    # A new connection and a kept one take turns where both wait. Those of which nothing has come for long are closed.
    def accept_or_resume
      kept = kept_with_request
      @kept_turn = !@kept_turn
      (accept unless kept && @kept_turn) || (take(kept) if kept) || forget_idle
    end

    def kept_with_request(readers = @readers)
      ready, = IO.select([*readers, *@kept.map(&:socket)], nil, nil, 0) unless @kept.empty?
      receive_kept if readers.any? && handed?(ready)
      @kept.find { |one| ready.include?(one.socket) } if ready
    end

    def take(kept)
      @kept.delete(kept)
      await_all
      kept
    end

    def forget_idle
      idle, @kept = @kept.partition(&:idle?)
      return if idle.empty?

      idle.each(&:close)
      await_all
      nil
    end

    # Accepts from each socket in turn: who waits at one of another slot waits no longer than who waits at its own.
    def accept
      @listeners.size.times do
        @turn = (@turn + 1) % @listeners.size
        socket = @listeners[@turn].accept_nonblock(exception: false)
        return socket unless socket == :wait_readable
      end
      nil
    rescue Errno::EINVAL
      listen(@sockets - [@sockets[@turn]]) # a port where another process has stopped listening, for all
      nil
    end

    # Takes up the sockets that are its own from here on.
    def take_up
      listen([@opened])
      @opened = nil
      @record.idle
      @title.show("idle")
    end

    # Takes up what the main thread has been lent, or gives it back, with the connections that were kept there.
    def borrow
      own, *older = @sockets
      lent = @lent
      @lent = nil
      returned = older - lent
      hand_over(@kept.select { |one| returned.include?(one.slot_sockets) })
      @kept.each { |one| one.slot_sockets = own if returned.include?(one.slot_sockets) }
      returned.each(&:close)
      listen([own, *lent])
    end

    def open_logs_anew
      @reopens = false
      LogFiles.reopen(FastCGI::ErrorStream.new($stderr))
    end

    def refork
      @self_test.check # what is broken here would be so in all later workers
      beside_main_thread { @refork.run } # which finds no lock that is held
    end
  end
end
