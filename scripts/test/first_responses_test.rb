# frozen_string_literal: true

require "minitest"
require "tempfile"
require "first_responses"
require "scoreboard"

class FirstResponsesTest < Minitest::Test
  LONG = 100 # seconds

  def setup
    @file = Tempfile.new("scoreboard")
    @file.truncate(PreforkLauncher::Scoreboard::RECORD_SIZE * 2)
    @records = Array.new(2) { |index| PreforkLauncher::Scoreboard.new(@file).record(index) }
    @responses = PreforkLauncher::FirstResponses.new
    # As in the process that has forked the worker: another object for the same place.
    2.times { |index| @responses.await(PreforkLauncher::Scoreboard.new(@file).record(index)) }
  end

  def teardown
    @file.close!
  end

  # Each step is what workers do in a pause. Returns how many pauses there were.
  def pauses(steps, seconds = LONG)
    count = 0
    @responses.wait(seconds) { steps[(count += 1) - 1]&.call }
    count
  end

  def test_waits_for_a_request_in_hand
    @records[1].idle
    assert_equal 6, pauses([-> { @records[0].booting }, -> { @records[0].receiving }, -> { @records[0].busy("GET", "/") }, nil,
                            -> { @records[0].receiving }])
  end

  def test_who_has_just_become_ready_may_be_about_to_accept
    @records.each(&:idle)
    assert_equal 5, pauses([nil, -> { @records[0].receiving }, -> { @records[0].busy("GET", "/") }, -> { @records[0].idle }])
  end

  def test_does_not_wait_for_a_second_request
    @records.each do |record|
      record.busy("GET", "/")
      record.receiving
      record.busy("GET", "/")
    end
    assert_equal 2, pauses([])
  end

  def test_does_not_wait_for_one_that_leaves
    @records.each(&:draining)
    assert_equal 2, pauses([])
  end

  def test_a_slow_request_is_not_waited_for_for_ever
    @records.each { |record| record.busy("GET", "/") }
    assert_operator pauses([], 0.01), :>, 0
    assert_equal 0, pauses([], 0)
  end
end
