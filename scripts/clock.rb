# frozen_string_literal: true

module PreforkLauncher
  # Tells the time that deadlines are in: it only goes forward, whatever is done to the machine's date.
  module Clock
    # In seconds.
    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
