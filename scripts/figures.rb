# frozen_string_literal: true

module PreforkLauncher
  # Counts what the requests of one worker took, behind the records of the scoreboard (preforker/internal/scoreboard has the layout). It
  # is written with the end of each request, so that a kill loses no request that has ended: where the file is mapped, the four or five
  # numbers that change, each by itself, which takes a tenth of the time of packing all of them.
  class Figures
    SIZE = 320
    # Upper ones, inclusive, in nanoseconds: from 1 ms to 60 s. Each is twice the one before, or more.
    BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000].map { |ms| (ms * 1_000_000).to_i }.freeze
    BUCKETS = BOUNDS.size + 1
    LAST, LONGEST, SUM, WAITED_SUM, ERRORS, DURATIONS = *0..5
    WAITED = DURATIONS + BUCKETS
    NUMBERS = WAITED + BUCKETS
    LAYOUT = "Q<#{NUMBERS}"
    TIME_MAX = (1 << 62) - 1
    LIMITS = [*BOUNDS, TIME_MAX].freeze
    # By the bits of a time: the first bucket that it may belong to. It is that one or the next.
    FIRST = (0..TIME_MAX.bit_length).map { |bits| LIMITS.index { |limit| limit >= (bits.zero? ? 0 : 1 << (bits - 1)) } }.freeze

    # Without the memory of the file they are written to the file, without both nowhere.
    def initialize(memory, file, offset)
      @memory = memory
      @file = file
      @offset = offset
      @numbers = [0] * NUMBERS
    end

    # Takes how long the request in hand has waited before, in nanoseconds.
    def waited(time)
      put(WAITED_SUM, @numbers[WAITED_SUM] + time)
      increment(WAITED + bucket(time))
    end

    # Takes the end of a request after so many nanoseconds. Failed: there was no response, or it was an error of the server's.
    def ended(time, failed)
      put(LAST, time)
      put(LONGEST, time) if time > @numbers[LONGEST]
      put(SUM, @numbers[SUM] + time)
      increment(ERRORS) if failed
      increment(DURATIONS + bucket(time))
      @file&.pwrite(@numbers.pack(LAYOUT), @offset) unless @memory
    end

    private

    def increment(index)
      put(index, @numbers[index] + 1)
    end

    def put(index, number)
      @numbers[index] = number
      @memory&.put(number, @offset + (index * 8))
    end

    def bucket(time)
      first = FIRST[time.bit_length]
      time > LIMITS[first] ? first + 1 : first
    end
  end
end
