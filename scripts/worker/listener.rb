# frozen_string_literal: true

require_relative "guard"

module PreforkLauncher
  # Makes a listening socket of the descriptor that the supervisor has sent: a unix socket, or a port of TCP. What else a port
  # needs the supervisor has set: accepted sockets inherit TCP_NODELAY.
  module Listener
    # The prefixes of the addresses that may connect to a port, as the supervisor writes them; none: all of them.
    def self.open(file, allow: [])
      file.autoclose = false
      listener = UNIXServer.for_fd(file.fileno)
      return listener if listener.local_address.unix?

      listener.autoclose = false
      listener = TCPServer.for_fd(file.fileno)
      listener.extend(Guarded).guard = Guard.new(allow) unless allow.empty?
      listener
    end

    def self.port?(listener)
      listener.is_a?(TCPServer)
    end

    # A port that closes connections of whom its guard does not admit.
    module Guarded
      attr_writer :guard

      def accept_nonblock(**options)
        while (socket = super)
          return socket if socket == :wait_readable || @guard.admits?(socket)

          socket.close
        end
      end
    end
  end
end
