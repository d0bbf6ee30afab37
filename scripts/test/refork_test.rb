# frozen_string_literal: true

require_relative "support/refork_case"

# Workers that fork the next preloader.
class ReforkTest < ReforkCase
  def test_a_reforked_preloader_has_what_the_requests_made
    worker = start
    3.times { get }
    preloader = refork_from(worker)
    assert_equal "launcher preloader gen=5 refork=1 #{@folder}", title(preloader.pid)
    assert_equal [preloader.pid, Process.getsid(worker.pid)], [Process.getpgid(preloader.pid), Process.getsid(preloader.pid)],
                 "its workers share the CPUs with those of its generation"
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
    eventually { (before = open_by(worker.pid)).grep(/\Asocket:/).size == 4 } # without the request's
    preloader = refork_from(worker)
    control = open_by(preloader.pid) - open_by(@preloader.pid)
    assert_equal [1, true], [control.size, control.first.start_with?("socket:")],
                 "it has what the older preloader has, but a socket of its own"
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
    worker = start('{ "/camera" => -> { PreforkLauncher.unfit_for_refork!("it has opened\nthe camera") } }',
                   hooks: "before_fork { NOTE.call(:before) }")
    get("/camera")
    [true, false].each do |checked|
      told = refused(worker, checked: checked)
      assert_equal [["declared", "the application says so: it has opened\nthe camera"]],
                   told[:findings].map { |each| each.values_at(:kind, :text) }
    end
    assert_equal ["before #{@preloader.pid}"], notes
  end

  def test_unfit_from_boot_on
    refused(start(at_boot: "PreforkLauncher.unfit_for_refork!"))
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
    tell(worker.socket, "refork", theirs, @stderr, generation: 5, refork: 1, checked: true)
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

  # A connection without a request is kept through a refork, and is the worker's alone.
  def test_kept_connections
    worker = start
    kept = FastCGIClient.new(UNIXSocket.new(@listener.path))
    assert_equal 200, kept.get(flags: 1).status
    refork_from(worker)
    5.times { |n| assert_equal [200, "#{n + 2} "], kept.get(flags: 1).then { |reply| [reply.status, reply.body] } }
    tell(worker.socket, "drain", backlog: false)
    assert_predicate kept, :closed?
  end

  # ActiveRecord starts its thread again when its pools are asked for in a new process.
  def test_forks_of_a_reforked_preloader_walk_over_no_heap
    worker = start(at_boot: <<~'RUBY')
      counted = Module.new { define_method(:each_object) { |*of, &block| NOTE.call("each_object"); super(*of, &block) } }
      ObjectSpace.singleton_class.prepend(counted)
      module Sequel
        class Pool
          def disconnect
            return if @thread&.alive?

            @thread = Thread.new { sleep }
            @thread.thread_variable_set(:fork_safe, true)
          end
        end
        DATABASES = [Pool.new]
      end
    RUBY
    preloader = refork_from(worker)
    leave(worker)
    before = notes.size
    spawn_worker(preloader, refork: 1)
    spawn_worker(preloader, refork: 1)
    assert_empty notes.drop(before)
  end
end
