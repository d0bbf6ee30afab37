# frozen_string_literal: true

require_relative "../clock"
require_relative "record"
require_relative "errors"
require_relative "params"
require_relative "input"
require_relative "request"

module PreforkLauncher
  module FastCGI
    # Turns the records of one connection into complete requests, one after the other, and handles by itself what no
    # application has to know of: management records, other roles, attempts at multiplexing, aborts.
    #
    # Phases: :idle -> :params -> :body -> :responding -> :idle; :ended when the connection has to be closed.
    class Intake
      BODY_BLOCK = 65_536
      CAPABILITIES = { "FCGI_MAX_CONNS" => "1", "FCGI_MAX_REQS" => "1", "FCGI_MPXS_CONNS" => "0" }.freeze
      private_constant :BODY_BLOCK, :CAPABILITIES

      # Id of the current request; nil between two.
      attr_reader :id

      # A connection that is not fresh has carried requests.
      def initialize(connection, environment:, limits:, fresh: true)
        @connection = connection
        @environment = environment
        @limits = limits
        @fresh = fresh
        @id = @input = nil
        @input_ended = false
      end

      # After how long without a request a kept connection is closed.
      def idle_seconds
        @limits.idle_seconds
      end

      # Returns the next request, or nil when there will be none: the peer closed, was silent for too long, or has to
      # make room. Raises a Refusal for a request that is not the application's to serve, and a ConnectionFailure where
      # the connection is lost.
      def next_request
        reset
        @idle_deadline = Clock.now + (@fresh ? @limits.head_seconds : @limits.idle_seconds)
        @deadline = @fresh ? @idle_deadline : nil
        return nil unless arrived?

        open_at_once
        until @phase == :responding
          return nil unless more?

          dispatch
        end
        finish_input
        Request.new(@id, @keep, @env)
      end

      # Whether the peer sent ABORT_REQUEST for the current request. Reads, without waiting, what has come meanwhile.
      # Nothing that comes now may spoil the response; it only decides whether the connection is of any use afterwards.
      def aborted?
        dispatch while @watching && !@aborted && @connection.record_ready? && @connection.read_record(0)
        @aborted
      rescue ConnectionFailure
        @watching = false
        @sound = false
        @aborted
      end

      # Whether the connection can carry another request.
      def reusable?
        @keep && @sound
      end

      # Lets go of the current request, and returns true.
      def rest
        reset
        true
      end

      # Whether something of the request was not read yet.
      def unread?
        !@input_ended
      end

      # Discards the body of the current request.
      def discard
        @input&.discard
        @input = nil
      end

      private

      def reset
        discard if @input
        @phase = :idle
        @id = nil
        @keep = false
        @params = nil
        @env = nil
        @missing = 0
        @ignored = 0
        @input_ended = @aborted = false
        @watching = @sound = true
      end

      # Waits for a byte, where there is none. Returns false when there is nothing more to come.
      def arrived?
        return true if @connection.buffered?
        return false unless @connection.await(@idle_deadline, @fresh ? @limits.silent_seconds : 0)

        @fresh = false
        true
      end

      # Begins a request that looks as usual, with all its parameters. Others begin record by record.
      def open_at_once
        opening = @connection.take_opening(@limits.params_bytes) or return
        @id = Opening::ID
        @keep = opening.keep?
        @params = opening.params
        params_complete
      end

      # Reads a record, which is the connection's current one then. Returns false when there is nothing more to come.
      def more?
        return false if @phase == :ended || (@phase == :idle && !arrived?)

        @deadline ||= Clock.now + @limits.head_seconds
        @connection.read_record(@deadline)
      end

      def dispatch
        connection = @connection
        if connection.id == Record::NULL_REQUEST_ID
          manage
        elsif connection.type == Record::BEGIN_REQUEST
          begin_request
        elsif connection.id != @id
          ignore
        elsif @phase == :responding
          late_record
        else
          own_record
        end
      end

      def own_record
        case @connection.type
        when Record::PARAMS then params_record
        when Record::STDIN then stdin_record
        when Record::ABORT_REQUEST then abort_request
        else ignore
        end
      end

      def late_record
        case @connection.type
        when Record::ABORT_REQUEST then @aborted = true
        when Record::STDIN then @connection.length.zero? ? @input_ended = true : ignore
        else ignore
        end
      end

      def begin_request
        connection = @connection
        raise ProtocolViolation, "BEGIN_REQUEST of #{connection.length} bytes" unless connection.length == 8
        raise ProtocolViolation, "BEGIN_REQUEST for request #{@id} twice" if connection.id == @id
        return end_request(connection.id, Record::CANT_MPX_CONN) if @id

        role = connection.content_byte(0) << 8 | connection.content_byte(1)
        @keep = connection.content_byte(2).anybits?(Record::KEEP_CONN)
        if role == Record::RESPONDER
          @id = connection.id
          @params = String.new
          @phase = :params
        else
          end_request(connection.id, Record::UNKNOWN_ROLE)
          leave unless @keep
        end
      end

      def params_record
        raise ProtocolViolation, "PARAMS after their end" unless @phase == :params
        return params_complete if @connection.length.zero?

        if @params.bytesize + @connection.length > @limits.params_bytes
          raise Refusal.new(431, "parameters of more than #{@limits.params_bytes} bytes")
        end

        @params << @connection.content
      end

      def params_complete
        @env = @environment.parse(@params)
        @params = nil
        @missing = @environment.content_length(@env)
        return body_complete if @missing&.zero?

        @input = Input.new(@limits.memory_bytes)
        @phase = :body
        renew_deadline
      rescue Params::Malformed => error
        raise Refusal.new(400, error.message)
      end

      def stdin_record
        raise ProtocolViolation, "STDIN before the end of PARAMS" unless @phase == :body

        length = @connection.length
        if length.zero?
          @input_ended = true
          raise Refusal.new(400, "body ended #{@missing} bytes before CONTENT_LENGTH") if @missing

          return body_complete
        end
        store(length)
      end

      # Stores a part of the body. What goes beyond CONTENT_LENGTH is none (RFC 3875, section 4.2).
      def store(length)
        bytes = @connection.content
        bytes = bytes.byteslice(0, @missing) if @missing && @missing < length
        blocks = @input.size / BODY_BLOCK
        @input << bytes
        renew_deadline if @input.size / BODY_BLOCK > blocks
        return unless @missing

        @missing -= bytes.bytesize
        body_complete if @missing.zero?
      rescue SystemCallError, ArgumentError => error # The second is Dir.tmpdir's, which finds no usable folder.
        raise Refusal.new(500, "store the request body: #{error.message}")
      end

      def renew_deadline
        @connection.tell_progress
        @deadline = Clock.now + @limits.body_seconds
      end

      def body_complete
        @environment.attach(@env, @input)
        @phase = :responding
      end

      # Reads the end of STDIN where it is in the buffer, as is usual: the connection can be closed afterwards without
      # draining.
      def finish_input
        @input_ended ||= @connection.skip_empty(Record::STDIN, @id)
      end

      def abort_request
        end_request(@id, Record::REQUEST_COMPLETE)
        if @keep
          reset
          @deadline = nil
        else
          leave
        end
      end

      def leave
        @phase = :ended
        @connection.drain
      end

      # Counts a record of a request that was never begun, or is over: legal in small numbers (section 3.3), an attack
      # in large ones.
      def ignore
        @ignored += 1
        raise ProtocolViolation, "more than #{@limits.ignored_records} records of no request" if @ignored > @limits.ignored_records
      end

      # Handles a management record (section 4), which may come at any time, also in the middle of a request.
      def manage
        case @connection.type
        when Record::BEGIN_REQUEST then raise ProtocolViolation, "BEGIN_REQUEST with request id 0"
        when Record::GET_VALUES then send_values
        when Record::ABORT_REQUEST..Record::DATA then ignore
        else
          ignore
          content = String.new
          content << @connection.type << Record::HEADER.byteslice(1, 7)
          @connection.write(Record.append(String.new, Record::UNKNOWN_TYPE, Record::NULL_REQUEST_ID, content))
        end
      end

      def send_values
        ignore
        content = String.new
        Params.parse(@connection.content, asked = {})
        asked.each_key do |name|
          value = CAPABILITIES[name]
          Params.append(content, name, value) if value
        end
        @connection.write(Record.append(String.new, Record::GET_VALUES_RESULT, Record::NULL_REQUEST_ID, content))
      rescue Params::Malformed => error
        raise ProtocolViolation, "GET_VALUES: #{error.message}"
      end

      def end_request(id, protocol_status)
        ignore if protocol_status != Record::REQUEST_COMPLETE
        @connection.write(Record.append_end_request(String.new, id, protocol_status))
      end
    end
  end
end
