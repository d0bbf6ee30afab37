# frozen_string_literal: true

require_relative "../supervisor_death"
require_relative "collection" # later
require_relative "listener"
require_relative "self_test"

module PreforkLauncher
  # Serves the connections that come to a worker's socket, one after the other, until the worker is to leave. Between two of them
  # it does a refork that is pending. It runs on a thread of its own, so that a request in hand delays neither the supervisor nor signals.
  class ServingLoop
    # Its own socket and those of other slots.
    attr_reader :listeners

    TAKEN_MAX = 256 # connections that wait here at the most, each with a descriptor
    PARENT_SECONDS = 10 # at the longest from one check of who the parent is to the next

    # Without refork the worker is never asked for one; without a listener it serves nobody until it is given one.
    def initialize(listener, responder, record:, title:, tracker:, shutdown:, refork: nil, collects: true)
      @listeners = [listener].compact
      @opened = nil # the listener of its own that the main thread has been given
      @turn = 0 # which of these was asked last
      @lent = nil # listeners of other slots, which the main thread has been given
      @responder = responder
      @record = record
      @title = title
      @tracker = tracker
      @shutdown = shutdown
      @refork = refork
      @collects = collects
      @collection = nil
      @taken = Queue.new # connections that have waited at ports where nobody listens any more
      @releasing = Mutex.new
    end

    # Has it serve these sockets of other slots besides its own, from the next connection on. Called by the main thread.
    def lend(listeners)
      @lent = listeners
      @shutdown.wake
    end

    # Has it serve a socket of its own, where it had none. Called by the main thread.
    def open(listener)
      @opened = listener
      @shutdown.wake
    end

    # Has nobody listen at its ports any more, in no process, so that the next supervisor can have them, and takes what waits
    # there. A unix socket's path can be had by another one at any time. Called by either thread.
    def release_ports
      @releasing.synchronize do
        [*@listeners, *@lent, @opened].each { |listener| release(listener) if Listener.port?(listener) }
      end
    end

    # Returns whether it ended in order: false where the responder failed, so that this process must serve nobody any more.
    def run
      @record.idle
      @title.show("idle")
      @tracker.collection = @collection = Collection.new(record: @record) if @collects
      @self_test = SelfTest.new
      while (socket = next_connection)
        @record.receiving
        return false unless @responder.serve(socket, interrupts: [*@listeners, @shutdown.wake_reader])

        @self_test.check if @self_test.due?
        @record.idle
      end
      @record.draining
      @title.show("draining")
      true
    end

    private

    # The next connection, or nil when it is time to go.
    def next_connection
      until @shutdown.due?
        attend if (@opened || @lent || @refork&.pending?) && @shutdown.unwake
        socket = accept
        return socket if socket
        return last_connection if @shutdown.asked?

        @collection&.idle
        IO.select([*@listeners, @shutdown.wake_reader], nil, nil, PARENT_SECONDS)
        attend if @shutdown.unwake
        @shutdown.leave_alone if SupervisorDeath.happened? # where a handler of the application holds the main thread up
      end
    end

    # Does what the main thread has asked for before it wrote the byte that was taken back just now. What it is asking for at this
    # moment waits for its byte: one that came later would have the next connection make room.
    def attend
      take_up if @opened
      borrow if @lent
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

    # Accepts from each socket in turn: who waits at one of another slot waits no longer than who waits at its own.
    def accept
      @listeners.size.times do
        @turn = (@turn + 1) % @listeners.size
        socket = @listeners[@turn].accept_nonblock(exception: false)
        return socket unless socket == :wait_readable
      end
      nil
    rescue Errno::EINVAL
      @listeners -= [@listeners[@turn]] # a port where another process has stopped listening, for all
      nil
    end

    # Takes up the socket that is its own from here on.
    def take_up
      @listeners = [@opened]
      @opened = nil
      @record.idle
      @title.show("idle")
    end

    # Takes up what the main thread has been lent, or gives it back.
    def borrow
      own, *older = @listeners
      lent = @lent
      @lent = nil
      (older - lent).each(&:close)
      @listeners = [own, *lent]
    end

    def refork
      @self_test.check # what is broken here would be so in all later workers
      @refork.run
    end
  end
end
