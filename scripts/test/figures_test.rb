# frozen_string_literal: true

require "minitest"
require "tempfile"
require "scoreboard"

# What a worker counts of its requests. That the supervisor reads it is tested beside preforker/internal/scoreboard, both ways of writing.
class FiguresTest < Minitest::Test
  RECORDS = 3
  MILLISECOND = 1_000_000

  def setup
    @file = Tempfile.new("scoreboard")
    @file.truncate(RECORDS * 576)
    @board = PreforkLauncher::Scoreboard.new(@file)
    @record = @board.record(1)
    @record.booting
  end

  def teardown
    @file.close!
  end

  def numbers(index = 1)
    @file.pread(296, (RECORDS * 256) + (index * 320)).unpack("Q<37")
  end

  # The counts of a histogram, by bucket, without those that are 0.
  def counts(first)
    numbers[first, 16].each_with_index.reject { |count, _| count.zero? }.to_h(&:reverse)
  end

  def test_a_request_counts_when_it_has_ended
    @record.busy("GET", "/")
    assert_equal [0] * 37, numbers
    @record.ended(200)
    last, longest, sum, waited, errors = numbers
    assert_operator last, :>, 0
    assert_equal [last, last, 0, 0], [longest, sum, waited, errors]
    assert_equal 1, counts(5).values.sum
    assert_empty counts(21)
  end

  def test_the_longest_one_stays
    figures = @board.figures(1)
    [5, 90, 2].each { |time| figures.ended(time * MILLISECOND, false) }
    assert_equal [2, 90, 97].map { |time| time * MILLISECOND }, numbers.first(3)
    assert_equal({ 1 => 1, 2 => 1, 6 => 1 }, counts(5))
  end

  # Of a peer that went away nobody knows what it would have got.
  def test_errors
    told = [200, 404, 500, 503, 0, nil, 302].map do |status|
      @record.busy("GET", "/")
      @record.ended(status)
      numbers[4]
    end
    assert_equal [0, 0, 1, 2, 3, 3, 3], told
    assert_equal 7, counts(5).values.sum
  end

  def test_what_requests_have_waited
    @record.waited(3 * MILLISECOND)
    @record.waited(3 * MILLISECOND)
    @record.waited(61_000 * MILLISECOND)
    @record.busy("GET", "/")
    @record.ended(200) # where the file cannot be mapped, all is written then
    assert_equal 61_006 * MILLISECOND, numbers[3]
    assert_equal({ 2 => 2, 15 => 1 }, counts(21))
    assert_equal 1, counts(5).values.sum
  end

  def test_nobody_elses_are_touched
    @record.busy("GET", "/x")
    @record.ended(500)
    assert_equal [[0] * 37] * 2, [numbers(0), numbers(2)]
    assert_equal "\0" * 256, @file.pread(256, 0)
  end

  # Each is in the bucket whose bound is the first that is no smaller; finding that out looks at two of them alone.
  def test_buckets
    bounds = PreforkLauncher::Figures::BOUNDS
    assert_equal bounds, bounds.sort
    assert(bounds.each_cons(2).all? { |one, next_one| next_one >= 2 * one })
    times = [*bounds, *(0..62).map { |bits| 1 << bits }].flat_map { |time| [time - 1, time, time + 1] }
    times.select { |time| time < 1 << 62 }.each do |time|
      figures = PreforkLauncher::Figures.new(nil, @file, RECORDS * 256)
      figures.ended(time, false)
      assert_equal bounds.index { |bound| time <= bound } || bounds.size, numbers(0)[5, 16].index(1), time
    end
  end

  def test_a_board_without_room
    @file.truncate(256)
    PreforkLauncher::Scoreboard.new(@file).record(0).tap { |record| record.busy("GET", "/") }.ended(200)
    assert_equal 256, @file.size
  end
end
