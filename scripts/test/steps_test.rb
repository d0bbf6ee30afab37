# frozen_string_literal: true

# By its whole path: frames of a relative one would be the application's.
unless File.absolute_path?(__FILE__)
  require File.expand_path(__FILE__)
  return
end

require "minitest"
require "stringio"
require "fastcgi/error_stream"
require "memory/optimizations"
require "memory/steps"

class StepsTest < Minitest::Test
  def setup
    @log = StringIO.new
  end

  # The application is elsewhere.
  def steps(without: [], seconds: 60, grace: PreforkLauncher::Steps::GRACE)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    errors = PreforkLauncher::FastCGI::ErrorStream.new(@log)
    PreforkLauncher::Steps.new(PreforkLauncher::Optimizations.new(without), errors, deadline: deadline, grace: grace, root: "/srv/shop")
  end

  def test_a_step_that_fails_is_named_and_the_next_one_runs
    done = []
    steps = self.steps
    steps.step("routes") { raise "no route\nat all" }
    steps.step("views") { raise LoadError, "cannot load such file" }
    steps.step("records") { done << :records }
    assert_equal [:records], done
    assert_equal "launcher: preload: routes failed and is skipped: RuntimeError: no route (--without routes)\n" \
                 "launcher: preload: views failed and is skipped: LoadError: cannot load such file (--without views)\n", @log.string
  end

  def test_whatever_a_step_throws
    { "SystemExit: status 1" => -> { abort }, "UncaughtThrowError: uncaught throw :x" => -> { throw :x },
      "NoMemoryError: failed" => -> { raise NoMemoryError, "failed" },
      "Exception: no" => -> { raise Exception, "no" }, # rubocop:disable Lint/RaiseException
      "anonymous exception: odd" => -> { raise Class.new(StandardError), "odd" } }.each do |told, block|
      @log.truncate(0)
      capture_io { steps.step("views", option: "named by --warmup") { block.call } }
      assert_includes @log.string, "launcher: preload: views failed and is skipped: #{told} (named by --warmup)\n"
    end
  end

  # Somebody wants this process to end.
  def test_signals_are_no_failures
    assert_raises(SignalException) { steps.step("views") { Process.kill("TERM", Process.pid) && sleep } }
  end

  def test_a_step_that_hangs_is_ended_and_the_next_one_runs
    steps = self.steps(seconds: 60, grace: -59.9)
    steps.step("records") { hang }
    assert_match(/\Alauncher: preload: records did not end in time and is given up, at .*steps_test\.rb:\d+ \(--without records\)\n\z/,
                 @log.string)
  end

  def hang
    sleep
  rescue StandardError
    flunk "it has been rescued"
  end

  def test_what_a_step_changes_is_put_back
    before = [Dir.pwd, File.umask, ENV.to_h]
    steps.step("views") do
      Dir.chdir("/")
      File.umask(0)
      ENV["STEPS"] = "changed"
      ENV.delete("PATH")
      raise "after all that"
    end
    assert_equal before, [Dir.pwd, File.umask, ENV.to_h]
  end

  def test_a_step_that_is_switched_off
    steps(without: ["views"]).step("views") { flunk }
    assert_empty @log.string
  end

  def test_no_step_begins_too_late
    steps(seconds: -1).step("views") { flunk }
    assert_equal "launcher: preload: views is skipped: no time is left (--without views)\n", @log.string
    steps(seconds: -1).each([1]) { flunk }
    assert_includes @log.string, "launcher: preload: no time is left after 0 of 1\n"
  end

  def test_of_many_items_the_first_failure_is_told
    done = []
    steps.each([1, 2, 3, 4]) { |item| item.even? ? raise(ArgumentError, "even: \xFF #{'x' * 300}") : done << item }
    assert_equal [1, 3], done
    assert_match(/\Alauncher: preload: 2 \(and 1 more\) failed and is skipped: ArgumentError: even: \? x{192}\n\z/, @log.string)
  end
end
