# frozen_string_literal: true

module PreforkLauncher
  # Runs, of the exit handlers (at_exit) that a forked process has, those that it has registered itself, the last one first, where
  # it leaves in order, and none that it has inherited. Ruby runs them in the opposite order of their registration, so one that is
  # registered right after the fork stands between the two, and ends the process.
  #
  # A process that is forked from such a one has all of them. Where it is the next preloader it leaves out what the
  # worker had registered, and runs what boot has: Ruby cannot take back a handler, but what it is called by can be
  # kept from running.
  class ExitHandlers
    # The block of a handler, a method that is one, one in C.
    CALLS = %i[b_call call c_call].freeze

    @skipping = nil

    class << self
      # Called by a reforked preloader, first of all.
      def leave_out_inherited
        Kernel.at_exit { skip }
      end

      def skip
        thread = Thread.current
        reason = $! || SystemExit.new # what ends this process: raised again it changes nothing, and nobody is told
        reached = false # a handler of this class
        @skipping = TracePoint.new(*CALLS) do |point|
          reached ||= point.path == __FILE__
          raise reason if !reached && Thread.current.equal?(thread)
        end
        @skipping.enable
      end

      def skip_no_more
        @skipping&.disable
        @skipping = nil
      end
    end

    # Made in the new process.
    def initialize(safety)
      @safety = safety
      @status = 1
      @pid = Process.pid
      Signal.trap("EXIT", "DEFAULT") # Ruby calls that one before all of these
      Kernel.at_exit { stop }
    end

    # The status with which the process ends, whatever handlers say: it is the supervisor's to know how the worker went.
    attr_writer :status

    private

    # Ends the process before the handlers that it has inherited. One that the application forks has this handler, too: it
    # ends as Ruby has it.
    def stop
      ExitHandlers.skip_no_more
      return unless Process.pid == @pid

      @safety.finish
      exit!(@status)
    end
  end
end
