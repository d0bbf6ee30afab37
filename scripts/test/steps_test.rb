# frozen_string_literal: true

require "minitest"
require "stringio"
require "fastcgi/errors"
require "levers"
require "steps"

class StepsTest < Minitest::Test
  def setup
    @log = StringIO.new
  end

  def steps(without: [], seconds: 60)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    PreforkLauncher::Steps.new(PreforkLauncher::Levers.new(without), PreforkLauncher::FastCGI::Errors.new(@log), deadline: deadline)
  end

  def test_a_step_that_fails_is_named_and_the_next_one_runs
    done = []
    steps = self.steps
    steps.step("routes") { raise "no route\nat all" }
    steps.step("views") { raise LoadError, "cannot load such file" }
    steps.step("records") { done << :records }
    assert_equal [:records], done
    assert_equal "launcher: preload: routes failed and is skipped: RuntimeError: no route\n" \
                 "launcher: preload: views failed and is skipped: LoadError: cannot load such file\n", @log.string
  end

  def test_a_step_that_is_switched_off
    steps(without: ["views"]).step("views") { flunk }
    assert_empty @log.string
  end

  def test_no_step_begins_too_late
    steps(seconds: -1).step("views") { flunk }
    assert_equal "launcher: preload: views is skipped: no time is left\n", @log.string
    steps(seconds: -1).each([1]) { flunk }
  end

  def test_of_many_items_the_first_failure_is_told
    done = []
    steps.each([1, 2, 3, 4]) { |item| item.even? ? raise(ArgumentError, "even: \xFF #{'x' * 300}") : done << item }
    assert_equal [1, 3], done
    assert_match(/\Alauncher: preload: 2 \(and 1 more\) failed and is skipped: ArgumentError: even: \? x{192}\n\z/, @log.string)
  end
end
