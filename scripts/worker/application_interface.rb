# frozen_string_literal: true

require_relative "../text"

module PreforkLauncher
  # What the application may ask for in the worker that it runs in. It is there from the load on; without a worker around, in a process
  # that a request has forked, and where no request is in hand, nothing comes of it.
  module ApplicationInterface
    @pid = nil

    class << self
      # Called by the worker, once it is one. A preloader that is forked from it has another pid.
      def worker(key, channel:, record:)
        @pid = Process.pid
        @key = key
        @channel = channel
        @record = record
        @recycling = false
      end

      def extend_request_timeout(seconds)
        raise ArgumentError, "not a number of seconds: #{seconds.inspect}" unless seconds.nil? || time?(seconds)

        seconds = nil if seconds == Float::INFINITY
        here? && @record.allow(seconds&.to_f)
      end

      def recycle(reason)
        return false unless here?
        return true if @recycling

        @recycling = @channel.send("recycle", **@key, reason: Text.line(reason, REASON_MAX))
      end

      private

      def time?(seconds)
        seconds.is_a?(Numeric) && seconds.real? && !seconds.to_f.nan?
      end

      def here?
        @pid == Process.pid
      end
    end

    REASON_MAX = 500 # bytes
    private_constant :REASON_MAX
  end

  # For applications: lets the request in hand take so many seconds more from now on until its response begins, where --request-timeout
  # would end it before; with nil or Float::INFINITY any time. Returns whether there is such a request.
  #
  #   PreforkLauncher.extend_request_timeout(300) if defined?(PreforkLauncher)
  def self.extend_request_timeout(seconds)
    ApplicationInterface.extend_request_timeout(seconds)
  end

  # For applications: has a fork take this worker's place after the request in hand, as with --max-requests. Returns whether this is
  # a worker.
  #
  #   PreforkLauncher.recycle!("the report has left 2 GB behind") if defined?(PreforkLauncher)
  def self.recycle!(reason = "no reason given")
    ApplicationInterface.recycle(reason)
  end
end
