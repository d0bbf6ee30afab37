# frozen_string_literal: true

require "minitest"
require "socket"
require "timeout"
require "worker/self_test"

PreforkLauncher::FastCGI.require_libraries

class SelfTestTest < Minitest::Test
  # What a request can do without anything being raised afterwards, or so that it is raised for each.
  BREAKS = {
    "nothing is read" => -> { BasicSocket.send(:define_method, :read_nonblock) { |*, **| nil } },
    "reading fails" => -> { BasicSocket.send(:define_method, :read_nonblock) { |*, **| raise EOFError } },
    "reading never has anything" => -> { BasicSocket.send(:define_method, :read_nonblock) { |*, **| :wait_readable } },
    "nothing is written" => -> { BasicSocket.send(:define_method, :write_nonblock) { |bytes, **| bytes.bytesize } },
    "writing fails" => -> { BasicSocket.send(:define_method, :write_nonblock) { |*, **| raise Errno::EPIPE } },
    "nil" => -> { NilClass.send(:define_method, :nil?) { false } },
    "headers" => -> { Hash.send(:define_method, :each) { |*| raise "no" } },
    "headers that are refused" => -> { Regexp.send(:define_method, :match?) { |*| true } },
    "responses of several parts" => -> { Array.send(:define_method, :sum) { |*| raise "no" } },
    "another host" => -> { String.send(:define_method, :[]) { |*| raise "no" } },
    "no memory" => -> { String.send(:define_method, :byteslice) { |*| raise NoMemoryError } },
    "no descriptors" => -> { Process.setrlimit(:NOFILE, 0, 0) },
    "time stands still" => -> { Process.define_singleton_method(:clock_gettime) { |*| nil } }
  }.freeze

  def failed_after(act)
    pid = Process.fork do
      test = PreforkLauncher::SelfTest.new
      test.check
      quietly { act&.call }
      test.check
      exit!(0)
    rescue StandardError
      exit!(1)
    end
    Timeout.timeout(60) { Process.wait2(pid).last.exitstatus }
  end

  # Ruby warns of a method that is defined once more.
  def quietly
    verbose, $VERBOSE = $VERBOSE, nil
    yield
  ensure
    $VERBOSE = verbose
  end

  def test_nothing_has_happened
    assert_equal 0, failed_after(nil)
  end

  # Nor has anything while a thread of the application is at work.
  def test_beside_another_thread
    pid = Process.fork do
      test = PreforkLauncher::SelfTest.new
      Thread.new { loop { IO.pipe.each(&:close) } }
      5000.times { test.check }
      exit!(0)
    rescue StandardError
      exit!(1)
    end
    assert_equal 0, Timeout.timeout(60) { Process.wait2(pid).last.exitstatus }
  end

  def test_what_makes_it_useless_is_noticed
    unnoticed = BREAKS.reject { |_, act| failed_after(act) == 1 }
    assert_empty unnoticed.keys
  end

  # What others wrap, and works, is no fault.
  def test_what_is_wrapped_and_works
    wrapper = Module.new do
      def write_nonblock(bytes, **options)
        @seen = bytes
        super
      end
    end
    assert_equal 0, failed_after(-> { UNIXSocket.prepend(wrapper) })
  end

  def test_it_is_due_after_a_while
    refute PreforkLauncher::SelfTest.new.due?
  end

  def test_nothing_is_left_open
    test = PreforkLauncher::SelfTest.new
    before = Dir.children("/proc/self/fd").size
    3.times { test.check }
    assert_equal before, Dir.children("/proc/self/fd").size
  end
end
