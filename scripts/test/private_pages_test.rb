# frozen_string_literal: true

require "minitest/autorun"
require_relative "../dev/memory/private_pages"

# A worker's own pages, by why it has them: it writes to what its preloader has, or to what is new.
class PrivatePagesTest < Minitest::Test
  LARGE = 4 << 20
  KILOBYTES = LARGE / 1024
  NOISE = KILOBYTES / 2 # of whatever else a fork of the tests writes to

  def test_pages_that_are_written_to_were_copied
    untouched = causes { |text| text }
    written = causes { |text| 0.step(LARGE - 1, 4096) { |at| text.setbyte(at, 121) } }
    assert_operator kilobytes(written, :copied) - kilobytes(untouched, :copied), :>=, NOISE
    assert_operator kilobytes(untouched, :copied), :<, KILOBYTES
  end

  def test_objects_are_found_in_the_heap_of_ruby
    objects = causes { Array.new(100_000) { Object.new } }
    assert_operator objects.sum { |name, size| name.first == "Ruby heap" ? size : 0 }, :>=, 100_000 * 40 / 1024 / 2
  end

  private

  def kilobytes(causes, how)
    causes.sum { |(of, _, is), size| is == how && of != "kernel" ? size : 0 }
  end

  # Has a fork of a fork do something with a text of the latter's, and keep it, and returns its causes. The test itself would write to
  # what its own fork has.
  def causes(&block)
    ready, told = IO.pipe
    preloader = fork { preload(told, &block) }
    told.close
    worker = ready.gets.to_i
    PrivatePages.new(worker, preloader).causes
  ensure
    [worker, preloader].compact.each { |pid| Process.kill("KILL", pid) }
    Process.wait(preloader)
  end

  def preload(told)
    text = "x" * LARGE
    fork do
      kept = yield(text)
      told.puts(Process.pid)
      sleep
      kept
    end
    sleep
  end
end
