# frozen_string_literal: true

require_relative "handover"
require_relative "listener"

module PreforkLauncher
  # The sockets of one slot, as the supervisor sends them to who is to serve it: the one that new connections come to, and the queue of
  # those that a worker before has kept.
  class SlotSockets
    DESCRIPTORS = 3

    attr_reader :listener

    # The files are the listener and both ends of the handover.
    def initialize(files, allow: [])
      raise "#{files.size} descriptors came for a slot, not #{DESCRIPTORS}: too many open files?" if files.size != DESCRIPTORS

      listener, *handover = files
      @listener = Listener.open(listener, allow: allow)
      @handover = Handover.new(*handover)
    end

    def descriptors
      [@listener, *@handover.descriptors]
    end

    # What becomes readable when a connection comes, a new one or one that was kept.
    def readable
      [@listener, @handover.reader]
    end

    def reader
      @handover.reader
    end

    # Gives a connection to whoever serves the slot. Returns whether that was possible; it is open here still.
    def give(socket)
      @handover.give(socket)
    end

    # Takes the next connection that was kept, or returns nil.
    def take
      file = @handover.take or return
      file.autoclose = false
      (Listener.port?(@listener) ? TCPSocket : UNIXSocket).for_fd(file.fileno)
    end

    def close
      descriptors.each(&:close)
    end
  end
end
