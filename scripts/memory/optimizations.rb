# frozen_string_literal: true

module PreforkLauncher
  # Knows which of the ways to save memory are in use: all of them but those that the
  # user has named (--without).
  class Optimizations
    def initialize(without)
      @without = without
    end

    def on?(name)
      !@without.include?(name)
    end
  end
end
