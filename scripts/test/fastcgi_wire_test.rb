# frozen_string_literal: true

require_relative "support/fastcgi_case"

# Bad and unusual input on the wire. Whatever comes, the worker lives and serves the next request.
class FastCGIWireTest < FastCGICase
  NO_TIME = 0.05

  def teardown
    assert_alive if @thread&.alive? && passed?
    super
  end

  # Sends bytes and expects the connection to be closed without an answer.
  def assert_closes(bytes, **options)
    serve(**options) unless @thread
    client = connect
    client.send(bytes)
    assert client.closed?, "answered or open after #{bytes.byteslice(0, 40).inspect}"
    served
    refute_match(/serve a FastCGI connection/, log)
  end

  def assert_refused(status, bytes, **options)
    called = false
    options[:limits] ||= limits(drain_seconds: 600)
    serve(->(env) { called = env["PATH_INFO"] != "/alive"; PLAIN.call(env) }, **options)
    client = connect
    client.send(bytes)
    reply = client.reply
    assert_equal status, reply.status
    assert reply.complete
    assert client.closed?
    client.close
    served
    refute called
    assert_includes log, "refused a FastCGI request with #{status}"
  end

  def test_other_versions
    [0, 2, 255].each { |version| assert_closes(Wire.begin_request(version: version)) }
    assert_match(/record of version 255/, log)
  end

  def test_header_cut_off
    serve
    (1..7).each do |size|
      client = connect
      client.send(Wire.begin_request.byteslice(0, size))
      client.socket.close_write
      assert client.closed?
      served
    end
    assert_equal "", log
  end

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

  def test_records_of_requests_never_begun
    serve
    client = connect
    client.send(Wire.record(4, "abc", id: 9) + Wire.record(5, "abc", id: 9) + Wire.record(2, "", id: 9) + Wire.record(8, "", id: 9))
    assert_equal 200, client.get.status
  end

  def test_too_many_records_of_requests_never_begun
    assert_closes(Wire.record(5, "abc", id: 9) * 20, limits: limits(ignored_records: 10))
    assert_match(/records of no request/, log)
  end

  def test_begin_request_of_wrong_size
    [0, 7, 9, 16].each { |size| assert_closes(Wire.record(1, "\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0".byteslice(0, size))) }
  end

  def test_other_roles
    serve
    [0, 2, 3, 99, 65_535].each do |role|
      client = connect
      client.send(Wire.begin_request(role: role, id: 7) + Wire.params(FastCGIClient.params("/"), id: 7))
      reply = client.reply(id: 7)
      assert_equal [3, ""], [reply.protocol_status, reply.head]
      assert client.closed?
      client.close
    end
  end

  def test_other_role_on_a_kept_connection
    serve
    client = connect
    client.send(Wire.begin_request(role: 2, flags: 1) + Wire.params(FastCGIClient.params("/")))
    assert_equal 3, client.reply.protocol_status
    assert_equal 200, client.get.status
  end

  def test_begin_request_with_id_0
    assert_closes(Wire.begin_request(id: 0))
  end

  def test_second_begin_with_another_id
    serve
    client = connect
    client.send(Wire.begin_request(id: 1) + Wire.begin_request(id: 2) + Wire.params(FastCGIClient.params("/first"), id: 1))
    assert_equal 1, client.reply(id: 2).protocol_status
    assert_equal "GET /first 0", client.reply(id: 1).body
  end

  def test_second_begin_in_the_middle_of_the_body
    serve
    client = connect
    client.send(Wire.begin_request + Wire.params(FastCGIClient.params("/first", "abcd")) + Wire.record(5, "ab"))
    client.send(Wire.begin_request(id: 2) + Wire.params(FastCGIClient.params("/second"), id: 2) + Wire.record(5, "", id: 2))
    assert_equal 1, client.reply(id: 2).protocol_status
    client.send(Wire.record(5, "cd"))
    assert_equal "POST /first 4", client.reply.body
  end

  def test_second_begin_with_the_same_id
    assert_closes(Wire.begin_request + Wire.begin_request)
    assert_closes(Wire.begin_request + Wire.params(FastCGIClient.params("/", "abc")) + Wire.begin_request)
  end

  def test_largest_id
    serve
    reply = connect.get("/", id: 65_535)
    assert_equal 200, reply.status
    assert_equal [65_535], reply.records.map(&:id).uniq
  end

  def test_reserved_bytes_and_unknown_flags
    serve
    client = connect
    begin_request = Wire.record(1, "\0\x01\xfe\xff\xff\xff\xff\xff".b, reserved: 255)
    client.send(begin_request + Wire.params(FastCGIClient.params("/")) + Wire.record(5, "", reserved: 7))
    assert_equal 200, client.reply.status
    assert client.closed?, "an unknown flag was taken for FCGI_KEEP_CONN"
  end

  def test_largest_record
    serve
    client = connect
    client.send(Wire.begin_request(padding: 255) + Wire.params(FastCGIClient.params("/", "x" * 65_535)))
    client.send(Wire.record(5, "x" * 65_535, padding: 255) + Wire.record(5, "", padding: 255))
    assert_equal "POST / 65535", client.reply.body
  end

  def test_padding_that_looks_like_records
    serve
    client = connect
    lure = Wire.record(2, "")
    begin_request = Wire.begin_request
    begin_request.setbyte(6, 16)
    client.send(begin_request + lure * 2 + Wire.params(FastCGIClient.params("/")) + Wire.record(5, ""))
    assert_equal 200, client.reply.status
  end

  {
    "lengths far beyond" => "\xff\xff\xff\xff\xff\xff\xff\xffabcdefgh",
    "lengths a little beyond" => "\x32\x32abcdefgh",
    "length cut off" => "\x01\x01ab\x80\0\0",
    "value length cut off" => "\x01\x80\0\0",
    "name without a value's length" => "\x01",
    "NUL in a name" => "\x03\x01A\0Bv", "LF in a name" => "\x03\x01A\nBv", "CR in a name" => "\x03\x01A\rBv",
    "NUL in a value" => "\x01\x03AB\0C", "LF in a value" => "\x01\x03AB\nC", "CR in a value" => "\x01\x03AB\rC"
  }.each do |name, bytes|
    define_method("test_params_with_#{name.tr(" '", "__")}") do
      assert_refused(400, Wire.begin_request + Wire.stream(4, Wire.pairs(FastCGIClient.params("/")) + bytes.b))
    end
  end

  def test_params_split_everywhere
    serve
    params = FastCGIClient.params("/split", "HTTP_LONG" => "x" * 200)
    bytes = Wire.pairs(params)
    (1...bytes.bytesize).step(3) do |cut|
      client = connect
      client.send(Wire.begin_request + Wire.record(4, bytes.byteslice(0, cut)) + Wire.record(4, bytes.byteslice(cut, bytes.bytesize)))
      client.send(Wire.record(4, "") + Wire.record(5, ""))
      assert_equal "GET /split 0", client.reply.body, "cut at #{cut}: #{log}"
      client.close
    end
  end

  def test_ten_thousand_params_records
    serve
    client = connect
    bytes = Wire.pairs(FastCGIClient.params("/many", "HTTP_X" => "x" * 10_000))
    client.send(Wire.begin_request + bytes.each_char.map { |byte| Wire.record(4, byte) }.join + Wire.record(4, "") + Wire.record(5, ""))
    assert_equal "GET /many 0", client.reply.body
  end

  def test_length_in_four_bytes_without_need
    serve
    client = connect
    bytes = FastCGIClient.params("/four").map do |name, value|
      [name.bytesize | 1 << 31, value.bytesize | 1 << 31].pack("NN") + name + value
    end.join
    bytes = bytes.b << "\x80\0\0\1\x80\0\0\0A".b
    client.send(Wire.begin_request + Wire.stream(4, bytes) + Wire.record(5, ""))
    assert_equal "GET /four 0", client.reply.body
  end

  def test_too_many_params
    assert_refused(431, Wire.begin_request + Wire.record(4, Wire.pair("A", "x" * 900)) * 2, limits: limits(params_bytes: 1000))
  end

  def test_empty_name_and_empty_params
    serve ->(env) { env.key?("") ? raise("empty name") : PLAIN.call(env) }
    client = connect
    client.send(Wire.begin_request + Wire.stream(4, Wire.pair("", "x") + Wire.pairs(FastCGIClient.params("/"))) + Wire.record(5, ""))
    assert_equal 200, client.reply.status
    client = connect
    client.send(Wire.begin_request + Wire.record(4, "") + Wire.record(5, ""))
    assert_equal 400, client.reply.status
  end

  def test_same_name_twice
    serve ->(env) { [200, { "content-type" => "text/plain" }, [env["HTTP_X"].to_s]] }
    client = connect
    pairs = Wire.pairs(FastCGIClient.params("/")) + Wire.pair("HTTP_X", "first") + Wire.pair("HTTP_X", "last")
    client.send(Wire.begin_request + Wire.stream(4, pairs) + Wire.record(5, ""))
    assert_equal "first, last", client.reply.body
  end

  ["-2", "-1 ", "abc", "1e3", "+1", " 1", "1 ", "0x10", "1_0", (2**64).to_s, "9" * 400].each do |length|
    define_method("test_content_length_#{length[0, 30]}") do
      assert_refused(400, Wire.request(FastCGIClient.params("/", "CONTENT_LENGTH" => length)))
    end
  end

  def test_content_length_empty_or_missing
    serve
    assert_equal "GET / 0", connect.get("/", "CONTENT_LENGTH" => "").body
    assert_equal "GET / 0", connect.get("/", "CONTENT_LENGTH" => nil).body
  end

  def test_no_body_and_no_end_of_stdin
    serve
    ["0", "", nil].each do |length|
      client = connect
      client.send(Wire.begin_request + Wire.params(FastCGIClient.params("/", "CONTENT_LENGTH" => length)))
      assert_equal "GET / 0", client.reply.body
      client.close
      served
    end
  end

  def test_body_of_unknown_length
    serve
    client = connect
    params = FastCGIClient.params("/", "REQUEST_METHOD" => "POST", "HTTP_TRANSFER_ENCODING" => "chunked")
    client.send(Wire.begin_request + Wire.params(params) + Wire.record(5, "abc") + Wire.record(5, "de") + Wire.record(5, ""))
    assert_equal "POST / 5", client.reply.body
  end

  def test_body_too_short
    assert_refused(400, Wire.request(FastCGIClient.params("/", "CONTENT_LENGTH" => "5", "REQUEST_METHOD" => "POST"), "abcd"))
  end

  def test_peer_leaves_in_mid_body
    called = false
    serve ->(env) { called = env["PATH_INFO"] != "/alive"; PLAIN.call(env) }
    client = connect
    client.send(Wire.begin_request + Wire.params(FastCGIClient.params("/", "abcd")) + Wire.record(5, "ab"))
    client.close
    served
    refute called
    assert_equal "", log
  end

  def test_stalled_body
    serve(limits: limits(body_seconds: NO_TIME, head_seconds: 600))
    client = connect
    client.send(Wire.begin_request + Wire.params(FastCGIClient.params("/", "abcd")) + Wire.record(5, "ab"))
    assert client.closed?
    served
    assert_match(/nothing more in time/, log)
  end

  def test_body_too_long
    serve ->(env) { [200, { "content-type" => "text/plain" }, [env["rack.input"].read]] }
    client = connect
    client.send(Wire.request(FastCGIClient.params("/", "CONTENT_LENGTH" => "3", "REQUEST_METHOD" => "POST"), "abcd"))
    assert_equal "abc", client.reply.body
    served
    client = connect
    client.send(Wire.request(FastCGIClient.params("/", "CONTENT_LENGTH" => "3"), "abcd" * 50_000, flags: 1))
    assert_equal "abc", client.reply.body
    assert_equal "", client.get("/", flags: 1).body
  end

  def test_two_ends_of_stdin
    serve
    client = connect
    client.send(Wire.request(FastCGIClient.params("/", "abc"), "abc", flags: 1) + Wire.record(5, ""))
    assert_equal "POST / 3", client.reply.body
    assert_equal "GET / 0", client.get("/", flags: 1).body
  end

  def test_stdin_before_the_end_of_params
    assert_closes(Wire.begin_request + Wire.record(4, Wire.pairs(FastCGIClient.params("/"))) + Wire.record(5, "abc"))
    assert_closes(Wire.begin_request + Wire.record(5, ""))
  end

  def test_params_after_their_end
    assert_closes(Wire.begin_request + Wire.params(FastCGIClient.params("/", "abc")) + Wire.record(4, "abc"))
  end

  def test_missing_method
    assert_refused(400, Wire.request(FastCGIClient.params("/", "REQUEST_METHOD" => nil)))
  end

  def test_impossible_method
    assert_refused(400, Wire.request(FastCGIClient.params("/", "REQUEST_METHOD" => "GE T")))
  end

  def test_missing_paths
    serve
    assert_equal "GET /a 0", connect.get("/a", "SCRIPT_NAME" => nil, "PATH_INFO" => nil).body
    assert_equal "GET /a 0", connect.get("/", "REQUEST_URI" => nil, "SCRIPT_NAME" => nil, "PATH_INFO" => "/a").body
  end

  def test_no_path_at_all
    assert_refused(400, Wire.request(FastCGIClient.params("/", "REQUEST_URI" => nil, "SCRIPT_NAME" => nil, "PATH_INFO" => nil)))
  end

  def test_get_values
    serve
    client = connect
    names = Wire.pairs("FCGI_MAX_CONNS" => "", "FCGI_MAX_REQS" => "", "FCGI_MPXS_CONNS" => "", "FCGI_OTHER" => "")
    client.send(Wire.record(9, names, id: 0))
    expected = Wire.pairs("FCGI_MAX_CONNS" => "1", "FCGI_MAX_REQS" => "1", "FCGI_MPXS_CONNS" => "0")
    assert_equal [10, 0, expected], client.record.to_a
    client.send(Wire.record(9, "", id: 0))
    assert_equal [10, 0, ""], client.record.to_a
    client.send(Wire.begin_request + Wire.record(9, Wire.pair("FCGI_MAX_REQS", ""), id: 0) + Wire.params(FastCGIClient.params("/")))
    assert_equal [10, 0, Wire.pair("FCGI_MAX_REQS", "1")], client.record.to_a
    assert_equal 200, client.reply.status
  end

  def test_get_values_malformed
    assert_closes(Wire.record(9, "\xff", id: 0))
  end

  def test_unknown_management_type
    serve
    client = connect
    [11, 12, 255, 0].each do |type|
      client.send(Wire.record(type, "abc", id: 0))
      assert_equal [11, 0, [type].pack("C") + "\0" * 7], client.record.to_a
    end
    assert_equal 200, client.get.status
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
  def test_peer_that_never_reads_from_a_stubborn_application
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

  # The end of an empty body that comes late must not make the idle connection look like one with a request.
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

  def test_answer_before_the_input_was_read
    serve
    server = TCPServer.new("127.0.0.1", 0)
    client = FastCGIClient.new(TCPSocket.new("127.0.0.1", server.addr[1]))
    @queue << server.accept
    body = "x" * 400_000
    client.send(Wire.request(FastCGIClient.params("/", body, "CONTENT_LENGTH" => "none"), body))
    reply = client.reply
    assert_equal 400, reply.status
    assert reply.complete
    assert_equal "", client.socket.read, "not an end of the stream but a reset"
    client.close
    served
  ensure
    client&.close
    server&.close
  end

  def test_drain_is_bounded
    serve(limits: limits(drain_bytes: 100_000, drain_seconds: 600))
    client = connect
    client.send(Wire.request(FastCGIClient.params("/", "CONTENT_LENGTH" => "none")))
    assert_equal 400, client.reply.status
    begin
      loop { client.send("x" * 10_000) }
    rescue Errno::EPIPE, Errno::ECONNRESET
      nil
    end
    served
    @queue << nil
    @thread.join
    serve(limits: limits(drain_seconds: NO_TIME))
    assert_equal 400, connect.get("/", "CONTENT_LENGTH" => "none").status
    served
  end

  def test_http_and_tls
    assert_closes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert_closes("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".b + "\0" * 64)
  end
end
