# frozen_string_literal: true

require_relative "support/worker_case"

# Connections that a web server keeps for its next request (FCGI_KEEP_CONN), of a worker that leaves: they go to who serves the slot.
class HandoverTest < WorkerCase
  CLOSE_ON_EXEC = 0o2000000 # O_CLOEXEC

  def setup
    super
    @older = nil
  end

  def teardown
    end_child(@older) if @older
    super
  end

  # A request over a connection that is kept then. The worker that has served it tells its pid.
  def kept(one = client, path = "/")
    reply = one.get(path, flags: 1)
    assert reply.complete, reply
    @by = reply.body.to_i
    one
  end

  def send_kept(one, path = "/")
    one.send(FastCGIClient::Wire.request(FastCGIClient.params(path), flags: 1))
  end

  def begin_worker(**given)
    start(app { |env| act(env["PATH_INFO"]) }, **given)
    ready
    @pid
  end

  def act(path)
    case path
    when "/broken" then PreforkLauncher::FastCGI::Params.singleton_class.send(:undef_method, :parse)
    when "/fork" then Process.wait(Process.fork || Thread.current.kill)
    end
    Process.pid
  end

  def drain(backlog: false, hand_over: true)
    tell(@channel, "drain", backlog: backlog, hand_over: hand_over)
    assert_equal 0, ended
  end

  def assert_open(all)
    assert_nil IO.select(all.map(&:socket), nil, nil, 0)
  end

  # The next connection that was handed over and that nobody has taken.
  def handed(listener = @listener)
    _, _, _, control = slot_files(listener)[1].recvmsg_nonblock(1, scm_rights: true, exception: false)
    control&.unix_rights&.first
  end

  def test_they_wait_for_the_successor
    begin_worker
    all = Array.new(5) { kept }
    drain
    assert_open all
    all.first(3).each { |one| send_kept(one) }
    successor = begin_worker
    assert_equal [successor] * 3, all.first(3).map { |one| one.reply.body.to_i }
    all.each { |one| kept(one) && assert_equal(successor, @by) }
  end

  def test_a_successor_that_serves_already_takes_them_at_once
    @older = begin_worker
    older_channel = @channel
    all = Array.new(5) { kept }
    assert_equal @older, @by
    successor = begin_worker
    tell(older_channel, "drain", backlog: false, hand_over: true)
    assert_equal 0, exit_of(@older)
    @older = nil
    all.each { |one| kept(one) && assert_equal(successor, @by) }
  ensure
    older_channel&.close
  end

  # Connections that a worker keeps, and one with a request that it has in hand until a byte is written.
  def kept_beside_a_long_request
    gate, opener = IO.pipe
    began, beginning = IO.pipe
    start(app { |env| beginning.write(".") && gate.read(1) if env["PATH_INFO"] == "/long"; Process.pid })
    ready
    all = Array.new(3) { kept }
    long = sent("/long")
    began.read(1)
    [all, long, opener]
  end

  # What has come there is read by the successor.
  def test_requests_that_have_come
    all, long, opener = kept_beside_a_long_request
    all.each { |one| send_kept(one) }
    tell(@channel, "drain", backlog: false, hand_over: true)
    assert IO.select([slot_files(@listener)[1]], nil, nil, 120), "nothing was handed over while a request is in hand"
    opener.write(".")
    assert long.reply.complete
    assert_equal 0, ended
    successor = begin_worker
    assert_equal [successor] * 3, all.map { |one| one.reply.body.to_i }
  end

  # One that waits for the end of a response that takes long.
  def test_none_waits_for_the_request_in_hand
    all, long, opener = kept_beside_a_long_request
    tell(@channel, "drain", backlog: false, hand_over: true)
    @older = @pid
    older_channel = @channel
    successor = begin_worker
    all.each { |one| 2.times { kept(one) && assert_equal(successor, @by) } }
    opener.write(".")
    assert_equal @older, long.reply.body.to_i
    assert_equal 0, exit_of(@older)
    @older = nil
    all.each { |one| kept(one) }
  ensure
    older_channel&.close
  end

  def test_one_that_leaves_by_a_signal
    begin_worker
    all = Array.new(2) { kept }
    Process.kill(:TERM, @pid)
    assert_equal 0, ended
    assert_open all
    2.times { assert handed }
  end

  # It can serve nobody any more, but others can.
  def test_one_that_an_error_of_its_own_ends
    begin_worker
    all = Array.new(2) { kept }
    get("/broken")
    sent("/").socket.close_write
    assert_equal 1, ended
    assert_open all
    2.times { assert handed }
  end

  def test_a_process_that_the_application_has_forked_has_no_part_in_it
    begin_worker
    one = kept
    get("/fork")
    kept(one)
    assert_nil handed
  end

  def test_none_without_a_successor
    begin_worker
    all = Array.new(3) { kept }
    drain(backlog: true, hand_over: false)
    assert(all.all?(&:closed?))
    assert_nil handed
  end

  def test_none_without_a_supervisor
    begin_worker
    one = kept
    @channel.close
    assert_equal 0, ended
    assert_predicate one, :closed?
  end

  # Nobody else will.
  def test_what_was_handed_over_is_served_before_a_worker_without_a_successor_leaves
    begin_worker
    one = kept
    drain
    send_kept(one)
    start(app { Process.pid })
    tell(@channel, "drain", backlog: true, hand_over: false)
    successor = @pid
    ready
    assert_equal 0, ended
    assert_equal successor, one.reply.body.to_i
    assert_predicate one, :closed?
  end

  def test_what_has_no_room_is_served_and_closed
    slot_files(@listener).last.setsockopt(:SOCKET, :SNDBUF, 1) # the least that the kernel has
    begin_worker
    all = Array.new(50) { kept }
    drain
    left = 0
    left += 1 while handed
    assert_includes 1..49, left
    assert_equal 50 - left, all.count { |one| one.socket.wait_readable(0) }
  end

  def test_those_of_a_lent_socket_go_back_with_it
    lent = UNIXServer.new(File.join(@folder, "3"))
    begin_worker
    tell(@channel, "lend", *slot_files(lent), slots: [3])
    own = kept
    other = kept(FastCGIClient.new(UNIXSocket.new(lent.path)))
    tell(@channel, "return")
    connection = nil
    eventually { connection = handed(lent) }
    send_kept(other)
    assert_operator connection.recv(100).size, :>, 8, "it is the one that the web server has at that socket"
    kept(own)
    assert_nil handed
  ensure
    lent&.close
  end

  def test_those_that_wait_at_a_lent_socket_are_served
    lent = UNIXServer.new(File.join(@folder, "3"))
    begin_worker(listeners: [lent])
    one = kept(FastCGIClient.new(UNIXSocket.new(lent.path)))
    drain
    send_kept(one)
    lender = begin_worker
    tell(@channel, "lend", *slot_files(lent), slots: [3])
    assert_equal lender, one.reply.body.to_i
  ensure
    lent&.close
  end

  # One that is never idle looks there, too.
  def test_a_busy_successor_takes_them
    begin_worker
    one = kept
    drain
    send_kept(one)
    waiting = Array.new(20) { sent("/") }
    successor = begin_worker
    assert_equal successor, one.reply.body.to_i
    waiting.each { |other| assert other.reply.complete }
  end

  def test_programs_that_the_application_starts_do_not_inherit_them
    begin_worker
    one = kept
    drain
    waiting = handed
    begin_worker
    socket = "socket:[#{waiting.stat.ino}]"
    slot_files(@listener).last.send_io(waiting)
    waiting.close
    kept(one)
    number = Dir.children("/proc/#{@pid}/fd").find { |descriptor| link_of(descriptor) == socket }
    assert_operator File.read("/proc/#{@pid}/fdinfo/#{number}")[/flags:\s+(\d+)/, 1].to_i(8) & CLOSE_ON_EXEC, :>, 0
  end

  def link_of(descriptor)
    File.readlink("/proc/#{@pid}/fd/#{descriptor}")
  rescue Errno::ENOENT
    nil # closed meanwhile
  end

  def test_over_a_port
    @listener.close
    @listener = TCPServer.new("127.0.0.1", 0)
    connect = -> { FastCGIClient.new(TCPSocket.new("127.0.0.1", @listener.local_address.ip_port)) }
    begin_worker
    all = Array.new(2) { kept(connect.call) }
    drain
    all.each { |one| send_kept(one) }
    successor = begin_worker
    assert_equal [successor] * 2, all.map { |one| one.reply.body.to_i }
  end
end
