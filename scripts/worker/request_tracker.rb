# frozen_string_literal: true

require_relative "../temporary_files"
require_relative "../text"
require_relative "queue_time"

module PreforkLauncher
  # Tells what a worker is doing, request by request: in its record of the scoreboard, in its process title and, for the first request
  # of a worker that was forked from a reforked preloader, to the supervisor, who waits to know how it goes. The responder calls it
  # around each request.
  class RequestTracker
    REQUEST_MAX = 500 # bytes, of the name of a request in a message

    # Collects garbage after each request; made by the thread that serves, as it measures that thread's time.
    attr_writer :collection

    def initialize(key, channel:, record:, title:)
      @key = key
      @channel = channel
      @record = record
      @title = title
      @first_awaited = key.fetch(:refork).positive?
      @collection = nil
      @pid = Process.pid
    end

    # The start is what the web server has noted of when the request came (X-Request-Start), or nil.
    def request_started(method, path, start = nil)
      @request = Text.line("#{method} #{path}", REQUEST_MAX) if @first_awaited
      @record.busy(method, path)
      waited = QueueTime.of(start) if start
      @record.waited(waited) if waited
      @title.request(method, path)
    end

    # From here on the peer sets the pace, or the application sends as it goes: no timeout is left.
    def response_begun
      @record.response_begun
    end

    # The status is 0 where the response broke off, nil where the peer went away.
    def request_finished(status)
      # The application forked and its child came back, or it made itself a
      # daemon: a second worker on this socket that the supervisor knows nothing of.
      leave unless Process.pid == @pid
      @record.ended(status)
      @title.show("idle")
      report_first(status) if @first_awaited && status
      @collection&.request_finished
    end

    # A connection is in hand, and no request: nobody else can be served meanwhile.
    def peer_awaited
      @record.receiving
    end

    # The next request is awaited on a connection that was kept for it. The block tells whether others wait.
    def request_awaited(&others)
      @record.receiving
      @collection&.idle(&others)
    end

    private

    # Ends a process that is no worker. What is in buffers is the worker's.
    def leave
      TemporaryFiles.remove
      exit!(0)
    end

    def report_first(status)
      @first_awaited = false
      @channel.send("first", status: status, request: @request, **@key)
    end
  end
end
