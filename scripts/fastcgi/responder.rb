# frozen_string_literal: true

require_relative "record"
require_relative "errors"
require_relative "limits"
require_relative "params"
require_relative "names"
require_relative "repeated"
require_relative "opening"
require_relative "connection"
require_relative "input"
require_relative "log_lines"
require_relative "error_stream"
require_relative "url_prefix"
require_relative "location"
require_relative "environment"
require_relative "request"
require_relative "intake"
require_relative "kept_connection"
require_relative "output"
require_relative "head"
require_relative "chunked"
require_relative "file_body"
require_relative "stream"
require_relative "response"
require_relative "small_response"

module PreforkLauncher
  # A FastCGI responder for Rack applications, Rack 2 and 3. It needs core Ruby alone while it is loaded, because that
  # happens before the application's Bundler chose its gems, and stringio or tempfile may be among them.
  module FastCGI
    # Called once the application is loaded, before the first Responder serves.
    def self.require_libraries
      require "stringio"
      require "tempfile"
      require "uri"
    end

    # Serves accepted connections, one at a time: a thread of its own needs a responder of its own.
    class Responder
      # The current request and its output. Each connection has an object of its own for them: a collection counts as
      # old what an old object refers to, and by the responder that would be all that a request has made.
      Current = Struct.new(:request, :output)

      # Leaving says whether this process is to leave, and nobody to serve the connections that are kept: each ends right behind a
      # response then.
      def initialize(app, errors: $stderr, url_prefix: nil, observer: nil, limits: Limits.new, leaving: nil)
        @app = app
        @errors = ErrorStream.new(errors)
        @observer = observer
        @limits = limits
        @leaving = leaving
        @environment = Environment.new(errors: @errors, url_prefix: url_prefix)
        @received = String.new(capacity: Connection::READ_BYTES)
        @sent = Output::Buffer.new
      end

      # Serves a connection to its end and closes it. Raises nothing, whatever comes out of the socket or the
      # application. Any of the interrupts being readable means that a connection without a request has to make room: it is
      # added to the kept ones where it has had one, for the web server may be about to send the next, and closed where
      # these are nil.
      #
      # Returns false when something failed that is neither the peer's nor the application's: this process cannot be
      # trusted to serve the next connection, and one that fails at once seems idle, so a web server that balances by
      # load would send it all of them.
      def serve(socket, interrupts: [], kept: nil)
        serve_on(kept) do
          connection = connect(socket, interrupts)
          [connection, Intake.new(connection, environment: @environment, limits: @limits)]
        end
      end

      # Serves a kept connection as before, once something has come there.
      def resume(one, interrupts: [], kept: nil)
        serve_on(kept) do
          one.connection.resume(interrupts)
          [one.connection, one.intake]
        end
      end

      # Returns a connection that another process has kept, and of which it has read nothing that it has not served.
      def take_up(socket)
        connection = connect(socket, [])
        KeptConnection.new(connection, Intake.new(connection, environment: @environment, limits: @limits, fresh: false))
      end

      private

      def connect(socket, interrupts)
        Connection.new(socket, limits: @limits, interrupts: interrupts, buffer: @received, observer: @observer, leaving: @leaving)
      end

      def serve_on(kept)
        current = Current.new
        connection, intake = yield
        stays = serve_requests(connection, intake, current, kept) && kept
        keep(connection, intake, kept) if stays
        sound?(connection)
      rescue ProtocolViolation, DeadlinePassed => error
        @errors.note("closed a FastCGI connection: #{error.message}")
        sound?(connection)
      rescue PeerLost
        sound?(connection) # no fault of this process
      rescue Exception => error # rubocop:disable Lint/RescueException
        give_up(error, connection, intake, current)
        false
      ensure
        unless stays
          intake&.discard
          connection&.close
        end
      end

      def keep(connection, intake, kept)
        connection.rest
        kept << KeptConnection.new(connection, intake)
      end

      # Returns whether the connection may carry another request, and has to make room before.
      def serve_requests(connection, intake, current, kept)
        served = 0
        while (request = intake.next_request)
          sound = respond(request, connection, intake, current)
          served += 1
          return false unless sound
          return close_gently(connection, intake) unless intake.reusable? && !connection.ended?
          return intake.rest if served >= @limits.kept_requests && !(kept && connection.buffered?) && connection.interrupted?
        end
        connection.left_alone?
      rescue Refusal => refusal
        refuse(refusal, connection, intake)
      end

      # Responds without the application, and returns false. What is left of the request cannot be trusted, so the connection is not kept.
      def refuse(refusal, connection, intake)
        @errors.note("refused a FastCGI request with #{refusal.status}: #{refusal.message}")
        output = Output.new(connection, intake.id, @sent)
        Head.plain(refusal.status).each { |part| output.append(part) }
        output.finish
        close_gently(connection, intake)
      end

      # Whether a connection that was lost was lost by the peer; reports what else has ended it.
      def sound?(connection)
        error = connection.failure
        @errors.report(error, "read or write a FastCGI connection") if error
        error.nil?
      end

      # Reports a failure of this process, and responds with 500 where no response has begun.
      def give_up(error, connection, intake, current)
        @errors.report(error, current.request ? "serve #{current.request}" : "serve a FastCGI connection")
        return if current.output&.started? || intake&.id.nil?

        output = Output.new(connection, intake.id, @sent)
        Head.plain(500).each { |part| output.append(part) }
        output.finish
        close_gently(connection, intake)
      rescue Exception # rubocop:disable Lint/RescueException
        nil # What has failed may be needed for this, too.
      end

      def close_gently(connection, intake)
        connection.drain if intake.unread?
        false
      end

      # Serves one request. Returns true if the connection can be used on.
      def respond(request, connection, intake, current)
        current.request = request
        output = current.output = Output.new(connection, request.id, @sent, @observer)
        output.intake = intake
        @observer&.request_started(request.request_method, request.path, request.env["HTTP_X_REQUEST_START"])
        status = headers = body = failure = nil
        outcome = 0
        begin
          status, headers, body = Response.parts(@app.call(request.env))
          unless SmallResponse.deliver(request, output, status, headers, body)
            Response.new(request, output, intake, errors: @errors, limits: @limits).deliver(status, headers, body)
          end
          outcome = status.to_i
        rescue Aborted => error
          failure = error
          outcome = nil
          output.discard
          output.finish
        # Everything, not StandardError: exit, a deep recursion, a file that does not parse or an allocation that fails
        # in one request must not end the worker, which the next request needs.
        rescue Exception => error # rubocop:disable Lint/RescueException
          failure = error
          outcome = respond_to_failure(request, output, error)
        ensure
          release(request, status, headers, body, failure)
        end
        ended = true
        output.finished?
      ensure
        # The request in which this thread was killed stays named.
        @observer&.request_finished(outcome) if ended
      end

      # Responds with 500 where no response has begun. Returns the status, 0 where the response breaks off, nil where
      # the peer has left.
      def respond_to_failure(request, output, error)
        return if caused_by_peer?(error)

        @errors.report(error, request)
        # A response that has begun is left without END_REQUEST, so that the web server notices that something is
        # missing.
        return 0 if output.started?

        output.discard
        head, text = Head.plain(500)
        output.append(head)
        output.append(text) unless request.head?
        output.finish
        500
      end

      # Whether an error comes of a lost peer: it passes through the application's code, which may wrap it.
      def caused_by_peer?(error)
        10.times do
          return true if error.is_a?(ConnectionFailure)
          return false unless (error = error.cause)
        end
        false
      rescue StandardError, NotImplementedError, SystemStackError # cause is the application's code where it says so
        false
      end

      # Closes the body and calls the application's callbacks, also where the peer has left. What Puma and Unicorn call
      # comes before what Rack 3 does, as in Puma.
      def release(request, status, headers, body, failure)
        guard(request, "close the body") { body.close if body.respond_to?(:close) }
        env = request.env
        each_callback(request, "rack.after_reply", :each, &:call) unless none?(env["rack.after_reply"])
        return if none?(env["rack.response_finished"])

        each_callback(request, "rack.response_finished", :reverse_each) do |callback|
          callback.call(env, status, headers, failure)
        end
      end

      # As nearly always.
      def none?(callbacks)
        Array === callbacks && callbacks.empty?
      end

      def each_callback(request, name, order)
        callbacks = request.env[name]
        return unless callbacks.respond_to?(order)

        callbacks.public_send(order) { |callback| guard(request, name) { yield callback } }
      end

      def guard(request, what)
        yield
      # As above: this is the application's code too.
      rescue Exception => error # rubocop:disable Lint/RescueException
        @errors.report(error, "#{what} of #{request}") unless caused_by_peer?(error)
      end
    end
  end
end
