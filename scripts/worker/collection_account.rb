# frozen_string_literal: true

module PreforkLauncher
  # Keeps the collections between requests within a share of the requests' own time: that time is credited with its share,
  # a collection is made where the credit covers what the last ones have cost, and what it has cost is taken off.
  #
  # The time is CPU time of the serving thread. A request that waits for a database or for its peer leaves the CPU to
  # others, and a collection does not; and with more workers than CPUs the time on the wall is mostly that of others.
  # To ask for it is a system call, so that is done once in several requests: as many as will earn the credit, going by the last ones.
  class CollectionAccount
    SHARE = 1.0 / 8
    FIRST = { minor: 0.001, major: 0.02 }.freeze # seconds, expected of the first one
    WAIT_MAX = 64 # requests from one look at the clock to the next, where one is due

    # Seconds of the requests, and of the collections after them.
    attr_reader :requests, :collections

    def initialize(now)
      @at = now
      @requests = @collections = @credit = 0.0
      @expected = FIRST.dup
      @finished = 0 # requests since @at
      @wait = 1 # requests until the credit may suffice
    end

    def request_finished
      @finished += 1
      @wait -= 1
    end

    # Whether it is time to ask what covers? says.
    def ripe?
      @wait <= 0
    end

    # Whether the credit covers a collection of this kind, minor or major.
    def covers?(kind, now)
      passed = now - @at
      @requests += passed
      @credit = [@credit + (passed * SHARE), 2 * @expected.each_value.max].min
      @each = passed / @finished if @finished.positive?
      @finished = 0
      @at = now
      return true if @credit >= @expected.fetch(kind)

      wait(@expected.fetch(kind))
      false
    end

    # A collection of this kind has begun when covers? was asked, and ends now.
    def collected(kind, now)
      took = now - @at
      @collections += took
      @credit -= took
      @expected[kind] += (took - @expected[kind]) / 2
      @at = now
      wait(@expected.fetch(:minor))
    end

    private

    def wait(cost)
      missing = (cost - @credit) / SHARE
      @wait = @each&.positive? ? (missing / @each).clamp(1, WAIT_MAX).ceil : 1
    end
  end
end
