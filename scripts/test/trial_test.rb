# frozen_string_literal: true

require "minitest"
require "minitest/mock"
require "tempfile"
require "memory/trial"

class TrialTest < Minitest::Test
  HERE = __FILE__.delete_prefix("#{__dir__}/") # as it is told, by whichever name it was run
  def trial(seconds: 60, &block)
    PreforkLauncher::Trial.new(root: __dir__, deadline: Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds, &block)
  end

  def test_what_goes_well
    assert_nil trial { 1 + 1 }.failure
  end

  # Whatever it is, this process has nothing of it.
  def test_what_fails
    { "RuntimeError: no way (#{HERE}:#{__LINE__})" => -> { raise "no way\nat all" },
      "SystemExit: status 3 (#{HERE}:#{__LINE__})" => -> { exit(3) },
      "NoMemoryError: failed (#{HERE}:#{__LINE__})" => -> { raise NoMemoryError, "failed" },
      "it ended its process" => -> { exit!(0) } }.each do |reason, block|
      assert_equal reason, trial(&block).failure
    end
    assert_equal "it ended its process", trial { Process.kill("KILL", Process.pid) }.failure
    assert_match(/\ASystemStackError: stack level too deep/, trial { deep }.failure)
  end

  def deep
    deep
  end

  def test_one_that_hangs_says_where
    assert_equal "it did not end in time (#{HERE}:#{__LINE__})", trial(seconds: 0) { sleep }.failure
  end

  # Nothing in it runs any more that could say so: it holds Ruby's lock.
  def test_one_that_cannot_be_interrupted
    stopped = trial(seconds: 0) { Process.kill("STOP", Process.pid) }
    assert_equal "it did not end in time", stopped.failure
  end

  def test_several_at_a_time
    reader, writer = IO.pipe
    waits = trial { reader.read(1) }
    assert_nil trial { writer.write("x") }.failure
    assert_nil waits.failure
  ensure
    [reader, writer].each(&:close)
  end

  # Its helpers go with it, and it is no child of this process any more.
  def test_nothing_is_left
    Tempfile.create("pids") do |file|
      assert_nil trial { File.write(file.path, "#{Process.pid} #{spawn('sleep', '600')}") }.failure
      own, helper = File.read(file.path).split.map(&:to_i)
      assert_raises(Errno::ECHILD) { Process.wait(own) }
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 30
      sleep 0.01 while alive?(helper) && Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline
      refute alive?(helper)
    end
  end

  # One that was killed and that nobody has waited for yet is not.
  def alive?(pid)
    File.read("/proc/#{pid}/stat")[/\) (\S)/, 1] != "Z"
  rescue Errno::ENOENT, Errno::ESRCH
    false
  end

  # A handler of the application's may wait for any child.
  def test_somebody_else_reaps_it
    trial = trial { nil }
    Process.wait
    assert_nil trial.failure
  end

  def test_no_room_for_a_process
    Process.stub(:fork, -> { raise Errno::EAGAIN }) do
      assert_match(/\AErrno::EAGAIN/, trial { flunk }.failure)
    end
  end

  def test_it_says_nothing
    reader, writer = IO.pipe
    pid = fork do
      STDOUT.reopen(writer)
      STDERR.reopen(writer)
      trial { puts "x"; warn "y"; system("echo z") }.failure
      exit!(0)
    end
    writer.close
    Process.wait(pid)
    assert_equal "", reader.read
  ensure
    reader.close
  end
end
