# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Ends a connection. It is an IOError, because it passes through the application's code when a body writes to a lost
    # peer, and an IOError is what an application expects of a stream there.
    class ConnectionFailure < IOError; end

    # The peer closed or reset the connection, which happens often and is not logged.
    class PeerLost < ConnectionFailure; end

    # The peer broke the protocol; there is no way to find the next record.
    class ProtocolViolation < ConnectionFailure; end

    # The peer was too slow, in sending or in reading.
    class DeadlinePassed < ConnectionFailure; end

    # The peer sent ABORT_REQUEST (FastCGI Specification, section 5.4). The connection itself is sound.
    class Aborted < ConnectionFailure; end

    # The request cannot be given to the application; the peer gets this status instead.
    class Refusal < StandardError
      attr_reader :status

      def initialize(status, message)
        super(message)
        @status = status
      end
    end

    # The application returned something that is no HTTP response.
    class InvalidResponse < StandardError; end
  end
end
