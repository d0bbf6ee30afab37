# frozen_string_literal: true

require_relative "support/fastcgi_case"
require "tmpdir"

class FastCGIResponseTest < FastCGICase
  TEXT = { "content-type" => "text/plain" }.freeze

  # Counts what a server has to do with a body.
  class Body
    attr_reader :closed

    def initialize(*parts)
      @parts = parts
      @closed = 0
    end

    def each
      @parts.each { |part| part.is_a?(Exception) ? raise(part) : yield(part) }
    end

    def close
      @closed += 1
    end
  end

  def reply_to(response, lint: false, uri: "/", **more)
    serve(->(_) { response }, lint: lint)
    connect.get(uri, **more)
  end

  def test_each_body
    body = Body.new("a", "", "\xff".b, "ü")
    reply = reply_to([201, TEXT.dup, body], lint: true) # Rack 3 wants headers that are not frozen
    served
    assert_equal "a\xffü".b, reply.body
    assert_equal 201, reply.status
    assert_equal 1, body.closed
    assert_match(/\AStatus: 201 Created\r\n/, reply.head)
  end

  def test_empty_bodies
    [[], [""], Body.new, Body.new("", "")].each do |body|
      reply = reply_to([200, TEXT, body])
      assert_equal ["", 200, true], [reply.body, reply.status, reply.complete]
    end
  end

  def test_large_parts
    parts = [65_527, 65_528, 65_529, 131_073, 1_000_000].map { |size| Random.new(size).bytes(size) }
    assert_equal parts.join.b, reply_to([200, TEXT, parts]).body
    reply = reply_to([200, TEXT, Body.new(*parts)])
    assert_equal parts.join.b, reply.body
    assert reply.complete
  end

  def test_encodings_beside_each_other
    parts = ["ü", "\xfc".b, "ü".encode("UTF-16LE"), "\xfc".dup.force_encoding("ISO-8859-1"), "ü"]
    headers = { "x-a" => "ü", "x-b" => "\xfc".b, "x-c" => "\xfc".dup.force_encoding("UTF-8") }
    reply = reply_to([200, headers, parts])
    assert_equal parts.map(&:b).join, reply.body
    assert_equal [["x-a", "ü".b], ["x-b", "\xfc".b], ["x-c", "\xfc".b], %w[content-length 8]], reply.headers
  end

  def test_header_forms
    headers = { "Set-Cookie" => "a=1\nb=2", "x-array" => %w[one two], "x-number" => 5, "x-empty" => "", "x-nil" => nil,
                "rack.other" => -> {}, "Status" => "404 Not Found" }
    reply = reply_to([200, headers, ["x"]])
    assert_equal [%w[Set-Cookie a=1], %w[Set-Cookie b=2], %w[x-array one], %w[x-array two], %w[x-number 5], ["x-empty", ""],
                  %w[content-length 1]],
                 reply.headers.map { |name, value| [name.chomp(":"), value.to_s.strip] }
    assert_equal 200, reply.status
  end

  def test_headers_that_are_pairs
    assert_equal [%w[a b], %w[a c], %w[content-length 1]], reply_to([200, [%w[a b], %w[a c]], ["x"]]).headers
  end

  {
    "CR" => { "x" => "a\rSet-Cookie: evil" }, "CR LF" => { "x" => "a\r\nSet-Cookie: evil" }, "NUL" => { "x" => "a\0" },
    "LF in an array" => { "x" => ["a\nb"] }, "CR in an array" => { "x" => ["a", "b\r"] },
    "name with LF" => { "x\nSet-Cookie" => "evil" }, "name with colon" => { "x: y" => "evil" }, "name with blank" => { "x y" => "z" },
    "empty name" => { "" => "x" }, "name above 127" => { "ü" => "x" }
  }.each do |name, headers|
    define_method("test_injection_by_#{name}") do
      body = Body.new("secret")
      reply = reply_to([200, { "x-first" => "1" }.merge(headers), body])
      served
      assert_equal [500, "500 Internal Server Error\n"], [reply.status, reply.body]
      refute_match(/evil|x-first/, reply.head)
      assert_match(/InvalidResponse/, log)
      assert_equal 1, body.closed
    end
  end

  [0, 99, 100, 103, 199, 1000, -1, "abc", "", nil, :ok, [], 2**70, Object].each do |status|
    define_method("test_status_#{status.inspect}") do
      assert_equal 500, reply_to([status, TEXT, ["x"]]).status
      assert_match(/status is no final HTTP status/, log)
    end
  end

  def test_other_statuses
    assert_equal "Status: 200 OK", reply_to(["200", TEXT, ["x"]]).head.lines.first.chomp
    [200.0, "200 OK", " 200", "200\r\nX: y"].each do |status|
      assert_equal "Status: 200 OK", reply_to([status, TEXT, ["x"]]).head.lines.first.chomp
    end
    assert_equal "Status: 299 Unassigned", reply_to([299, TEXT, ["x"]]).head.lines.first.chomp
    assert_equal 999, reply_to([999, TEXT, ["x"]]).status
  end

  [nil, [], [200], [200, {}], [200, {}, nil], [200, nil, []], [200, {}, "text"], [200, {}, 5], "x", 5, {}, { 200 => {}, 1 => 2, 3 => 4 },
   [200, {}, [5]], [200, {}, [:x]], [200, "", []]].each do |response|
    define_method("test_nonsense_#{response.inspect}") do
      reply = reply_to(response)
      assert_equal 500, reply.status
      assert reply.complete
      assert_match(/InvalidResponse/, log)
    end
  end

  def test_no_body
    [[200, "HEAD"], [204, "GET"], [205, "GET"], [304, "GET"]].each do |status, method|
      body = Body.new("not sent")
      reply = reply_to([status, {}, body], "REQUEST_METHOD" => method)
      served
      assert_equal [status, "", true], [reply.status, reply.body, reply.complete]
      assert_equal 1, body.closed
      reply = reply_to([status, {}, ->(_) { flunk }], "REQUEST_METHOD" => method)
      assert_equal [status, "", true], [reply.status, reply.body, reply.complete]
      reply = reply_to([status, {}, ["not sent"]], "REQUEST_METHOD" => method)
      assert_equal [status, "", true], [reply.status, reply.body, reply.complete]
    end
  end

  def test_failure_for_head
    serve ->(_) { raise "oh" }
    reply = connect.get("/", "REQUEST_METHOD" => "HEAD")
    assert_equal [500, "", true], [reply.status, reply.body, reply.complete]
  end

  def test_head_request_keeps_the_length
    reply = reply_to([200, TEXT.merge("content-length" => "5"), []], "REQUEST_METHOD" => "HEAD")
    assert_equal ["5"], reply.header("content-length")
  end

  def test_file_body
    Tempfile.create do |file|
      file.write(content = Random.new(1).bytes(300_000))
      file.flush
      body = Body.new("not this")
      body.define_singleton_method(:to_path) { file.path }
      reply = reply_to([200, TEXT, body])
      served
      assert_equal content, reply.body
      assert_equal [content.bytesize.to_s], reply.header("content-length")
      assert_equal 1, body.closed
    end
  end

  def test_file_body_whose_length_is_the_applications_affair
    Tempfile.create("file") do |file|
      file.write("12345")
      file.flush
      { { "Content-Length" => "5" } => ["5"], { "content-encoding" => "gzip" } => [] }.each do |headers, lengths|
        body = Body.new("not this")
        body.define_singleton_method(:to_path) { file.path }
        reply = reply_to([200, TEXT.merge(headers), body])
        assert_equal "12345", reply.body
        assert_equal lengths, reply.header("content-length")
      end
    end
  end

  def test_file_body_without_its_file
    ["/nonexistent/file", "/"].each do |path|
      body = Body.new("this")
      body.define_singleton_method(:to_path) { path }
      assert_equal "this", reply_to([200, TEXT, body]).body
    end
  end

  def test_to_ary_that_gives_nothing
    body = Body.new("this")
    body.define_singleton_method(:to_ary) { nil }
    assert_equal "this", reply_to([200, TEXT, body]).body
  end

  def test_streaming_body
    events = []
    body = lambda do |stream|
      stream << "one" << "two"
      events << stream.write("three", "4") << stream.flush.equal?(stream) << stream.read
      stream.close_write
      events << stream.closed?
      events << begin
        stream.write("x")
      rescue IOError
        :refused
      end
      stream.close
      events << stream.closed?
    end
    serve(->(_) { [200, TEXT, body] }, lint: false)
    reply = connect.post("/", "input")
    assert_equal "onetwothree4", reply.body
    assert_equal [6, true, "input", false, :refused, true], events
    assert reply.complete
  end

  def test_streaming_body_chunks_reach_the_client_at_once
    gate = Queue.new
    serve(->(_) { [200, TEXT, ->(stream) { stream.flush; gate.pop; stream << "x"; gate.pop }] }, lint: false)
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    assert_match(/\r\n\r\n\z/, client.record.content)
    gate << nil
    assert_equal "x", client.record.content
    gate << nil
    assert client.reply.complete
  end

  def test_stream_kept_beyond_the_call
    kept = nil
    serve(->(_) { [200, TEXT, ->(stream) { (kept = stream) << "x" }] }, lint: false)
    assert connect.get.complete
    assert_raises(IOError) { kept << "y" }
  end

  def test_each_goes_before_call
    body = Body.new("each")
    body.define_singleton_method(:call) { |stream| stream << "call" }
    assert_equal "each", reply_to([200, TEXT, body]).body
  end

  ERRORS = [
    RuntimeError.new("oh"), SystemExit.new, Interrupt.new, NoMemoryError.new, NotImplementedError.new, LoadError.new, SyntaxError.new,
    SystemStackError.new, SecurityError.new, Errno::EPIPE.new, Errno::ECONNRESET.new, IOError.new("closed stream"), UncaughtThrowError,
    Class.new(Exception) # rubocop:disable Lint/InheritException
  ].freeze

  ERRORS.each_with_index do |error, index|
    define_method("test_failing_application_#{index}_#{error}") do
      serve(->(_) { error == UncaughtThrowError ? throw(:nowhere) : raise(error) })
      reply = connect.get("/broken?secret")
      served
      assert_equal [500, "500 Internal Server Error\n", true], [reply.status, reply.body, reply.complete]
      assert_match(%r{\Alauncher: GET /broken: }, log)
      assert_match(/fastcgi_response_test.rb/, log)
      refute_match(/secret/, log)
    end
  end

  def test_deep_recursion
    deep = ->(n) { deep.call(n + 1) }
    serve(->(_) { deep.call(0) })
    assert_equal 500, connect.get.status
    assert_match(/SystemStackError/, log)
    assert_match(/\.\.\. \d+ more/, log)
  end

  def test_cause_is_reported
    serve(lambda do |_|
      raise "inner"
    rescue RuntimeError
      raise ArgumentError, "outer"
    end)
    connect.get
    assert_match(/ArgumentError: outer\n.*caused by: RuntimeError: inner\n/m, log)
  end

  def test_error_that_cannot_be_reported
    error = Class.new(StandardError) { define_method(:message) { raise "no message" } }
    serve(->(_) { raise error })
    assert_equal 500, connect.get.status
    assert_match(/its message raised RuntimeError/, log)
  end

  def test_messages_of_any_encoding
    serve(->(_) { raise "\xff\xfe ü".b + "ü".b })
    assert_equal 500, connect.get.status
    serve(->(_) { raise "ü".encode("UTF-16LE") })
    assert_equal 500, connect.get.status
  end

  def test_failure_before_the_first_chunk
    body = Body.new("", RuntimeError.new("early"))
    reply = reply_to([200, TEXT, body])
    served
    assert_equal [500, true, 1], [reply.status, reply.complete, body.closed]
  end

  def test_failure_in_mid_body
    body = Body.new("some", RuntimeError.new("late"))
    serve(->(_) { [200, TEXT, body] }, lint: false)
    client = connect
    reply = client.get("/", flags: 1)
    served
    assert_equal [200, "some", false, 1], [reply.status, reply.body, reply.complete, body.closed]
    assert client.closed?
    assert_match(/RuntimeError: late/, log)
  end

  def test_failure_of_close
    body = Body.new("some")
    body.define_singleton_method(:close) { exit }
    serve(->(_) { [200, TEXT, body] }, lint: false)
    client = connect
    2.times { assert client.get("/", flags: 1).complete }
    assert_match(%r{close the body of GET /: SystemExit}, log)
  end

  def test_application_that_swallows_the_loss_of_its_peer
    closed = Queue.new
    writes = 0
    body = Body.new
    body.define_singleton_method(:each) do |&block|
      100.times do
        writes += 1
        block.call("x" * 100_000)
      rescue IOError
        nil
      end
      raise "wrapped"
    end
    body.define_singleton_method(:close) { closed << true }
    serve(->(_) { [200, TEXT, body] }, lint: false)
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    client.record
    client.close
    assert closed.pop
    served
    assert_equal 100, writes
  end

  def test_wrapped_loss_of_the_peer_is_not_reported
    body = Body.new
    body.define_singleton_method(:each) do |&block|
      loop { block.call("x" * 100_000) }
    rescue IOError
      raise "wrapped"
    end
    serve(->(_) { [200, TEXT, body] }, lint: false)
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    client.record
    client.close
    served
    assert_equal "", log
  end

  def test_finish_callbacks
    events = []
    app = lambda do |env|
      env["rack.response_finished"] = [
        ->(*arguments) { events << [:first, *arguments.drop(1)] }, ->(*) { exit }, ->(*arguments) { events << [:last, *arguments.drop(1)] }
      ]
      raise "oh" if env["PATH_INFO"] == "/fail"

      [200, TEXT, ["x"]]
    end
    serve(app, lint: false)
    connect.get
    served
    assert_equal [[:last, 200, TEXT, nil], [:first, 200, TEXT, nil]], events
    assert_match(%r{rack.response_finished of GET /: SystemExit}, log)
    events.clear
    connect.get("/fail")
    served
    assert_equal %i[last first], events.map(&:first)
    assert_equal ["oh", "oh"], events.map { |event| event.last.message }
  end

  # lighttpd compares and decodes the name of a file; its configuration says so where it is the launcher's.
  def test_file_that_lighttpd_is_to_send
    Dir.mktmpdir do |folder|
      folder = File.realpath(folder)
      File.write(File.join(folder, "100%25.txt"), "text")
      File.symlink(folder, link = File.join(folder, "link"))
      named = File.join(link, "100%25.txt")
      { {} => named, { "LAUNCHER_SENDFILE" => "1" } => File.join(folder, "100%2525.txt") }.each do |params, sent|
        %w[X-Sendfile x-lighttpd-send-file].each do |name|
          reply = reply_to([200, { name => named }, []], **params.transform_keys(&:to_sym))
          assert_includes "#{reply.head}\r\n", "#{name}: #{sent}\r\n"
        end
      end
      missing = File.join(link, "missing")
      assert reply_to([200, { "X-Sendfile" => missing }, []], LAUNCHER_SENDFILE: "1").head.end_with?("X-Sendfile: #{missing}")
      assert reply_to([200, { "x-sendfile" => [missing] }, []], LAUNCHER_SENDFILE: "1").head.end_with?("x-sendfile: #{missing}")
    end
  end

  def test_applications_do_not_see_how_files_are_sent
    seen = nil
    serve(->(env) { [200, {}, [(seen = env.keys).size.to_s]] }, lint: false)
    connect.get("/", LAUNCHER_SENDFILE: "1")
    refute_includes seen, "LAUNCHER_SENDFILE"
  end
end
