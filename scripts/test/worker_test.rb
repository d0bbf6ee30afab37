# frozen_string_literal: true

require "minitest"
require "json"
require "socket"
require "timeout"
require "tmpdir"
require "worker"
require "fork_safety"
require "hooks"
require "scoreboard"
require "settings"
require_relative "support/fastcgi_client"

PreforkLauncher::Channel.require_libraries
PreforkLauncher::FastCGI.require_libraries

# A worker that this process forks, played against by a test that is supervisor and web server.
class WorkerTest < Minitest::Test
  KEY = { slot: 2, generation: 1, refork: 0, serial: 9 }.freeze

  def setup
    @folder = Dir.mktmpdir
    @listener = UNIXServer.new(File.join(@folder, "socket"))
    @board = File.open(File.join(@folder, "board"), "w+")
    @log = File.open(File.join(@folder, "log"), "a+")
    @channel = @pid = nil
  end

  def teardown
    end_worker if @pid
    [@listener, @board, @log, @channel].compact.each { |io| io.close unless io.closed? }
    FileUtils.remove_entry(@folder)
  end

  def end_worker
    Process.kill("KILL", @pid)
    Process.wait(@pid)
  rescue Errno::ESRCH, Errno::ECHILD
    nil # it has ended, as it should
  end

  def settings(**given)
    given = { root: @folder, generation: "1", entry: "config.ru", **given }
    PreforkLauncher::Settings.new(given.transform_keys(&:to_s))
  end

  # Forks a worker for an application.
  def start(app, hooks: PreforkLauncher::Hooks.new, trap: nil, **given)
    @channel, theirs = Socket.pair(:UNIX, :SEQPACKET)
    at_exit_file = File.join(@folder, "at_exit")
    @pid = Process.fork do
      $stderr.reopen(@log)
      $stdout.reopen(@log)
      $stderr.sync = true
      at_exit { File.write(at_exit_file, "ran") }
      Signal.trap("EXIT") { File.write(at_exit_file, "ran") }
      Signal.trap("TERM", trap) if trap
      @channel.close
      PreforkLauncher::Worker.new(KEY, [@listener.dup, theirs], app, PreforkLauncher::Scoreboard.new(@board).record(0),
                           settings: settings(**given), safety: PreforkLauncher::ForkSafety.new($stderr), hooks: hooks).run
    rescue Exception # rubocop:disable Lint/RescueException
      exit!(99)
    end
    theirs.close
  end

  def said
    packet = Timeout.timeout(30) { @channel.recv(1 << 20) }
    JSON.parse(packet, symbolize_names: true) unless packet.nil? || packet.empty?
  end

  def tell(type, **fields)
    @channel.send(JSON.generate({ type: type, **fields }), 0)
  end

  def ready
    assert_equal({ type: "ready", pid: @pid, **KEY }, said)
  end

  def client
    FastCGIClient.new(UNIXSocket.new(@listener.path))
  end

  def get(path = "/")
    client.get(path)
  end

  # How the worker ended; its exit handlers, which are the preloader's, have not run.
  def ended
    _, status = Timeout.timeout(30) { Process.wait2(@pid) }
    @pid = nil
    refute File.exist?(File.join(@folder, "at_exit")), "exit handlers ran in the worker"
    status.exitstatus || "SIG#{Signal.signame(status.termsig)}"
  end

  def log
    File.read(@log.path)
  end

  def eventually
    Timeout.timeout(30) { Thread.pass until yield }
  end

  def state
    @board.pread(256, 0).unpack1("@8C")
  end

  def app(&block)
    ->(env) { [200, { "content-type" => "text/plain" }, [block.call(env).to_s]] }
  end

  # A request that is in hand until the block ends.
  def in_hand(path = "/")
    gate, opener = IO.pipe
    began, beginning = IO.pipe
    start(app { beginning.write("."); beginning.flush; gate.read(1); "finished" }) # rubocop:disable Style/Semicolon
    ready
    @asking = client
    reply = Thread.new { @asking.get(path) }
    Timeout.timeout(30) { began.read(1) }
    yield
    opener.write("." * 10) # for those that wait behind it, too
    assert_equal "finished", Timeout.timeout(30) { reply.value }.body
  end

  def test_serves_and_says_so
    start(app { |env| "#{env['PATH_INFO']} #{Process.pid}" })
    ready
    assert_equal "/posts #{@pid}", get("/posts").body
    # The answer is out before the worker has said that it is idle.
    eventually { state == 2 && File.binread("/proc/#{@pid}/cmdline").start_with?("launcher worker slot=2 gen=1 idle") }
  end

  def test_drain_when_idle
    start(app { "x" })
    ready
    tell("drain", backlog: false)
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
    [-> { tell("drain", backlog: false) }, -> { Process.kill("TERM", @pid) }, -> { @channel.close }].each do |leave|
      in_hand(&leave)
      assert_equal 0, ended
    end
  end

  def test_the_backlog_is_served_where_asked
    waiting = nil
    in_hand do
      waiting = Array.new(3) { client.tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/later"))) } }
      tell("drain", backlog: true)
    end
    waiting.each { |one| assert_equal "finished", one.reply.body }
    assert_equal 0, ended
  end

  # systemd gives TERM to the launcher and each of its processes at once: whichever
  # comes first, the queue is served. So it is when the supervisor has died.
  def test_a_signal_does_not_take_the_backlog_away
    drain = ->(worker) { worker.send(:leave, :after_backlog) }
    term = ->(worker) { worker.send(:signalled, "TERM") }
    death = ->(worker) { worker.send(:leave_alone) }
    { [term] => :now, [drain, term] => :after_backlog, [term, drain] => :after_backlog, [drain, term, death] => :after_backlog,
      [term, death] => :after_backlog, [death, term] => :after_backlog }
      .each do |events, outcome|
        theirs = Socket.pair(:UNIX, :SEQPACKET)
        worker = PreforkLauncher::Worker.new(KEY, [@listener.dup, theirs.first], nil, nil, settings: settings, safety: nil, hooks: nil)
        reader, writer = IO.pipe
        worker.instance_variable_set(:@wake_writer, writer)
        events.each { |event| event.call(worker) }
        assert_equal outcome, worker.instance_variable_get(:@leaving)
      ensure
        [*theirs, reader, writer].compact.each(&:close)
      end
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
      waiting = Array.new(3) { client.tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/later"))) } }
      @channel.close
    end
    waiting.each { |one| assert_equal "finished", one.reply.body }
    assert_equal 0, ended
  end

  # Its client may be gone, too: nobody would ever end it.
  def test_the_supervisor_dies_while_a_request_hangs
    [-> {}, -> { Thread.main.raise("from afar") }].each do |disturb|
      began, beginning = IO.pipe
      start(app { disturb.call; beginning.syswrite("."); sleep }, drain_timeout: "0.1") # rubocop:disable Style/Semicolon
      ready
      client.tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/hang"))) }.close
      Timeout.timeout(30) { began.read(1) }
      @channel.close
      assert_equal 1, ended
      assert_match(/worker slot=2 ends in the middle of a request: the supervisor is gone/, log)
      @log.truncate(0)
    end
  end

  # What the launcher's own code needs is taken away by a request. That one may have its answer; no more than one
  # connection is taken by a process that fails at each.
  OWN_CODE_FAILS = {
    "a clock that raises" => -> { Process.define_singleton_method(:clock_gettime) { |*| raise "no time" } },
    "a clock that tells nothing" => -> { Process.define_singleton_method(:clock_gettime) { |*| nil } },
    "the parameters" => -> { PreforkLauncher::FastCGI::Params.singleton_class.send(:undef_method, :parse) },
    "a method of Hash" => -> { Hash.send(:undef_method, :[]=) },
    "the scoreboard" => -> { ObjectSpace.each_object(File) { |file| file.close if file.path&.end_with?("board") } },
    "reading" => -> { UNIXSocket.send(:define_method, :read_nonblock) { |*, **| raise IOError, "not opened for reading" } },
    "writing" => -> { UNIXSocket.send(:define_method, :write_nonblock) { |*, **| raise Errno::EINVAL } },
    "more than an error" => -> { Array.send(:define_method, :pack) { |*| raise NoMemoryError } }
  }.freeze

  def test_an_error_of_its_own_ends_it
    OWN_CODE_FAILS.each do |what, act|
      start(app { |env| env["PATH_INFO"] == "/takes" ? act.call && "answered" : "x" })
      ready
      asked = %w[/takes /next /next].map { |path| client.tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params(path))).socket.close_write } }
      assert_equal 1, ended, what
      assert_match(/launcher: (?:serve|read or write) .*: /, log, what)
      left = Array.new(2) { @listener.accept_nonblock(exception: false) }.grep(UNIXSocket)
      refute_empty left, "#{what}: it took one connection after the other"
      answered = asked.first(3 - left.size)
      left.each(&:close)
      answered.map(&:reply).each { |reply| assert_includes [0, 200, 500], reply.status, "#{what}: #{reply}" }
    ensure
      @log.truncate(0)
    end
  end

  # Nothing is raised, and nothing is answered.
  def test_one_that_answers_nobody_ends
    start(app { BasicSocket.send(:define_method, :write_nonblock) { |bytes, **| bytes.bytesize } })
    ready
    status = nil
    Timeout.timeout(30) do
      until (_, status = Process.wait2(@pid, Process::WNOHANG))
        asked = client.tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/"))) }
        IO.select([asked.socket], nil, nil, 0.1) # or it is in the queue of nobody
        asked.close
      end
    end
    @pid = nil
    assert_equal 1, status.exitstatus
    assert_match(/worker slot=2 stopped serving: PreforkLauncher::SelfTest::Failed/, log)
  end

  def test_a_title_is_worth_no_error
    start(app { Process.define_singleton_method(:setproctitle) { |*| raise "frozen" }; "answered" }) # rubocop:disable Style/Semicolon
    ready
    2.times { assert_equal "answered", get.body }
  end

  def test_descriptors_that_the_application_closes
    { "all" => -> { ObjectSpace.each_object(IO) { |io| io.close unless io.closed? } },
      "by number" => -> { (3..255).each { |number| IO.for_fd(number).close rescue nil } } }.each do |what, act| # rubocop:disable Style/RescueModifier
      start(app { act.call; "answered" }) # rubocop:disable Style/Semicolon
      ready
      refute get.complete, what
      refute_equal 0, ended, what
    end
  end

  def test_a_connection_without_a_request_is_told_from_none
    start(app { "x" })
    ready
    eventually { state == 2 }
    slow = client
    eventually { state == 5 }
    slow.send(FastCGIClient::Wire.request(FastCGIClient.params("/")))
    assert_equal "x", slow.reply.body
    eventually { state == 2 }
    assert_equal 1, @board.pread(256, 0).unpack1("@16Q<")
  end

  def test_a_hook_that_raises_or_exits
    ["raise 'no metrics'", "exit 7", "raise LoadError, 'x'"].zip(%w[RuntimeError SystemExit LoadError]) do |text, name|
      File.write(File.join(@folder, "launcher.rb"), "after_fork { #{text} }")
      start(app { "x" }, hooks: PreforkLauncher::Hooks.new.load(File.join(@folder, "launcher.rb")))
      failed = said
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
    tell("drain", backlog: false)
    assert_equal 0, ended
    assert_equal "served\n", File.read(file)
  end

  def test_the_main_thread_is_disturbed
    { "/raise" => -> { Thread.main.raise(ArgumentError, "from afar") }, "/exit" => -> { wait_for(Thread.new { exit(3) }) } }.each do |path, act|
      start(app { act.call; "answered" }) # rubocop:disable Style/Semicolon
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

  def test_a_process_that_the_application_forks_dies_of_a_signal
    start(app do
      reader, writer = IO.pipe
      child = Process.fork do
        writer.write(".")
        writer.close
        sleep
      end
      reader.read(1)
      Process.kill("TERM", child)
      Process.wait2(child)[1].termsig
    end)
    ready
    assert_equal Signal.list.fetch("TERM").to_s, get.body
    FileUtils.rm_f(File.join(@folder, "at_exit")) # of that process, as Ruby has it
    assert_equal Signal.list.fetch("TERM").to_s, get.body
    FileUtils.rm_f(File.join(@folder, "at_exit"))
    tell("drain", backlog: false)
    assert_equal 0, ended
  end

  def test_a_process_that_the_application_forks_exits
    start(app do
      child = Process.fork
      exit(7) unless child
      "#{Process.wait2(child)[1].exitstatus} #{Process.pid}"
    end)
    ready
    2.times { assert_equal "7 #{@pid}", get.body }
  end

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
    tell("drain", backlog: false)
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
    tell("drain", backlog: false)
    assert_equal 0, ended
    assert_match(/\Afirst, true\n.*nowhere.*^one in another\n.*on purpose.*^last\n\z/m, log)
  end

  # One that takes too long, one that waits for all other threads, and one with the main thread elsewhere.
  def test_exit_handlers_are_bounded
    [["at_exit", -> { at_exit { sleep } }], ["join", -> { at_exit { (Thread.list - [Thread.current]).each(&:join) } }],
     ["trap", -> { sleep_in_main_thread; Thread.current.kill }]].each do |name, action| # rubocop:disable Style/Semicolon
      start(app { action.call }, drain_timeout: "0.2")
      ready
      get
      tell("drain", backlog: false) unless name == "trap" # which leaves by itself, and hears no more
      assert_equal 1, ended, name
      assert_match(/worker slot=2 ends in the middle of its exit handlers: the drain timeout has passed/, log)
      @log.truncate(0)
    end
  end

  def sleep_in_main_thread
    reader, writer = IO.pipe
    Signal.trap("USR1") { writer.write("."); sleep } # rubocop:disable Style/Semicolon
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
      start(app { at_exit { $stdout.syswrite("ran\n") }; action.call }) # rubocop:disable Style/Semicolon
      ready
      get
      assert_equal({ type: "leaving", **KEY, served: name == "killed" ? 0 : 1 }, said)
      assert_equal name == "signalled" ? 0 : 1, ended, name
      assert_match(/^ran$/, log, name)
      @log.truncate(0)
    end
  end

  def test_a_worker_that_becomes_a_daemon_serves_nobody
    start(app { Process.daemon(true, true); Process.pid }) # rubocop:disable Style/Semicolon
    ready
    daemon = Integer(get.body)
    assert_equal 0, ended
    eventually { !alive?(daemon) }
  end

  # A zombie is not: who reaps it here is not this test's affair.
  def alive?(pid)
    !File.read("/proc/#{pid}/stat").match?(/\) Z /)
  rescue Errno::ENOENT, Errno::ESRCH
    false
  end

  def test_descriptors_of_the_worker_are_closed_in_new_programs
    start(app { `ls -l /proc/self/fd` })
    ready
    listed = get.body
    refute_match(/socket:/, listed)
    refute_match(/board/, listed)
  end
end
