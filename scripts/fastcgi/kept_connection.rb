# frozen_string_literal: true

require_relative "../clock"

module PreforkLauncher
  module FastCGI
    # A connection that carries one request after the other (FCGI_KEEP_CONN), between two of them. It is not closed because others
    # wait: the web server may have begun to write its next request, which would be lost.
    class KeptConnection
      attr_reader :connection, :intake
      attr_accessor :slot_sockets # of the slot whose socket the web server has connected to

      def initialize(connection, intake)
        @connection = connection
        @intake = intake
        @since = Clock.now
      end

      def socket
        @connection.socket
      end

      # Whether it is time to close it, as no request has come for so long.
      def idle?
        Clock.now > @since + @intake.idle_seconds
      end

      # Has the peer be unable to send another request, where that can be had. What has come can be read.
      def refuse_more
        @connection.refuse_more
      end

      def close
        @connection.close
      end
    end
  end
end
