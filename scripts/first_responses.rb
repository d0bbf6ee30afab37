# frozen_string_literal: true

require_relative "clock"

module PreforkLauncher
  # Waits for the first responses of workers that were just forked: whatever the process that has forked them does meanwhile,
  # it writes to the memory that they share, and a first response takes nearly twice as long.
  class FirstResponses
    SECONDS = 0.3 # that are waited at the most
    PAUSE = 0.005 # seconds
    CALM = 2 # times in a row that none is to come: who has just become ready may be about to accept

    def initialize
      @records = []
    end

    # Adds a worker, by its record of the scoreboard.
    def await(record)
      @records << record
    end

    # Calls the block with the seconds to pause, again and again until no request is in the hands of a worker that has served none.
    def wait(seconds = SECONDS)
      deadline = Clock.now + seconds
      calm = 0
      while calm < CALM && Clock.now < deadline
        yield PAUSE
        calm = @records.any?(&:first_to_come?) ? 0 : calm + 1
      end
    end
  end
end
