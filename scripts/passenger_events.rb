# frozen_string_literal: true

module PreforkLauncher
  # Offers PhusionPassenger.on_event, for applications that reconnect there after a fork. It is there only where
  # it was asked for, since a library that sees the constant may take it for the whole of
  # Passenger.
  class PassengerEvents
    # Those that Passenger knows. The others never happen here.
    NAMES = %i[starting_worker_process stopping_worker_process starting_request_handler_thread credentials
               after_installing_signal_handlers oob_work].freeze

    def initialize
      @blocks = NAMES.to_h { |name| [name, []] }
    end

    # Defines the constant, before the application loads.
    def offer
      blocks = @blocks
      events = Module.new
      events.define_singleton_method(:on_event) do |name, &block|
        raise ArgumentError, "unknown event #{name.inspect}" unless blocks.key?(name)
        raise ArgumentError, "on_event needs a block" unless block

        blocks.fetch(name) << block
      end
      Object.const_set(:PhusionPassenger, events)
      self
    end

    def starting(forked:)
      @blocks.fetch(:starting_worker_process).each { |block| block.call(forked) }
    end

    def stopping
      @blocks.fetch(:stopping_worker_process).each(&:call)
    end
  end
end
