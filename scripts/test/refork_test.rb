# frozen_string_literal: true

require_relative "support/refork_case"

# Workers that fork the next preloader.
class ReforkTest < ReforkCase
  def test_a_reforked_preloader_has_what_the_requests_made
    worker = start
    3.times { get }
    preloader = refork_from(worker)
    assert_equal "launcher preloader gen=5 refork=1 #{@folder}", title(preloader.pid)
    assert_equal preloader.pid, Process.getsid(preloader.pid)
    assert_equal [200, "4 "], get, "the worker serves on"
    leave(worker)
    next_worker = spawn_worker(preloader, refork: 1)
    eventually { title(next_worker.pid) == "launcher worker slot=2 gen=5 refork=1 idle" }
    assert_equal next_worker.pid, Process.getpgid(next_worker.pid)
    assert_equal [200, "4 "], get("/first?a=b")
    assert_equal({ type: "first", status: 200, request: "GET /first", **next_worker.key }, said(next_worker.socket))
    assert_equal [200, "5 "], get
    leave(next_worker) # and has said nothing more
  end

  def test_first_request_that_fails
    worker = start('{ "/raise" => -> { raise "no" }, "/exit" => -> { exit } }')
    preloader = refork_from(worker)
    leave(worker)
    %w[/raise /exit].each do |path|
      next_worker = spawn_worker(preloader, refork: 1)
      assert_equal 500, get(path).first
      assert_equal({ type: "first", status: 500, request: "GET #{path}", **next_worker.key }, said(next_worker.socket))
      leave(next_worker)
    end
  end

  # What is no UTF-8 is no JSON, and a message has a bound.
  def test_first_request_for_bytes_and_for_a_long_path
    worker = start
    preloader = refork_from(worker)
    leave(worker)
    { "/caf\xc3\xa9\xff\e".b => 'GET /café?\u001b', "/#{'x' * 60_000}" => "GET /#{'x' * 495} (cut: 60005 bytes)" }.each do |path, told|
      next_worker = spawn_worker(preloader, refork: 1)
      assert_equal 200, get(path).first
      assert_equal told, said(next_worker.socket)[:request]
      leave(next_worker)
    end
  end

  # Until the web server's request is there to the end, nothing is known of the worker.
  def test_a_peer_that_goes_away_is_no_first_request
    worker = start
    preloader = refork_from(worker)
    leave(worker)
    next_worker = spawn_worker(preloader, refork: 1)
    UNIXSocket.new(@listener.path).close
    assert_equal 200, get("/good").first
    assert_equal "GET /good", said(next_worker.socket)[:request]
  end

  def test_reforks_in_a_row
    worker = start
    3.times do |refork|
      get
      preloader = refork_from(worker, refork: refork + 1)
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
    preloader = refork_from(worker)
    control = open_by(preloader.pid) - open_by(@preloader.pid)
    assert_equal [1, true], [control.size, control.first.start_with?("socket:")], "it has what the older preloader has, but a socket of its own"
    assert_equal open_by(@preloader.pid).size, open_by(preloader.pid).size
    assert_empty pipes_of(preloader.pid) & pipes_of(worker.pid)
    eventually { open_by(worker.pid) == before }
    next_worker = spawn_worker(preloader, refork: 1)
    refute_includes open_by(next_worker.pid), control.first
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
    refork_from(worker, checked: false)
    get("/done")
    refork_from(worker, refork: 2)
  end

  # What a request has forgotten to close is closed by a collection at some time.
  def test_garbage_is_no_reason
    worker = start('{ "/leak" => -> { 20.times { UNIXSocket.pair }; nil } }', without: "between")
    get("/leak")
    10.times { get } # the stack forgets, too
    refork_from(worker)
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
    preloader = refork_from(worker)
    get # the worker has its hooks behind it
    next_worker = spawn_worker(preloader, refork: 1)
    assert_equal ["before #{@preloader.pid}", "after 2 #{worker.pid}", "before #{worker.pid}", "after 2 #{worker.pid}",
                  "before #{preloader.pid}", "after 2 #{next_worker.pid}"], notes
  end

  # after_fork alone has nothing to do again.
  def test_hooks_without_before
    worker = start(hooks: "after_fork { |slot| NOTE.call(slot) }")
    refork_from(worker)
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

  # As at a worker's start. The reforked preloader is not concerned.
  def test_hook_after_that_fails
    worker = start(hooks: "forks = 0\nbefore_fork {}\nafter_fork { raise IndexError, 'no such thing' if (forks += 1) == 2 }")
    control = ask(worker)
    loaded = said(control)
    assert_equal "loaded", loaded[:type]
    @pids << loaded[:pid]
    assert_equal({ type: "leaving", **worker.key, served: 0 }, said(worker.socket))
    assert_nil said(worker.socket)
    eventually { !alive?(worker.pid) }
    assert_match(/worker slot=2 stopped serving: .*no such thing/, log)
    assert alive?(loaded[:pid])
  end

  def test_exit_handlers_run_in_the_last_preloader
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }")
    preloader = refork_from(worker)
    leave(worker)
    tell(@preloader.socket, "retire", last: false)
    eventually { !alive?(@preloader.pid) }
    assert_empty notes
    next_worker = spawn_worker(preloader, refork: 1)
    leave(next_worker)
    tell(preloader.socket, "retire", last: true)
    eventually { !alive?(preloader.pid) }
    assert_equal ["bye #{preloader.pid}"], notes
    assert_nil said(preloader.socket)
  end

  # A worker has run its own by then, a hook's, then a request's; they are none of those forked from it.
  def test_exit_handlers_of_workers
    worker = start('{ "/register" => -> { at_exit { NOTE.call(:request) }; at_exit(&$stderr.method(:flush)); at_exit(&method(:note)) } }',
                   at_boot: "def note; NOTE.call(:method); end\nat_exit { NOTE.call(:boot) }", hooks: "after_fork { at_exit { NOTE.call(:hook) } }")
    get("/register")
    preloader = refork_from(worker)
    leave(worker)
    own = %w[method request hook].map { |name| "#{name} #{worker.pid}" }
    assert_equal own, notes
    next_worker = spawn_worker(preloader, refork: 1)
    get("/register")
    assert_equal 200, said(next_worker.socket)[:status]
    second = refork_from(next_worker, refork: 2)
    leave(next_worker)
    own.concat(%w[method request hook].map { |name| "#{name} #{next_worker.pid}" })
    assert_equal own, notes
    { preloader => true, second => true }.each do |each, last|
      tell(each.socket, "retire", last: last)
      eventually { !alive?(each.pid) }
      own << "boot #{each.pid}"
      assert_equal own, notes
    end
  end

  # As in a preloader that was started, whoever sends it.
  def test_exit_handlers_run_on_a_signal
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }\nSignal.trap('TERM') { NOTE.call(:trapped) }")
    preloader = refork_from(worker)
    Process.kill("TERM", preloader.pid)
    eventually { !alive?(preloader.pid) }
    assert_equal ["bye #{preloader.pid}"], notes
    assert_equal [200, "1 "], get
  end

  def test_leaves_with_the_supervisor
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }")
    preloader = refork_from(worker)
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

  # A connection without a request makes room for a refork, and is kept again after it.
  def test_kept_connections
    worker = start
    kept = FastCGIClient.new(UNIXSocket.new(@listener.path))
    assert_equal 200, kept.get(flags: 1).status
    refork_from(worker)
    assert kept.socket.wait_readable(30)
    assert_nil kept.socket.read(1)
    kept = FastCGIClient.new(UNIXSocket.new(@listener.path))
    5.times { |n| assert_equal [200, "#{n + 2} "], kept.get(flags: 1).then { |reply| [reply.status, reply.body] } }
    refute kept.socket.wait_readable(0.1), "it is closed, as if something else waited"
  end
end
