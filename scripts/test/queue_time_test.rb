# frozen_string_literal: true

require "minitest"
require "worker/queue_time"

class QueueTimeTest < Minitest::Test
  # As nginx and the front, Heroku and HAProxy, Apache, and others write a time, two seconds ago.
  def test_units
    start = Process.clock_gettime(Process::CLOCK_REALTIME) - 2
    [format("t=%.3f", start), format("%.3f", start), format("t=%.6f", start), (start * 1000).to_i.to_s, "t=#{(start * 1000).to_i}",
     "t=#{(start * 1e6).to_i}", (start * 1e9).to_i.to_s, format("t=%.3f,t=%.3f", start, start + 1), format("%.3f", start).b].each do |text|
      waited = PreforkLauncher::QueueTime.of(text)
      assert_kind_of Integer, waited, text
      assert_includes 1_990_000_000..60_000_000_000, waited, text
    end
  end

  # A client may have written it, or a proxy whose clock is ahead.
  def test_anything_else_is_ignored
    now = Process.clock_gettime(Process::CLOCK_REALTIME)
    ["", "t=", "t=abc", "abc", "t=-5", "t=12", "0", "t=0.000", "t=1e12", "t=1e999", "t=NaN", "t=Infinity", "t=0x5f", "t=1_700_000_000",
     "#{now.to_i} junk", "t=#{now.to_i}\n", " t=#{now.to_i}", "\xff\xfe", "t=#{'9' * 500}", "t=#{'9' * 19}",
     format("t=%.3f", now + 60), (now * 2000).to_i.to_s, format("t=%.3f", now - 601), "t=#{(now - 3600).to_i}"].each do |text|
      assert_nil PreforkLauncher::QueueTime.of(text), text
      assert_nil PreforkLauncher::QueueTime.of(text.b), text
    end
  end
end
