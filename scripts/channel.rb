# frozen_string_literal: true

module PreforkLauncher
  # Sends messages to the supervisor and receives its own, over one end of a SOCK_SEQPACKET pair whose other end only the
  # supervisor holds: a packet is one JSON object, and the end of the stream says that the supervisor is gone.
  # It is made after the application has loaded, when "socket" and "json" are whatever versions the application chose.
  class Channel
    # Packets that come in are small; those that go out are cut to this many
    # bytes at their longest parts (see Failure).
    PACKET_MAX = 65_536

    def self.require_libraries
      require "socket"
      require "json"
    end

    attr_reader :socket

    def initialize(socket)
      @socket = socket
    end

    def self.for_fd(number)
      new(Socket.for_fd(number))
    end

    # Sends a message. False when the supervisor is gone; whoever waits in receive will see it too.
    def send(type, fields = {})
      @socket.send(JSON.generate({ type: type }.merge(fields)), 0)
      true
    rescue Errno::EPIPE, Errno::ECONNRESET, Errno::ENOTCONN
      false
    end

    # Returns the next message and the descriptors that came with it, or nil at the end.
    # Waits without holding Ruby's lock.
    def receive
      packet, _, _, *controls = @socket.recvmsg(PACKET_MAX, 0, nil, scm_rights: true)
      return nil if packet.nil? || packet.empty? # nil from Ruby 3.3 on

      files = controls.flat_map { |control| control.cmsg_is?(:SOCKET, :RIGHTS) ? control.unix_rights : [] }
      [JSON.parse(packet, symbolize_names: true), files]
    rescue Errno::ECONNRESET
      nil
    end

    # Whether the other end is closed and there is nothing more to be received.
    def ended?
      !IO.select([@socket], nil, nil, 0).nil? && @socket.recv(1, Socket::MSG_PEEK).to_s.empty? # nil from Ruby 3.3 on
    rescue Errno::ECONNRESET
      true
    rescue IOError, SystemCallError
      false
    end

    # Whether it is open here: somebody may have closed it, or its number.
    def open?
      @socket.stat.socket?
    rescue IOError, SystemCallError
      false
    end

    # Ends receive for whoever waits in it, or will. The supervisor is not told.
    def stop_receiving
      @socket.shutdown(Socket::SHUT_RD)
    end

    def close
      @socket.close
    end
  end
end
