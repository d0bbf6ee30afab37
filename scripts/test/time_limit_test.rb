# frozen_string_literal: true

require "minitest"
require "memory/time_limit"

class TimeLimitTest < Minitest::Test
  Passed = PreforkLauncher::TimeLimit::Passed

  def limit(seconds, &block)
    PreforkLauncher::TimeLimit.run(seconds, &block)
  end

  def test_what_the_block_answers
    assert_equal 3, limit(60) { 3 }
    assert_equal "no", assert_raises(RuntimeError) { limit(60) { raise "no" } }.message
  end

  def test_the_place_is_told
    error = assert_raises(Passed) { limit(0.01) { sleep } }
    assert_match(/#{File.basename(__FILE__)}:#{__LINE__ - 1}:/, error.backtrace.join("\n"))
  end

  def test_time_that_is_over_already
    assert_raises(Passed) { limit(-1) { sleep } }
  end

  # An application that rescues, even what it should not, or waits in an ensure.
  def test_one_that_does_not_give_in
    assert_raises(Passed) { limit(0.01) { insist } }
    assert_raises(Passed) do
      limit(0.01) do
        sleep
      ensure
        sleep
      end
    end
  end

  def insist
    sleep
  rescue Exception # rubocop:disable Lint/RescueException
    sleep
  end

  # Whatever comes late must not end what comes next.
  def test_a_block_that_ends_in_time_is_not_ended_later
    200.times do
      limit(0.001) { sleep 0.001 }
    rescue Passed
      next
    end
    refute Thread.current.pending_interrupt?
    assert_empty(Thread.list.select { |thread| thread != Thread.current && thread.backtrace.to_a.first.to_s.include?("time_limit.rb") })
  end
end
