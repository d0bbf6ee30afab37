# frozen_string_literal: true

require_relative "support/fastcgi_case"

class FastCGIBasicTest < FastCGICase
  def test_get
    serve
    client = connect
    reply = client.get("/hello?a=1")
    assert_equal 200, reply.status, log
    assert_equal ["text/plain"], reply.header("content-type")
    assert_equal "GET /hello 0", reply.body
    assert_equal 0, reply.protocol_status
    assert client.closed?
    served
    assert_equal "", log
  end

  def test_bodies_of_all_sizes
    serve ->(env) { [200, { "content-type" => "application/octet-stream" }, [env["rack.input"].read]] }
    [0, 1, 7, 65_535, 65_536, 102_400, 102_401, 1_000_000, 5_000_000].each do |size|
      body = Random.new(size).bytes(size)
      assert_equal body, connect.post("/up", body).body, "#{size} bytes: #{log}"
    end
  end

  def test_small_response_is_one_write
    serve ->(_) { [200, { "content-type" => "text/plain" }, %w[a b c]] }, lint: false
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    served
    client.socket.recv(65_536).then do |bytes|
      assert_equal [6, 6, 3], record_types(bytes)
      assert_equal 1, bytes.scan("Status: 200").size
    end
  end

  def test_chunks_reach_the_client_at_once
    gate = Queue.new
    body = Enumerator.new do |chunks|
      chunks << "one"
      gate.pop
      chunks << "two"
      gate.pop
    end
    serve ->(_) { [200, { "content-type" => "text/plain" }, body] }
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    assert_match(/\r\n\r\none\z/, client.record.content)
    gate << nil
    assert_equal "two", client.record.content
    gate << nil
    assert_equal "", client.record.content
    assert_equal FastCGIClient::END_REQUEST, client.record.type
  end

  def test_kept_connection
    serve
    client = connect
    3.times { |n| assert_equal "GET /#{n} 0", client.get("/#{n}", id: n + 1, flags: 1).body }
    assert_equal "POST /body 3", client.post("/body", "abc", flags: 1).body
    assert_equal "GET /last 0", client.get("/last").body
    assert client.closed?
  end

  def test_requests_in_a_row_without_waiting
    serve
    client = connect
    client.send((1..3).map { |n| Wire.request(FastCGIClient.params("/#{n}", "x" * n), "x" * n, flags: 1) }.join)
    (1..3).each { |n| assert_equal "POST /#{n} #{n}", client.reply.body }
  end

  Observer = Struct.new(:events, :awaited) do
    def peer_awaited
      self.awaited = awaited.to_i + 1
    end

    def request_awaited
      events << [:awaited, yield]
    end

    def request_started(method, path, start)
      events << [:started, method, path, *start]
    end

    def response_begun
      events << [:begun]
    end

    def request_finished(outcome)
      events << [:finished, outcome]
    end
  end

  def test_observer
    events = Queue.new
    closing = Class.new(Array) { define_method(:close) { events << [:closed] } }
    app = lambda do |env|
      events << [:called]
      env["PATH_INFO"] = env["REQUEST_METHOD"] = "changed"
      [200, { "content-type" => "text/plain" }, closing.new(["x"])]
    end
    serve app, lint: false, url_prefix: "/shop", observer: Observer.new(events)
    connect.get("/shop/cart?secret=1")
    served
    assert_equal [[:started, "GET", "/shop/cart"], [:called], [:begun], [:closed], [:finished, 200]], Array.new(events.size) { events.pop }
  end

  # Between two requests, as far as nobody has sent the next one, there is time for what would be in a request's way.
  def test_observer_hears_of_time_between_two_requests
    events = Queue.new
    serve observer: Observer.new(events)
    client = connect
    client.get("/1", flags: 1)
    assert_equal [[:started, "GET", "/1"], [:begun], [:finished, 200], [:awaited, false]], Array.new(4) { events.pop }
    client.get("/2", HTTP_X_REQUEST_START: "t=1764170000.123")
    served
    assert_equal [[:started, "GET", "/2", "t=1764170000.123"], [:begun], [:finished, 200]], Array.new(events.size) { events.pop }
  end

  # What is there before this side reads is never waited for.
  def test_observer_hears_that_a_body_comes
    observer = Observer.new(Queue.new)
    mine, theirs = UNIXSocket.pair
    @clients = [client = FastCGIClient.new(mine)]
    client.send(Wire.request(FastCGIClient.params("/", "x" * 140_000), "x" * 140_000))
    serve observer: observer
    @queue << theirs
    assert_equal "POST / 140000", client.reply.body
    served
    assert_operator observer.awaited, :>=, 3, "at its beginning and for each 64 KiB"
  end

  def test_observer_hears_of_failures_too
    events = Queue.new
    serve ->(_) { exit }, observer: Observer.new(events)
    connect.get
    served
    assert_equal [[:started, "GET", "/"], [:begun], [:finished, 500]], Array.new(events.size) { events.pop }
  end

  def test_limits_are_checked
    assert_raises(ArgumentError) { limits(head_seconds: 0) }
    assert_raises(ArgumentError) { limits(head_seconds: "10") }
    assert_raises(ArgumentError) { limits(unknown: 1) }
    assert_equal 3, limits(head_seconds: 3).head_seconds
    assert limits.frozen?
  end

  private

  def record_types(bytes)
    types = []
    until bytes.empty?
      types << bytes.getbyte(1)
      length, padding = bytes.byteslice(4, 3).unpack("nC")
      bytes = bytes.byteslice(8 + length + padding, bytes.bytesize)
    end
    types
  end
end
