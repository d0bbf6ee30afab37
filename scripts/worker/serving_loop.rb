# frozen_string_literal: true

require_relative "../supervisor_death"
require_relative "collection"
require_relative "self_test"

module PreforkLauncher
  # Serves the connections that come to a worker's socket, one after the other, until the worker is to leave. Between two of them
  # it does a refork that is pending. It runs on a thread of its own, so that a request in hand delays neither the supervisor nor signals.
  class ServingLoop
    PARENT_SECONDS = 10 # at the longest from one check of who the parent is to the next

    # Without refork the worker is never asked for one.
    def initialize(listener, responder, record:, title:, tracker:, shutdown:, refork: nil, collects: true)
      @listener = listener
      @responder = responder
      @record = record
      @title = title
      @tracker = tracker
      @shutdown = shutdown
      @refork = refork
      @collects = collects
    end

    # Returns whether it ended in order: false where the responder failed, so that this process must serve nobody any more.
    def run
      @record.idle
      @title.show("idle")
      @tracker.collection = Collection.new if @collects
      @self_test = SelfTest.new
      interrupts = [@listener, @shutdown.wake_reader]
      while (socket = next_connection)
        @record.receiving
        return false unless @responder.serve(socket, interrupts: interrupts)

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
        refork if @refork&.pending?
        socket = @listener.accept_nonblock(exception: false)
        return socket unless socket == :wait_readable
        return nil if @shutdown.asked?

        IO.select([@listener, @shutdown.wake_reader], nil, nil, PARENT_SECONDS)
        @shutdown.leave_alone if SupervisorDeath.happened? # where a handler of the application holds the main thread up
      end
    end

    def refork
      @shutdown.unwake
      @self_test.check # what is broken here would be so in all later workers
      @refork.run
    end
  end
end
