# frozen_string_literal: true

require_relative "support/worker_case"

# What an application may ask of the worker that it runs in, and what the supervisor reads and hears of it.
class ApplicationInterfaceTest < WorkerCase
  def allowed
    @board.pread(256, 0).unpack1("@250S<")
  end

  def begun
    @board.pread(256, 0).getbyte(248)
  end

  def test_has_no_effect_without_a_worker
    refute PreforkLauncher.extend_request_timeout(5)
    refute PreforkLauncher.recycle!("x")
  end

  def test_refuses_what_is_no_time
    ["5 min", Float::NAN].each do |seconds|
      assert_raises(ArgumentError) { PreforkLauncher.extend_request_timeout(seconds) }
    end
  end

  def test_a_request_is_given_more_time_and_the_next_one_is_not
    seconds = [300, nil, Float::INFINITY, -Float::INFINITY]
    gate, opener = IO.pipe
    start(app { PreforkLauncher.extend_request_timeout(seconds.shift).tap { gate.read(1) } })
    ready
    assert_equal 0, allowed
    [(301..400), 0xffff, 0xffff, 1].each do |want|
      asked = sent("/")
      eventually { want === allowed }
      assert_equal [3, 0], [state, begun]
      opener.write(".")
      assert_equal "true", asked.reply.body
      eventually { state == 2 }
      assert_equal [0, 0], [allowed, begun]
    end
  end

  def test_a_response_has_begun_with_its_first_bytes
    gate, opener = IO.pipe
    start(->(_) { [200, {}, Enumerator.new { |parts| gate.read(1) && (parts << "first") && gate.read(1) && (parts << "second") }] })
    ready
    asked = sent("/")
    eventually { state == 3 }
    assert_equal 0, begun
    opener.write(".")
    eventually { begun == 1 }
    assert_equal 3, state
    opener.write(".")
    assert_equal "firstsecond", asked.reply.body
    eventually { state == 2 && begun.zero? }
  end

  def test_a_process_of_a_request_extends_nothing
    start(app do
      pid = fork { exit!(PreforkLauncher.extend_request_timeout(100) || PreforkLauncher.recycle! ? 1 : 0) }
      Process.wait2(pid).last.exitstatus
    end)
    ready
    assert_equal "0", get.body
  end

  def test_asks_for_another_worker_once
    start(app { [PreforkLauncher.recycle!("grown\nby 2 GB"), PreforkLauncher.recycle!].inspect })
    ready
    assert_equal "[true, true]", get.body
    assert_equal({ type: "recycle", reason: 'grown\u000aby 2 GB', **KEY }, said(@channel))
    assert_equal "[true, true]", get.body
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
    assert_nil said(@channel)
  end
end
