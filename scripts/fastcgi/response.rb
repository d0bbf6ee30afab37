# frozen_string_literal: true

require_relative "errors"
require_relative "head"
require_relative "chunked"
require_relative "file_body"
require_relative "stream"

module PreforkLauncher
  module FastCGI
    # Sends one Rack response, of whatever form Rack 2 and 3 know, to its end. Does not close the body: that has to
    # happen whether or not it was sent.
    class Response
      # By which libraries mark threads of their own that run on: Rails and others, and timeout of Ruby 3.1 and later.
      MARKS = [:fork_safe, :"\0__detached_thread__"].freeze
      private_constant :MARKS

      # Returns status, headers and body of what an application has returned. An object that can be made such an Array
      # is accepted, as a Rack::Response can in some versions.
      def self.parts(returned)
        return returned if returned.instance_of?(Array) && returned.size == 3

        array = returned
        array = returned.respond_to?(:to_ary) ? returned.to_ary : returned.to_a if !returned.is_a?(Array) && convertible?(returned)
        return array.first(3) if array.is_a?(Array) && array.size >= 3

        raise InvalidResponse, "the application returned #{array.is_a?(Array) ? "an Array of #{array.size}" : "a #{returned.class}"}, " \
                               "Rack wants [status, headers, body]"
      end

      def self.convertible?(returned)
        !returned.nil? && !returned.is_a?(Hash) && (returned.respond_to?(:to_ary) || returned.respond_to?(:to_a))
      end
      private_class_method :convertible?

      def initialize(request, output, intake, errors:, limits:)
        @request = request
        @output = output
        @intake = intake
        @errors = errors
        @limits = limits
        @left = @announced = @coding = nil
        @excess = 0
      end

      def deliver(status, headers, body)
        @head = Head.new(status, headers, resolve_files: @request.resolve_files?)
        if @request.head? || @head.bodiless?
          @output.append(@head.render)
        else
          @coding = Chunked.new if @head.chunked?
          announce(@head.length)
          @head.stream ? send_stream(@head.stream) : send_body(body)
          check_end
        end
        @output.finish
      end

      # Sends one chunk of a body that is produced while it is sent: at once, since it is not known when the next one
      # comes. The head waits for the first one, so an application that fails before it gets a proper 500. The last one,
      # where that can be known, leaves with the end of the response.
      def chunk(bytes)
        return if bytes.nil? # other servers skip it too
        return if string(bytes).empty?

        check_abort
        append(bytes)
        @output.flush unless @left&.zero? || @coding&.waiting?
      end

      def flush
        @output.flush
      end

      private

      # Sends a body of any form. One that has both each and call is enumerated, as Rack 3 wants.
      def send_body(body)
        return send_parts(body) if body.is_a?(Array)

        file = FileBody.of(body, @head, ranged: @request.ranged?)
        return send_file(file) if file

        parts = complete(body)
        return send_parts(parts) if parts

        return send_chunks(body) if body.respond_to?(:each)
        return send_stream(body) if body.respond_to?(:call)

        raise InvalidResponse, "body is an object of #{body.class}, Rack wants one with each or call"
      end

      # Returns the parts of a body that has them all, or nil. to_ary is not called where the length is announced: other
      # servers do not do so either, and there are bodies whose to_ary fails then. What it returns may be no Array.
      def complete(body)
        return unless @head.length.nil? && body.respond_to?(:to_ary)

        parts = body.to_ary
        parts if parts.is_a?(Array)
      end

      def send_parts(parts)
        return send_part(parts.first) if parts.size == 1

        size = parts.sum { |bytes| bytes.nil? ? 0 : string(bytes).bytesize }
        @output.append(@head.render(size))
        parts.each { |bytes| append(bytes) unless bytes.nil? }
      end

      def send_part(bytes)
        @output.append(@head.render(bytes.nil? ? 0 : string(bytes).bytesize))
        append(bytes) unless bytes.nil?
      end

      def send_chunks(body)
        @output.append(@head.render)
        body.each { |bytes| chunk(bytes) }
      end

      def send_file(file)
        @output.append(@head.render(file.size))
        return file.each { |bytes| check_abort || append(bytes) } if @coding || (@left && @left != file.size)

        announce(file.size)
        sent = file.send_to(@output) { check_abort }
        @left -= sent if @left
      ensure
        file.close
      end

      def send_stream(callable)
        @output.append(@head.render)
        stream = Stream.new(self, @request.env["rack.input"])
        begin
          known = Thread.list
          callable.call(stream)
          started = (Thread.list - known).reject { |thread| MARKS.any? { |mark| thread.thread_variable?(mark) } }
          await_threads((stream.writers | started) - [Thread.current], stream)
        ensure
          stream.close
        end
      end

      # Waits for threads that the application has started or let write, until they end or one closes the stream, and
      # raises what has ended one of them. Those that do neither, and write nothing, are not waited for any longer than
      # a peer that reads nothing.
      def await_threads(threads, stream)
        return if threads.empty?

        failure = nil
        waiter = Thread.new do
          threads.each(&:join)
        rescue Exception => error # rubocop:disable Lint/RescueException
          failure = error
        ensure
          stream.abandon
        end
        used = stream.wait(@limits.write_seconds)
        raise failure if failure && !stream.closed?

        @errors.note("#{@request}: the stream was neither closed nor used for #{@limits.write_seconds} s, and is closed now") unless used
      ensure
        waiter&.kill&.join
      end

      # Sets how much is to come, unless the web server sends something else in its place.
      def announce(length)
        @left = @announced = length unless @head.elsewhere?
      end

      def string(bytes)
        return bytes if bytes.is_a?(String)

        raise InvalidResponse, "body has an object of #{bytes.class} in it, Rack wants Strings alone"
      end

      def append(bytes)
        bytes = @coding.decode(bytes) if @coding
        if @left && bytes.bytesize > @left
          @excess += bytes.bytesize - @left
          bytes = bytes.byteslice(0, @left)
        end
        @left -= bytes.bytesize if @left
        @output.append(bytes)
      end

      def check_abort
        raise Aborted, "peer aborted the request" if @output.started? && @intake.aborted?

        nil
      end

      # Compares what was sent with what was announced: a web server would cut the rest off, or take it for another
      # response.
      def check_end
        @coding&.finish
        raise InvalidResponse, "body ended #{@left} bytes before its content-length, #{@announced}" if @left&.positive?

        @errors.note("#{@request}: body is #{@excess} bytes longer than its content-length, #{@announced}") if @excess.positive?
      end
    end
  end
end
