# frozen_string_literal: true

require_relative "support/worker_case"

# Exit handlers that are registered in a worker, and those that it inherits.
class ExitHandlersTest < WorkerCase
  # It has all of them, as Ruby has it, and is no worker.
  def test_exit_handlers_of_a_process_that_the_application_forks
    start(app do
      at_exit { $stdout.syswrite("handler of #{Process.pid}\n") }
      child = Process.fork { at_exit { $stdout.syswrite("its own\n") } }
      Process.wait2(child)[1].exitstatus
    end)
    ready
    assert_equal "0", get.body
    FileUtils.rm_f(File.join(@folder, "at_exit"))
    tell(@channel, "drain", backlog: false)
    worker = @pid
    assert_equal 0, ended
    assert_match(/\Aits own\nhandler of \d+\nhandler of #{worker}\n\z/, log)
  end

  # Whatever they do, the supervisor is told how the worker went.
  def test_exit_handlers_that_fail
    start(app do
      at_exit { $stdout.syswrite("last\n") }
      at_exit { exit(3) }
      at_exit { raise "on purpose" }
      at_exit { at_exit { $stdout.syswrite("one in another\n") } }
      at_exit { throw :nowhere }
      at_exit { $stdout.syswrite("first, #{Thread.current.equal?(Thread.main)}\n") }
      nil
    end)
    ready
    get
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
    assert_match(/\Afirst, true\n.*nowhere.*^one in another\n.*on purpose.*^last\n\z/m, log)
  end

  # One that takes too long, one that waits for all other threads, and one with the main thread elsewhere.
  def test_exit_handlers_are_bounded
    [["at_exit", -> { at_exit { sleep } }], ["join", -> { at_exit { (Thread.list - [Thread.current]).each(&:join) } }],
     ["trap", -> { sleep_in_main_thread; Thread.current.kill }]].each do |name, action|
      start(app { action.call }, drain_timeout: "0.2")
      ready
      get
      tell(@channel, "drain", backlog: false) unless name == "trap" # which leaves by itself, and hears no more
      assert_equal 1, ended, name
      assert_match(/worker slot=2 ends in the middle of its exit handlers: the drain timeout has passed/, log)
      @log.truncate(0)
    end
  end

  def sleep_in_main_thread
    reader, writer = IO.pipe
    Signal.trap("USR1") { writer.write("."); sleep }
    Process.kill("USR1", Process.pid)
    reader.read(1)
  end

  # Where it waits for the supervisor.
  def disturb_main_thread
    Thread.pass until Thread.main.backtrace.first.include?("recvmsg")
    Thread.main.raise("from elsewhere")
  end

  def test_exit_handlers_run_whatever_ends_the_serving
    { "killed" => -> { Thread.current.kill }, "disturbed" => -> { disturb_main_thread; sleep 0.01 until log.include?("elsewhere") },
      "signalled" => -> { Process.kill("TERM", Process.pid) } }.each do |name, action|
      start(app { at_exit { $stdout.syswrite("ran\n") }; action.call })
      ready
      get
      assert_equal({ type: "leaving", **KEY, served: name == "killed" ? 0 : 1 }, said(@channel))
      assert_equal name == "signalled" ? 0 : 1, ended, name
      assert_match(/^ran$/, log, name)
      @log.truncate(0)
    end
  end
end
