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
