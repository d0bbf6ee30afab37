# frozen_string_literal: true

require "minitest"
require "fileutils"
require "json"
require "socket"
require "timeout"
require "tmpdir"
require "settings"
require_relative "support/fastcgi_client"
require_relative "support/ruby_process"

# Workers that give birth to preloaders, in a Ruby of their own; the test is supervisor and web server.
# Who is born is no child of this process: its end is seen in /proc.
class BirthTest < Minitest::Test
  include RubyProcess

  BOOT = <<~RUBY
    module PreforkLauncher
      CONTROL_FD = 4
      SCOREBOARD_FD = 5
      STDERR_FD = 6
    end
    require "main"
    PreforkLauncher.main(Marshal.load(ARGV[0].unpack1("m")))
  RUBY

  # Counts its requests: who was born of whom shows. A path that names a global variable has it called.
  COUNTER = <<~'RUBY'
    served = 0
    run(lambda { |env|
      served += 1
      action = $actions && $actions[env["PATH_INFO"]]
      [200, {}, ["#{served} #{action&.call}"]]
    })
  RUBY

  # A process and the socket over which it is told what to do.
  Told = Struct.new(:pid, :socket, :key)

  def setup
    @folder = File.realpath(Dir.mktmpdir)
    @listener = UNIXServer.new(File.join(@folder, "socket"))
    @board = File.open(File.join(@folder, "board"), "w+")
    @stderr = File.open(File.join(@folder, "stderr"), "a+")
    @sockets = []
    @pids = []
    @serial = 0
  end

  # The end of its socket ends each of them.
  def teardown
    @sockets.each { |socket| socket.close unless socket.closed? }
    begin
      eventually { @pids.none? { |pid| alive?(pid) } }
    rescue Timeout::Error
      @pids.each { |pid| Process.kill("KILL", pid) if alive?(pid) }
      flunk "not all processes have left: #{log}"
    end
    Process.wait(@preloader.pid) if @preloader
    [@listener, @board, @stderr].each(&:close)
    FileUtils.remove_entry(@folder)
  end

  def alive?(pid)
    File.read("/proc/#{pid}/stat")[/\) (.)/, 1] != "Z"
  rescue Errno::ENOENT, Errno::ESRCH
    false
  end

  def eventually
    Timeout.timeout(30) { sleep(0.005) until yield }
  end

  def pair
    mine, theirs = Socket.pair(:UNIX, :SEQPACKET)
    @sockets << mine
    [mine, theirs]
  end

  def path(name)
    File.join(@folder, name)
  end

  def log
    File.read(@stderr.path)
  end

  # The lines of a file that the application or its hooks write.
  def notes
    File.exist?(path("notes")) ? File.readlines(path("notes"), chomp: true) : []
  end

  # Starts a preloader, as the supervisor does, and a worker of it.
  def start(actions = "{}", hooks: nil, at_boot: "", without: "")
    File.write(path("config.ru"), <<~RUBY)
      NOTE = ->(text) { File.open(#{path('notes').inspect}, "a") { |file| file.syswrite("\#{text} \#{Process.pid}\\n") } }
      $actions = #{actions}
      #{at_boot}
      #{COUNTER}
    RUBY
    settings = { "root" => @folder, "generation" => "5", "entry" => "config.ru", "without" => without }
    settings["hooks"] = path("launcher.rb").tap { |file| File.write(file, hooks) } if hooks
    control, theirs = pair
    program = "Process.setsid; exec(*ARGV, 1 => #{@stderr.fileno}, 2 => #{@stderr.fileno}, 4 => #{theirs.fileno}, 5 => #{@board.fileno}, " \
              "6 => #{@stderr.fileno}, close_others: true)"
    inherited = [theirs, @board, @stderr].to_h { |io| [io.fileno, io.fileno] }
    pid = Process.spawn(clean, RbConfig.ruby, "-e", program, RbConfig.ruby, "-I#{SCRIPTS}", "-e", BOOT, [Marshal.dump(settings)].pack("m0"), inherited)
    theirs.close
    @pids << pid
    @preloader = Told.new(pid, control)
    assert_equal "loaded", said(control)[:type], log
    spawn_worker(@preloader)
  end

  def said(socket)
    packet = Timeout.timeout(30) { socket.recv(1 << 20) }
    JSON.parse(packet, symbolize_names: true) unless packet.nil? || packet.empty?
  end

  def tell(socket, type, *files, **fields)
    rights = files.empty? ? [] : [Socket::AncillaryData.unix_rights(*files)]
    socket.sendmsg(JSON.generate({ type: type, **fields }), 0, nil, *rights)
  end

  def spawn_worker(preloader, refork: 0)
    channel, theirs = pair
    key = { slot: 2, generation: 5, refork: refork, serial: @serial += 1 }
    tell(preloader.socket, "spawn", @listener, theirs, **key, record: @serial)
    theirs.close
    told = said(preloader.socket)
    assert_equal({ type: "spawned", **key }, told.reject { |name, _| name == :pid }, log)
    @pids << told[:pid]
    assert_equal({ type: "ready", pid: told[:pid], **key }, said(channel), log)
    Told.new(told[:pid], channel, key)
  end

  # Asks a worker, and answers the control socket of the preloader to be.
  def ask(worker, refork: 1, checked: true)
    control, theirs = pair
    tell(worker.socket, "refork", theirs, generation: 5, refork: refork, checked: checked)
    theirs.close
    control
  end

  # The preloader that a worker was asked for.
  def born(worker, refork: 1, checked: true)
    control = ask(worker, refork: refork, checked: checked)
    told = [said(control), said(control)].compact.to_h { |message| [message[:type], message] }
    assert_equal %w[loaded reforked], told.keys.sort, "#{told} #{log}"
    assert_equal({ type: "reforked", generation: 5, refork: refork, pid: told["loaded"][:pid] }, told["reforked"])
    @pids << told["loaded"][:pid]
    Told.new(told["loaded"][:pid], control)
  end

  # What a worker says that was asked in vain; nothing comes after it.
  def refused(worker, **how)
    control = ask(worker, **how)
    told = said(control)
    assert_equal "not_reforked", told&.fetch(:type), log
    assert_nil said(control)
    told
  end

  def get(path = "/")
    reply = FastCGIClient.new(UNIXSocket.new(@listener.path)).get(path)
    [reply.status, reply.body]
  end

  def leave(worker)
    tell(worker.socket, "drain", backlog: false)
    assert_nil said(worker.socket)
    eventually { !alive?(worker.pid) }
  end

  def title(pid)
    File.read("/proc/#{pid}/cmdline").tr("\0", " ").strip
  end

  # What a process has open, without what Ruby itself needs and closes as it likes.
  def open_by(pid)
    Dir["/proc/#{pid}/fd/*"].map { |fd| File.readlink(fd) }.grep_v(/\Aanon_inode:|\Apipe:/).sort
  end

  def pipes_of(pid)
    Dir["/proc/#{pid}/fd/*"].map { |fd| File.readlink(fd) }.grep(/\Apipe:/).sort
  end

  def test_what_is_born_has_what_the_requests_made
    worker = start
    3.times { get }
    preloader = born(worker)
    assert_equal "launcher preloader gen=5 refork=1 #{@folder}", title(preloader.pid)
    assert_equal preloader.pid, Process.getsid(preloader.pid)
    assert_equal [200, "4 "], get, "the worker serves on"
    leave(worker)
    descendant = spawn_worker(preloader, refork: 1)
    eventually { title(descendant.pid) == "launcher worker slot=2 gen=5 refork=1 idle" }
    assert_equal descendant.pid, Process.getpgid(descendant.pid)
    assert_equal [200, "4 "], get("/first?a=b")
    assert_equal({ type: "first", status: 200, request: "GET /first", **descendant.key }, said(descendant.socket))
    assert_equal [200, "5 "], get
    leave(descendant) # and has said nothing more
  end

  def test_first_request_that_fails
    worker = start('{ "/raise" => -> { raise "no" }, "/exit" => -> { exit } }')
    preloader = born(worker)
    leave(worker)
    %w[/raise /exit].each do |path|
      descendant = spawn_worker(preloader, refork: 1)
      assert_equal 500, get(path).first
      assert_equal({ type: "first", status: 500, request: "GET #{path}", **descendant.key }, said(descendant.socket))
      leave(descendant)
    end
  end

  # Until the web server's request is there to the end, nothing is known of the worker.
  def test_a_peer_that_goes_away_is_no_first_request
    worker = start
    preloader = born(worker)
    leave(worker)
    descendant = spawn_worker(preloader, refork: 1)
    UNIXSocket.new(@listener.path).close
    assert_equal 200, get("/good").first
    assert_equal "GET /good", said(descendant.socket)[:request]
  end

  def test_descendants_of_descendants
    worker = start
    3.times do |refork|
      get
      preloader = born(worker, refork: refork + 1)
      leave(worker)
      worker = spawn_worker(preloader, refork: refork + 1)
      assert_equal [200, "#{2 * refork + 2} "], get
      assert_equal 200, said(worker.socket)[:status]
    end
    assert_equal "launcher worker slot=2 gen=5 refork=3 idle", title(worker.pid)
  end

  def test_descriptors
    worker = start
    get
    before = nil
    eventually { (before = open_by(worker.pid)).grep(/\Asocket:/).size == 2 } # without the request's
    preloader = born(worker)
    control = open_by(preloader.pid) - open_by(@preloader.pid)
    assert_equal [1, true], [control.size, control.first.start_with?("socket:")], "it has what its elder has, but a socket of its own"
    assert_equal open_by(@preloader.pid).size, open_by(preloader.pid).size
    assert_empty pipes_of(preloader.pid) & pipes_of(worker.pid)
    eventually { open_by(worker.pid) == before }
    descendant = spawn_worker(preloader, refork: 1)
    refute_includes open_by(descendant.pid), control.first
  end

  def test_refuses_what_does_not_survive
    worker = start('{ "/thread" => -> { $kept = Thread.new { sleep } }, "/done" => -> { $kept.kill.join; $kept = nil },
                      "/socket" => -> { $kept = UNIXSocket.pair }, "/close" => -> { $kept.each(&:close) } }')
    { "/thread" => "thread", "/socket" => "socket" }.each do |path, kind|
      get(path)
      told = refused(worker)
      assert_equal [kind], told[:findings].map { |finding| finding[:kind] }.uniq, told
      assert_equal [nil, 5, 1], told.values_at(:error, :generation, :refork)
      assert_match(/\Aa worker (started|opened)/, told[:findings].first[:text])
      get(kind == "thread" ? "/done" : "/close")
    end
    get("/thread")
    born(worker, checked: false)
    get("/done")
    born(worker, refork: 2)
  end

  # What a request has forgotten to close is closed by a collection at some time.
  def test_garbage_is_no_reason
    worker = start('{ "/leak" => -> { 20.times { UNIXSocket.pair }; nil } }', without: "between")
    get("/leak")
    10.times { get } # the stack forgets, too
    born(worker)
  end

  def test_declared_unfit
    worker = start('{ "/camera" => -> { PreforkLauncher.unfit_for_refork!("it has opened\nthe camera") } }', hooks: "before_fork { NOTE.call(:before) }")
    get("/camera")
    [true, false].each do |checked|
      told = refused(worker, checked: checked)
      assert_equal [["declared", "the application says so: it has opened\nthe camera"]], told[:findings].map { |each| each.values_at(:kind, :text) }
    end
    assert_equal ["before #{@preloader.pid}"], notes
  end

  def test_unfit_from_boot_on
    refused(start(at_boot: "PreforkLauncher.unfit_for_refork!"))
  end

  def test_hooks
    worker = start(hooks: "before_fork { NOTE.call(:before) }\nafter_fork { |slot| NOTE.call(\"after \#{slot}\") }")
    preloader = born(worker)
    get # the worker has its hooks behind it
    descendant = spawn_worker(preloader, refork: 1)
    assert_equal ["before #{@preloader.pid}", "after 2 #{worker.pid}", "before #{worker.pid}", "after 2 #{worker.pid}",
                  "before #{preloader.pid}", "after 2 #{descendant.pid}"], notes
  end

  # after_fork alone has nothing to do again.
  def test_hooks_without_before
    worker = start(hooks: "after_fork { |slot| NOTE.call(slot) }")
    born(worker)
    get
    assert_equal ["2 #{worker.pid}"], notes
  end

  def test_hook_before_that_fails
    worker = start(hooks: "forks = 0\nbefore_fork { raise IndexError, 'no such thing' if (forks += 1) > 1 }\nafter_fork { NOTE.call(:after) }")
    told = refused(worker)
    assert_equal [[], "IndexError", "no such thing"], [told[:findings], *told[:error].values_at(:class, :message)]
    assert_equal [200, "1 "], get
    assert_equal ["after #{worker.pid}"] * 2, notes
  end

  # As at a worker's start. What was born is not concerned.
  def test_hook_after_that_fails
    worker = start(hooks: "forks = 0\nbefore_fork {}\nafter_fork { raise IndexError, 'no such thing' if (forks += 1) == 2 }")
    control = ask(worker)
    loaded = said(control)
    assert_equal "loaded", loaded[:type]
    @pids << loaded[:pid]
    assert_nil said(worker.socket)
    eventually { !alive?(worker.pid) }
    assert_match(/worker slot=2 stopped serving: .*no such thing/, log)
    assert alive?(loaded[:pid])
  end

  def test_exit_handlers_run_in_the_last_preloader
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }")
    preloader = born(worker)
    leave(worker)
    tell(@preloader.socket, "retire", last: false)
    eventually { !alive?(@preloader.pid) }
    assert_empty notes
    descendant = spawn_worker(preloader, refork: 1)
    leave(descendant)
    tell(preloader.socket, "retire", last: true)
    eventually { !alive?(preloader.pid) }
    assert_equal ["bye #{preloader.pid}"], notes
    assert_nil said(preloader.socket)
  end

  # As in a preloader that was started, whoever sends it.
  def test_exit_handlers_run_on_a_signal
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }\nSignal.trap('TERM') { NOTE.call(:trapped) }")
    preloader = born(worker)
    Process.kill("TERM", preloader.pid)
    eventually { !alive?(preloader.pid) }
    assert_equal ["bye #{preloader.pid}"], notes
    assert_equal [200, "1 "], get
  end

  def test_leaves_with_the_supervisor
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }")
    preloader = born(worker)
    preloader.socket.close
    eventually { !alive?(preloader.pid) }
    assert_empty notes
  end

  # Nobody waits any more, so nothing is begun.
  def test_asked_by_nobody
    worker = start(hooks: "before_fork { NOTE.call(:before) }")
    mine, theirs = pair
    mine.shutdown(:WR)
    tell(worker.socket, "refork", theirs, generation: 5, refork: 1, checked: true)
    theirs.close
    assert_nil said(mine)
    assert_equal [200, "1 "], get
    assert_equal ["before #{@preloader.pid}"], notes
  end

  def test_between_two_requests
    worker = start(%({ "/wait" => -> { sleep 0.005 until File.exist?(#{path('gate').inspect}) } }))
    asking = Thread.new { get("/wait") }
    eventually { title(worker.pid).end_with?("GET /wait") }
    control = ask(worker)
    assert_equal :wait_readable, control.recv_nonblock(1, exception: false)
    File.write(path("gate"), "")
    assert_equal [200, "1 "], asking.value
    told = [said(control), said(control)].to_h { |message| [message[:type], message[:pid]] }
    @pids << told["loaded"]
    assert_equal %w[loaded reforked], told.keys.sort
  end

  # Told to leave with its request in hand it has no time for it.
  def test_told_to_leave_meanwhile
    worker = start(%({ "/wait" => -> { sleep 0.005 until File.exist?(#{path('gate').inspect}) } }))
    asking = Thread.new { get("/wait") }
    eventually { title(worker.pid).end_with?("GET /wait") }
    control = ask(worker)
    tell(worker.socket, "drain", backlog: false)
    eventually { worker_has_read?(worker) }
    File.write(path("gate"), "")
    assert_equal [200, "1 "], asking.value
    assert_nil said(control)
    eventually { !alive?(worker.pid) }
  end

  # Nothing that was sent waits in its queue any more (unix(7), SIOCOUTQ).
  def worker_has_read?(worker)
    buffer = [0].pack("i")
    worker.socket.ioctl(0x5411, buffer)
    buffer.unpack1("i").zero?
  end

  # A connection without a request makes room for a birth, and is kept again after it.
  def test_kept_connections
    worker = start
    kept = FastCGIClient.new(UNIXSocket.new(@listener.path))
    assert_equal 200, kept.get(flags: 1).status
    born(worker)
    assert kept.socket.wait_readable(30)
    assert_nil kept.socket.read(1)
    kept = FastCGIClient.new(UNIXSocket.new(@listener.path))
    5.times { |n| assert_equal [200, "#{n + 2} "], kept.get(flags: 1).then { |reply| [reply.status, reply.body] } }
    refute kept.socket.wait_readable(0.1), "it is closed, as if something else waited"
  end
end
