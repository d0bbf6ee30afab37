# frozen_string_literal: true

require_relative "support/fastcgi_wire_case"

# A peer that is silent, slow or gone, that aborts its request or keeps its connection.
class FastCGIPeerTest < FastCGIWireCase
  def test_silent_connection
    serve(limits: limits(head_seconds: NO_TIME))
    assert connect.closed?
    served
    assert_equal "", log
  end

  def test_silent_connection_while_others_wait
    interrupt.call
    serve(limits: limits(silent_seconds: NO_TIME, head_seconds: 600))
    assert connect.closed?
    served
  end

  def test_slow_connection_is_served_while_others_wait
    interrupt.call
    serve(limits: limits(silent_seconds: 600))
    assert_equal 200, connect.get.status
    served
  end

  # The deadline is one for the head, so each further byte must not renew it.
  def test_slow_head
    serve(limits: limits(head_seconds: 0.3))
    client = connect
    bytes = Wire.request(FastCGIClient.params("/"))
    sent = 0
    dripping = Thread.new do
      bytes.each_char do |byte|
        client.send(byte)
        sent += 1
        break if IO.select([client.socket], nil, nil, 0.02)
      end
    rescue Errno::EPIPE, Errno::ECONNRESET
      nil
    end
    assert client.closed?
    served
    dripping.join
    assert_operator sent, :<, bytes.bytesize
    assert_match(/sent nothing more in time/, log)
  end

  def test_abort_before_the_end_of_params
    serve
    client = connect
    client.send(Wire.begin_request + Wire.record(4, "abc") + Wire.record(2))
    assert_equal [0, ""], client.reply.then { |reply| [reply.protocol_status, reply.head] }
    assert client.closed?
  end

  def test_abort_in_mid_body
    serve
    client = connect
    client.send(Wire.begin_request(flags: 1) + Wire.params(FastCGIClient.params("/", "abc")) + Wire.record(5, "a") + Wire.record(2))
    assert_equal 0, client.reply.protocol_status
    assert_equal 200, client.get.status
  end

  def test_abort_in_mid_response
    gate = Queue.new
    closed = Queue.new
    body = Enumerator.new do |chunks|
      chunks << "first"
      gate.pop
      loop { chunks << "more" }
    end
    body.define_singleton_method(:close) { closed << true }
    serve ->(env) { env["PATH_INFO"] == "/alive" ? PLAIN.call(env) : [200, { "content-type" => "text/plain" }, body] }
    client = connect
    client.send(Wire.request(FastCGIClient.params("/"), flags: 1))
    assert_match(/first\z/, client.record.content)
    client.send(Wire.record(2))
    gate << nil
    reply = client.reply
    assert_equal 0, reply.protocol_status
    assert closed.pop
    assert_equal "GET /alive 0", client.get("/alive", flags: 1).body
    assert_equal "", log
  end

  def test_anything_in_mid_response_leaves_the_response_alone
    [Wire.begin_request(id: 2), Wire.begin_request, Wire.record(5, "x"), "GARBAGE " * 9, Wire.record(9, "", id: 0)].each do |bytes|
      gate = Queue.new
      body = Enumerator.new { |chunks| 3.times { |n| chunks << n.to_s; gate.pop } }
      serve ->(env) { env["PATH_INFO"] == "/alive" ? PLAIN.call(env) : [200, { "content-type" => "text/plain" }, body] }
      client = connect
      client.send(Wire.request(FastCGIClient.params("/")))
      first = client.record
      client.send(bytes)
      3.times { gate << nil }
      reply = client.reply
      assert reply.complete, bytes
      assert_equal "012", first.content[-1] + reply.records.select { |each| each.type == 6 }.map(&:content).join
      served
      @queue << nil
      @thread.join
    end
  end

  def test_protocol_violation_in_mid_response_ends_a_kept_connection
    gate = Queue.new
    body = Enumerator.new { |chunks| 2.times { |n| chunks << n.to_s; gate.pop } }
    serve ->(env) { env["PATH_INFO"] == "/alive" ? PLAIN.call(env) : [200, { "content-type" => "text/plain" }, body] }
    client = connect
    client.send(Wire.request(FastCGIClient.params("/"), flags: 1))
    client.record
    client.send(Wire.begin_request(flags: 1))
    2.times { gate << nil }
    assert client.reply.complete
    assert client.closed?
    served
  end

  def test_peer_closes_its_writing_side_after_the_request
    serve ->(_) { [200, { "content-type" => "text/plain" }, Enumerator.new { |chunks| 3.times { |n| chunks << n.to_s } }] }, lint: false
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    client.socket.close_write
    assert_equal "012", client.reply.body
  end

  def test_peer_closes_in_mid_response
    closed = Queue.new
    gate = Queue.new
    body = Enumerator.new do |chunks|
      chunks << "first"
      gate.pop
      loop { chunks << "more" }
    end
    body.define_singleton_method(:close) { closed << true }
    serve ->(env) { env["PATH_INFO"] == "/alive" ? PLAIN.call(env) : [200, { "content-type" => "text/plain" }, body] }
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    client.record
    client.close
    gate << nil
    assert closed.pop
    served
    assert_equal "", log
  end

  def test_peer_that_never_reads
    closed = Queue.new
    body = Enumerator.new { |chunks| loop { chunks << "x" * 65_536 } }
    body.define_singleton_method(:close) { closed << true }
    serve ->(env) { env["PATH_INFO"] == "/alive" ? PLAIN.call(env) : [200, { "content-type" => "text/plain" }, body] },
          limits: limits(write_seconds: NO_TIME)
    connect.send(Wire.request(FastCGIClient.params("/")))
    assert closed.pop
    served
  end

  # The deadline must not start again with every chunk of an application that goes on.
  def test_peer_that_never_reads_from_an_application_that_goes_on
    body = []
    def body.each
      1000.times do
        yield "x" * 65_536
      rescue IOError
        nil
      end
    end
    body.singleton_class.undef_method(:to_ary)
    serve ->(env) { env["PATH_INFO"] == "/alive" ? PLAIN.call(env) : [200, { "content-type" => "text/plain" }, body] },
          lint: false, limits: limits(write_seconds: 0.5)
    connect.send(Wire.request(FastCGIClient.params("/")))
    served
  end

  def test_idle_kept_connection_makes_room
    wake = interrupt
    serve
    client = connect
    assert_equal 200, client.get("/", flags: 1).status
    wake.call
    assert client.closed?
    served
  end

  def test_busy_kept_connection_makes_room
    interrupt.call
    serve(limits: limits(kept_requests: 3))
    client = connect
    client.send(Wire.request(FastCGIClient.params("/"), flags: 1) * 5)
    3.times { assert_equal 200, client.reply.status }
    assert client.closed?
    served
  end

  def test_idle_kept_connection_is_closed_in_the_end
    serve(limits: limits(idle_seconds: NO_TIME))
    client = connect
    assert_equal 200, client.get("/", flags: 1).status
    assert client.closed?
    served
  end

  # The end of an empty body that comes late must not make the idle connection pass for one with a request.
  def test_leftovers_do_not_keep_an_idle_connection
    wake = interrupt
    serve
    client = connect
    client.send(Wire.begin_request(flags: 1) + Wire.params(FastCGIClient.params("/")))
    assert_equal 200, client.reply.status
    client.send(Wire.record(5, ""))
    wake.call
    assert client.closed?
    served
  end

  def test_second_request_without_keep_conn
    calls = 0
    serve ->(env) { calls += 1; PLAIN.call(env) }
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")) * 2)
    assert_equal 200, client.reply.status
    assert client.closed?
    served
    assert_equal 1, calls
  end
end
