# frozen_string_literal: true

require "objspace"
require_relative "support/fastcgi_wire_case"

# The body of a request, and its length.
class FastCGIRequestBodyTest < FastCGIWireCase
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

  def test_response_before_the_input_was_read
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

  # Hundreds of them may be kept. What comes in pieces takes a buffer of its own.
  def test_a_kept_connection_holds_no_memory_of_its_request
    responder = PreforkLauncher::FastCGI::Responder.new(PLAIN, errors: StringIO.new)
    kept = []
    others, waits = IO.pipe
    waits << "!"
    peers = Array.new(2) do
      mine, theirs = UNIXSocket.pair
      sender = Thread.new { mine.write(Wire.request(FastCGIClient.params("/", "x" * 500_000), "x" * 500_000, flags: 1)) }
      responder.serve(theirs, interrupts: [others], kept: kept)
      sender.join
      mine
    end
    buffers = kept.flat_map { |one| ObjectSpace.reachable_objects_from(one.connection).grep(String) }
    assert_equal [2, 1], [kept.size, buffers.uniq(&:object_id).size]
  ensure
    [*peers, *kept, others, waits].compact.each(&:close)
  end
end
