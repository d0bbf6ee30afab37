# frozen_string_literal: true

require_relative "support/worker_case"

# A worker's life: that it comes up, and what ends it.
class WorkerTest < WorkerCase
  def test_serves_and_says_so
    start(app { |env| "#{env['PATH_INFO']} #{Process.pid}" })
    ready
    assert_equal "/posts #{@pid}", get("/posts").body
    # The answer is out before the worker has said that it is idle.
    eventually { state == 2 && File.binread("/proc/#{@pid}/cmdline").start_with?("launcher worker slot=2 gen=1 idle") }
  end

  # What the supervisor judges a release by: whether there was ever another response than 500, and how many were 500 since.
  def test_its_record_says_how_its_last_requests_were_answered
    start(lambda do |env|
      raise "no such table" if env["PATH_INFO"] == "/raise"

      [env["PATH_INFO"].delete("/").to_i, {}, env["PATH_INFO"] == "/200/broken" ? broken_body : ["x"]]
    end)
    ready
    [["/raise", 0, 1], ["/500", 0, 2], ["/200/broken", 0, 3], ["/503", 1, 0], ["/raise", 1, 1], ["/404", 1, 0]].each do |path, *told|
      get(path)
      eventually { state == 2 }
      assert_equal told, @board.pread(256, 0).unpack("@13CS<"), path
    end
  end

  # What it counts is for the status: how long requests took, which were errors, and how long they had waited.
  def test_its_figures
    @board.truncate(576)
    start(->(env) { [env["PATH_INFO"].delete("/").to_i, {}, ["x"]] })
    ready
    get("/200")
    client.get("/503", HTTP_X_REQUEST_START: format("t=%.3f", Process.clock_gettime(Process::CLOCK_REALTIME) - 40))
    client.get("/200", HTTP_X_REQUEST_START: "t=junk")
    eventually { state == 2 && @board.pread(24, 0).unpack1("@16Q<") == 3 }
    last, longest, sum, waited, errors, *counts = @board.pread(296, 256).unpack("Q<37")
    assert_equal [true, true, 1, 3], [last.between?(1, longest), longest < sum, errors, counts.first(16).sum]
    assert_operator waited, :>=, 39_000_000_000
    assert_equal [0] * 14 + [1, 0], counts.last(16)
  end

  def broken_body
    Enumerator.new { |parts| (parts << "begun" * 20_000) && raise("broken") }
  end

  def test_a_hook_that_raises_or_exits
    ["raise 'no metrics'", "exit 7", "raise LoadError, 'x'"].zip(%w[RuntimeError SystemExit LoadError]) do |text, name|
      File.write(File.join(@folder, "launcher.rb"), "after_fork { #{text} }")
      start(app { "x" }, hooks: PreforkLauncher::Hooks.new.load(File.join(@folder, "launcher.rb")))
      failed = said(@channel)
      assert_equal ["failed", "after_fork", name], [failed[:type], failed[:stage], failed[:error][:class]]
      assert_match(/\Alauncher\.rb:1/, failed[:error][:app_frames].first)
      assert_equal 1, ended
    end
  end

  def test_after_fork_gets_the_slot
    slots = File.join(@folder, "slots")
    File.write(File.join(@folder, "launcher.rb"), "after_fork { |slot| File.write(#{slots.inspect}, slot) }")
    start(app { "x" }, hooks: PreforkLauncher::Hooks.new.load(File.join(@folder, "launcher.rb")))
    ready
    assert_equal "2", File.read(slots)
  end

  def test_what_the_application_wrote_is_not_lost
    file = File.join(@folder, "app.log")
    written = nil
    start(app { (written ||= File.open(file, "a")).write("served\n") })
    ready
    get
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
    assert_equal "served\n", File.read(file)
  end

  def test_the_main_thread_is_disturbed
    { "/raise" => -> { Thread.main.raise(ArgumentError, "from afar") },
      "/exit" => -> { wait_for(Thread.new { exit(3) }) } }.each do |path, act|
      start(app { act.call; "answered" })
      ready
      reply = get(path)
      assert_equal [200, "answered"], [reply.status, reply.body]
      assert_equal 1, ended
      assert_match(/worker slot=2 leaves: its main thread got: .*(from afar|exit)/, log)
    end
  end

  # Without join, which raises what ended the thread.
  def wait_for(thread)
    Thread.pass while thread.alive?
  end

  def test_the_serving_thread_is_killed
    start(app { Thread.current.kill })
    ready
    refute get.complete
    assert_equal 1, ended
  end

  def test_descriptors_of_the_worker_are_closed_in_new_programs
    start(app { `ls -l /proc/self/fd` })
    ready
    listed = get.body
    refute_match(/socket:/, listed)
    refute_match(/board/, listed)
  end
end
