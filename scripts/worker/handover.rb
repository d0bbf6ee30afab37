# frozen_string_literal: true

module PreforkLauncher
  # Hands connections that are kept for their next request (FCGI_KEEP_CONN) from a worker that leaves to whoever serves the slot.
  #
  # What is given waits in the queue of a pair of sockets, a packet a connection. The supervisor holds both ends, so nobody's end closes
  # it; a request that comes meanwhile waits in the connection itself. Who takes a connection out of the queue owns it.
  class Handover
    RIGHTS_MAX = 64 # bytes of control data: one descriptor has fewer

    # Becomes readable when there is a connection.
    attr_reader :reader

    def initialize(reader, writer)
      @reader, @writer = [reader, writer].map do |file|
        file.autoclose = false
        UNIXSocket.for_fd(file.fileno)
      end
    end

    def descriptors
      [@reader, @writer]
    end

    # Returns whether it was given: not where the queue is full, or too many descriptors of this user are in queues (ETOOMANYREFS). The
    # caller's own descriptor stays open.
    def give(socket)
      @writer.sendmsg_nonblock(".", 0, nil, Socket::AncillaryData.unix_rights(socket), exception: false) == 1
    rescue SystemCallError, IOError
      false
    end

    # Returns the next connection, as an IO; nil where there is none, or another worker has taken it.
    def take
      packet, _, _, control = @reader.recvmsg_nonblock(1, 0, RIGHTS_MAX, scm_rights: true, exception: false)
      return if packet == :wait_readable || packet.to_s.empty?

      # Without a descriptor, where none is left here, the kernel has closed it.
      control&.cmsg_is?(:SOCKET, :RIGHTS) ? control.unix_rights.first : take
    end
  end
end
