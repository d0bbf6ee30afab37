# frozen_string_literal: true

require_relative "support/worker_case"

# A worker that is forked without a slot, and is given one.
class SpareTest < WorkerCase
  BOOTING = PreforkLauncher::Scoreboard::Record::BOOTING
  IDLE = PreforkLauncher::Scoreboard::Record::IDLE
  SPARE = { slot: -1, generation: 1, refork: 0, serial: 9 }.freeze

  def spare(app = app { "served" }, **given)
    start(app, key: SPARE.dup, listeners: [], **given)
  end

  def prepared
    assert_equal({ type: "ready", pid: @pid, **SPARE }, said(@channel))
  end

  def assign
    tell(@channel, "assign", *slot_files(@listener), slot: 2)
  end

  def title
    File.read("/proc/#{@pid}/cmdline").delete("\0").strip
  end

  def hooks(text)
    path = File.join(@folder, "launcher.rb")
    File.write(path, text)
    PreforkLauncher::Hooks.new.load(path)
  end

  def test_serves_the_slot_that_it_is_given
    spare
    prepared
    eventually { title.start_with?("launcher spare gen=1 idle") }
    waiting = sent("/")
    assign
    ready
    assert_equal "served", waiting.reply.body
    assert_equal "served", get.body
    assert title.start_with?("launcher worker slot=2 gen=1"), title
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
  end

  def test_runs_each_hook_once_and_those_with_a_slot_when_it_has_one
    calls = File.join(@folder, "calls")
    spare(hooks: hooks(<<~RUBY))
      note = ->(text) { File.write(#{calls.dump}, text, mode: "a") }
      after_fork { note.call("first ") }
      after_fork { |slot| note.call("slot=\#{slot} ") }
      after_fork { note.call("last ") }
    RUBY
    prepared
    assert_equal "first ", File.read(calls)
    assign
    ready
    assert_equal "first slot=2 last ", File.read(calls)
  end

  # It may take its time: the supervisor sees that it does something about its slot.
  def test_a_hook_that_takes_its_time_with_the_slot
    gate = File.join(@folder, "gate")
    File.mkfifo(gate)
    spare(hooks: hooks("after_fork { |slot| File.read(#{gate.dump}) }"))
    prepared
    eventually { state == IDLE }
    assign
    eventually { state == BOOTING }
    File.write(gate, "")
    ready
    eventually { state == IDLE }
  end

  def test_a_hook_that_fails_with_the_slot_ends_it
    spare(hooks: hooks("after_fork { |slot| raise 'no port for ' + slot.to_s }"))
    prepared
    assign
    message = said(@channel)
    assert_equal ["failed", "after_fork", "no port for 2"], [message[:type], message[:stage], message[:error][:message]]
    assert_equal 1, ended
  end

  def test_leaves_when_it_is_drained_before_it_has_a_slot
    spare
    tell(@channel, "drain", backlog: false)
    prepared
    assert_equal 0, ended
  end

  def test_leaves_by_a_signal_and_says_so
    spare
    prepared
    Process.kill("TERM", @pid)
    message = said(@channel)
    assert_equal ["leaving", 0], message.values_at(:type, :served)
    assert_equal 0, ended
  end

  def test_leaves_when_the_supervisor_is_gone
    spare
    prepared
    @channel.close
    assert_equal 0, ended
  end

  def test_is_lent_sockets_once_it_has_its_own
    other = UNIXServer.new(File.join(@folder, "3"))
    spare
    prepared
    assign
    tell(@channel, "lend", *slot_files(other), slots: [3])
    ready
    assert_equal "served", FastCGIClient.new(UNIXSocket.new(other.path)).get("/").body
    assert_equal "served", get.body
  ensure
    other&.close
  end
end
