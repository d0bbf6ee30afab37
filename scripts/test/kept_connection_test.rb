# frozen_string_literal: true

require_relative "support/worker_case"

# Connections that a web server keeps for its next request (FCGI_KEEP_CONN).
class KeptConnectionTest < WorkerCase
  def kept(path, one = client)
    reply = one.get(path, flags: 1)
    assert_equal [path, true], [reply.body, reply.complete]
    one
  end

  def begin_worker
    start(app { |env| env["PATH_INFO"] })
    ready
  end

  # The web server may be writing its next request at that moment.
  def test_none_is_closed_because_others_wait
    begin_worker
    all = Array.new(5) { kept("/first") }
    3.times do |round|
      assert_equal "/other", get("/other").body
      all.shuffle(random: Random.new(round)).each { |one| kept("/#{round}", one) }
    end
  end

  def test_all_that_wait_are_served
    begin_worker
    all = Array.new(4) { kept("/first") }
    50.times do |round|
      all.each { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/#{round}"), flags: 1)) }
      new = Array.new(2) { |n| sent("/new#{n}") }
      assert_equal ["/#{round}"] * 4, all.map { |one| one.reply.body }
      assert_equal %w[/new0 /new1], new.map { |one| one.reply.body }
    end
  end

  def test_one_that_is_never_silent_keeps_nobody_waiting
    begin_worker
    one = kept("/first")
    request = FastCGIClient::Wire.request(FastCGIClient.params("/again"), flags: 1)
    stopped = false
    served = 0
    busy = Thread.new do
      until stopped
        one.send(request * 3)
        3.times { served += 1 if one.reply.complete }
      end
    end
    10.times { assert_equal "/other", get("/other").body }
    stopped = true
    busy.join
    assert_operator served, :>, 0
    kept("/last", one)
  end

  # Where it has no successor.
  def test_requests_that_have_come_are_served_before_it_leaves
    gate, opener = IO.pipe
    began, beginning = IO.pipe
    start(app { |env| env["PATH_INFO"].tap { |path| beginning.write(".") && gate.read(1) if path == "/long" } })
    ready
    all = Array.new(2) { kept("/first") }
    long = sent("/long")
    began.read(1)
    all.each { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/kept"), flags: 1)) }
    tell(@channel, "drain", backlog: false, hand_over: false)
    opener.write(".")
    assert_equal %w[/long /kept /kept], [long, *all].map { |one| one.reply.body }
    assert_equal 0, ended
    assert(all.all?(&:closed?))
  end

  # One whose web server never ceases to send would keep the worker, and be cut in the middle of a request in the end.
  def test_each_ends_behind_a_response_once_it_is_to_leave
    gate, opener = IO.pipe
    began, beginning = IO.pipe
    start(app { |env| env["PATH_INFO"].tap { beginning.write(".") && gate.read(1) } })
    ready
    all = Array.new(3) { client }
    all.each { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/kept"), flags: 1)) }
    began.read(1)
    tell(@channel, "drain", backlog: true, hand_over: false)
    tell(@channel, "locate")
    assert_equal "located", said(@channel)[:type], "it has heard what was said before"
    all.size.times do |served|
      opener.write(".")
      ready, = IO.select(all.map(&:socket), nil, nil, 30)
      done = all.find { |one| ready.include?(one.socket) }
      assert_equal "/kept", done.reply.body
      assert_raises(Errno::EPIPE, "the next request would be lost") { done.send("\1") }
      began.read(1) if served < 2
      assert_predicate done, :closed?
      all.delete(done)
    end
    assert_equal 0, ended
  end

  # There the end comes with the response, in one segment.
  def test_a_port_ends_with_a_response_once_it_is_to_leave
    tcp = TCPServer.new("127.0.0.1", 0)
    gate, opener = IO.pipe
    start(app { |env| env["PATH_INFO"].tap { gate.read(1) } }, listeners: [tcp])
    ready
    one = FastCGIClient.new(TCPSocket.new("127.0.0.1", tcp.local_address.ip_port))
    one.send(FastCGIClient::Wire.request(FastCGIClient.params("/kept"), flags: 1))
    tell(@channel, "drain", backlog: true, hand_over: false)
    tell(@channel, "locate")
    assert_equal "located", said(@channel)[:type]
    opener.write(".")
    assert_equal "/kept", one.reply.body
    assert_equal "", one.socket.read_nonblock(1, exception: false).to_s, "the end is there"
    assert_equal 0, ended
  ensure
    tcp&.close
  end

  def test_those_without_a_request_end_with_it
    begin_worker
    all = Array.new(3) { kept("/first") }
    assert_equal "/other", get("/other").body
    tell(@channel, "drain", backlog: true, hand_over: false)
    assert_equal 0, ended
    assert(all.all?(&:closed?))
  end

  def test_one_that_its_peer_has_closed_is_forgotten
    begin_worker
    descriptors = Dir.children("/proc/#{@pid}/fd").size
    Array.new(20) { kept("/first") }.each(&:close)
    eventually { Dir.children("/proc/#{@pid}/fd").size <= descriptors }
  end

  def with_idle_seconds(seconds)
    defaults = PreforkLauncher::FastCGI::LIMIT_DEFAULTS
    set_defaults(defaults.merge(idle_seconds: seconds))
    yield
  ensure
    set_defaults(defaults)
  end

  def set_defaults(defaults)
    PreforkLauncher::FastCGI.send(:remove_const, :LIMIT_DEFAULTS)
    PreforkLauncher::FastCGI.const_set(:LIMIT_DEFAULTS, defaults.freeze)
  end

  def test_one_that_is_silent_for_long_is_closed
    with_idle_seconds(0.3) { begin_worker }
    one = kept("/first")
    assert_equal "/other", get("/other").body
    eventually { get("/other") && one.socket.wait_readable(0) }
    assert_predicate one, :closed?
  end

  def test_there_is_a_bound
    begin_worker
    all = Array.new(PreforkLauncher::ServingLoop::KEPT_MAX + 10) { kept("/first") }
    assert_equal "/other", get("/other").body
    assert_operator all.first(10).count(&:closed?), :>=, 9
    kept("/last", all.last)
  end
end
