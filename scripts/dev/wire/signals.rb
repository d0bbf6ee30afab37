# frozen_string_literal: true

module BenchWire
  # A signal that ends this process ends what it has started first, and another one does not disturb that.
  module Signals
    ENDING = %w[INT TERM HUP].freeze

    def self.end_in_order
      ENDING.each do |signal|
        Signal.trap(signal) do
          ENDING.each { |each| Signal.trap(each, "IGNORE") }
          exit(128 + Signal.list.fetch(signal))
        end
      end
    end
  end
end
