# frozen_string_literal: true

require_relative "support/worker_case"

# When a worker leaves: its request in hand, its backlog, and who asks.
class ShutdownTest < WorkerCase
  def test_drain_when_idle
    start(app { "x" })
    ready
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
    assert_equal 4, state
  end

  def test_signals
    %w[TERM INT].each do |signal|
      start(app { "x" }, trap: "IGNORE")
      ready
      Process.kill(signal, @pid)
      assert_equal 0, ended
    end
  end

  def test_the_request_in_hand_is_finished
    [-> { tell(@channel, "drain", backlog: false) }, -> { Process.kill("TERM", @pid) }, -> { @channel.close }].each do |leave|
      in_hand(&leave)
      assert_equal 0, ended
    end
  end

  def test_the_backlog_is_served_where_asked
    waiting = nil
    in_hand do
      waiting = Array.new(3) { sent("/later") }
      tell(@channel, "drain", backlog: true)
    end
    waiting.each { |one| assert_equal "finished", one.reply.body }
    assert_equal 0, ended
  end

  # systemd gives TERM to the launcher and each of its processes at once: whichever
  # comes first, the queue is served. So it is when the supervisor has died.
  def test_a_signal_does_not_take_the_backlog_away
    drain = ->(shutdown) { shutdown.leave(:after_backlog) }
    term = ->(shutdown) { shutdown.signalled("TERM") }
    death = ->(shutdown) { shutdown.leave_alone }
    { [term] => :now, [drain, term] => :after_backlog, [term, drain] => :after_backlog, [drain, term, death] => :after_backlog,
      [term, death] => :after_backlog, [death, term] => :after_backlog }
      .each do |events, outcome|
        shutdown = PreforkLauncher::Shutdown.new(30)
        refute shutdown.asked?
        refute shutdown.due?
        events.each { |event| event.call(shutdown) }
        assert shutdown.asked?
        assert_equal outcome == :now, shutdown.due?, events.size
      ensure
        shutdown.descriptors.each(&:close)
      end
  end

  # Nobody would restart the worker.
  def test_the_backlog_without_a_supervisor_is_served_for_a_bounded_time
    shutdown = PreforkLauncher::Shutdown.new(0)
    shutdown.leave_alone
    shutdown.leave_alone
    Timeout.timeout(30) { Thread.pass until shutdown.due? }
    assert shutdown.asked?
  ensure
    shutdown.descriptors.each(&:close)
  end

  # A request in hand may take longer than that, and what waits behind it is served all the same.
  def test_the_time_of_the_backlog_begins_between_two_requests
    shutdown = PreforkLauncher::Shutdown.new(0)
    shutdown.leave_alone
    told = PreforkLauncher::Clock.now
    Timeout.timeout(30) { Thread.pass until PreforkLauncher::Clock.now > told }
    refute shutdown.due?
  ensure
    shutdown.descriptors.each(&:close)
  end

  # What wakes for a refork is taken back, what wakes for the end is not.
  def test_waking
    shutdown = PreforkLauncher::Shutdown.new(30)
    woken = -> { shutdown.wake_reader.wait_readable(0) ? true : false }
    refute woken.call
    2.times { shutdown.wake }
    assert woken.call
    shutdown.unwake
    refute woken.call
    shutdown.leave(:after_backlog)
    shutdown.unwake
    assert woken.call
  ensure
    shutdown.descriptors.each(&:close)
  end

  def test_the_application_signals_its_process_group
    start(app { Process.kill("TERM", 0) })
    ready
    get
    assert_equal 0, ended # and this test is still there
  end

  def test_the_supervisor_dies
    start(app { "x" })
    ready
    @channel.close
    assert_equal 0, ended
  end

  def test_the_supervisor_dies_and_the_queue_is_served
    waiting = nil
    in_hand do
      waiting = Array.new(3) { sent("/later") }
      @channel.close
    end
    waiting.each { |one| assert_equal "finished", one.reply.body }
    assert_equal 0, ended
  end

  # Its client may be gone, too: nobody would ever end it.
  def test_the_supervisor_dies_while_a_request_hangs
    [-> {}, -> { Thread.main.raise("from afar") }].each do |disturb|
      began, beginning = IO.pipe
      start(app { disturb.call; beginning.syswrite("."); sleep }, drain_timeout: "0.1")
      ready
      sent("/hang").close
      Timeout.timeout(30) { began.read(1) }
      @channel.close
      assert_equal 1, ended
      assert_match(/worker slot=2 ends in the middle of a request: the supervisor is gone/, log)
      @log.truncate(0)
    end
  end
end
