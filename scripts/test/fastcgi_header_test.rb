# frozen_string_literal: true

require_relative "support/fastcgi_case"

# The status and the headers of a response, in every form.
class FastCGIHeaderTest < FastCGICase
  Head = PreforkLauncher::FastCGI::Head
  Invalid = PreforkLauncher::FastCGI::InvalidResponse

  def head(headers, status: 200, length: nil)
    Head.new(status, headers).render(length).delete_suffix("\r\n\r\n").split("\r\n")[1..]
  end

  def refused(headers, status: 200)
    assert_raises(Invalid) { Head.new(status, headers) }.message
  end

  {
    "nil" => [{ "x" => nil }, []], "a number" => [{ "x" => 5 }, ["x: 5"]], "a symbol" => [{ x: :y }, ["x: y"]],
    "empty" => [{ "x" => "" }, ["x: "]], "an array" => [{ "x" => ["a", nil, 5] }, ["x: a", "x: 5"]],
    "an empty array" => [{ "x" => [] }, []],
    "lines" => [{ "x" => "a\n\nb\n" }, ["x: a", "x: b"]], "a tab" => [{ "x" => "a\tb" }, ["x: a\tb"]],
    "upper case" => [{ "X-Y" => "Z" }, ["X-Y: Z"]], "pairs" => [[%w[a b], %w[a c]], ["a: b", "a: c"]],
    "an enumerator" => [{ "a" => "b" }.each, ["a: b"]],
    "cookies" => [{ "set-cookie" => %w[a=1 b=2] }, ["set-cookie: a=1", "set-cookie: b=2"]],
    "frozen" => [{ "a" => ["b"].freeze }.freeze, ["a: b"]], "above 127" => [{ "a" => "ü" }, ["a: ü".b]],
    "the server's" => [{ "rack.x" => "y", "Rack.Y" => "z", "Status" => "404", "status" => 5 }, []],
    "a connection's" => [{ "Connection" => "close", "keep-alive" => "5", "Upgrade" => "x", "TE" => "x", "Proxy-Connection" => "x" }, []],
    "lengths that agree" => [{ "Content-Length" => "5", "content-length" => ["5", 5] }, ["content-length: 5"]],
    "a length with blanks" => [{ "content-length" => " 5 " }, ["content-length: 5"]],
    "no coding" => [{ "transfer-encoding" => "identity" }, []],
    "chunked" => [{ "Transfer-Encoding" => "Chunked", "content-length" => "5" }, []]
  }.each do |name, (headers, lines)|
    define_method("test_#{name}") { assert_equal lines, head(headers) }
  end

  def test_headers_of_this_rack
    type = defined?(Rack::Headers) ? Rack::Headers : Rack::Utils::HeaderHash
    headers = type.new
    headers["X-Y"] = "z"
    headers["Set-Cookie"] = "a=1\nb=2"
    assert_equal ["x-y: z", "set-cookie: a=1", "set-cookie: b=2"], head(headers).map { |line| line.sub(/\A[^:]+/, &:downcase) }
  end

  def test_lines_are_remembered_by_name_and_value
    2.times do
      assert_equal ["x: a", "X: a", "y: a"], head({ "x" => "a", "X" => "a", "y" => "a" })
      assert_equal ["x: told"], head({ "x" => Class.new(String) { define_method(:to_s) { "told" } }.new("a") })
      assert_equal ["x: a"], head({ "x" => :a })
      assert_equal [], head({ "Connection" => "a" })
    end
    assert_same Head.line("x", "a"), Head.line("x", +"a")
  end

  # Those of requests, of sessions and the like.
  def test_ever_new_values_are_not_remembered
    first = Head.line("x-token", "0")
    assert_same first, Head.line("x-token", "0")
    assert_equal (1..50).map { |value| "x-token: #{value}\r\n" }, (1..50).map { |value| Head.line("x-token", value.to_s) }
    ["0", "50", "51"].each do |value|
      assert_equal "x-token: #{value}\r\n", Head.line("x-token", value)
      refute_same Head.line("x-token", value), Head.line("x-token", value)
    end
    refute_same Head.line("x-long", "a" * 129), Head.line("x-long", "a" * 129)
  end

  # They are one client's, and a worker's memory is that of the workers that are forked from it.
  def test_cookies_are_not_remembered
    %w[set-cookie Set-Cookie].each { |name| refute_same Head.line(name, "session=1"), Head.line(name, "session=1") }
    assert_equal ["Set-Cookie: session=1"], head({ "Set-Cookie" => "session=1" })
  end

  # What an application makes of a request's own text has no bound.
  def test_long_names_are_not_remembered
    2.times { assert_equal ["#{"x" * 65}: a"], head({ "x" * 65 => "a" }) }
    refute_same Head.line("x" * 65, "a"), Head.line("x" * 65, "a")
    assert_nil Head.const_get(:KINDS).keys.find { |name| name.size > 64 }
  end

  # Of which there may be ever new ones, and Strings of a class of their own are equal to others.
  def test_names_that_are_no_strings_are_not_remembered
    known = Head.const_get(:LINES).size
    [:"x-symbol", Object.new, Class.new(String).new("x-sub")].each { |name| assert_nil Head.line(name, "a") }
    assert_equal known, Head.const_get(:LINES).size
    assert_equal "x-sub: a\r\n", Head.line("x-sub", "a")
  end

  def test_known_length
    assert_equal ["content-length: 7"], head({}, length: 7)
    assert_equal ["content-length: 5"], head({ "content-length" => "5" }, length: 7)
    assert_equal ["content-encoding: gzip"], head({ "content-encoding" => "gzip" }, length: 7)
    assert_equal [], head({ "transfer-encoding" => "chunked" }, length: 7)
  end

  def test_no_length_without_a_body
    [204, 205, 304].each { |status| assert_equal [], head({ "content-length" => "5", "Transfer-Encoding" => "chunked" }, status: status) }
  end

  {
    "content-length" => ["abc", "-1", "5, 5", "1e3", "", "9" * 30, %w[5 6]],
    "transfer-encoding" => ["gzip", "chunked, gzip", "chunked, chunked"],
    "x" => ["a\0", "a\e[31m", "a\x7f", "a\u0001", "a\rb", ["a\nb"], "a\r\nb", "ü".encode("UTF-16LE"), ["ü\n".encode("UTF-16LE")]],
    "x y" => ["z"], "x\r\ny" => ["z"], "x:" => ["z"], "" => ["z"], "\xff" => ["z"], "ü" => ["z"], "x".encode("UTF-16LE") => ["z"],
    "rack.protocol" => ["websocket"], "rack.hijack" => ["x", true]
  }.each do |name, values|
    values.each { |value| define_method("test_refusal_of_#{name.inspect}_#{value.inspect}") { assert refused({ name => value }) } }
  end

  def test_lengths_that_disagree
    assert_equal "content-length is 5 and 6", refused({ "Content-Length" => "5", "content-length" => "6" })
  end

  def test_headers_that_are_none
    [nil, "text", 5].each { |headers| assert_match(/headers are a/, refused(headers)) }
  end

  def test_what_a_refusal_says
    assert_match(/-1, which asks for a response later on/, refused({}, status: -1))
    [100, 101, 103].each { |status| assert_match(/no place for an interim response or another protocol/, refused({}, status: status)) }
    assert_match(/asks for "websocket": FastCGI knows no other protocol/, refused({ "rack.protocol" => "websocket" }))
  end

  def test_callbacks
    events = []
    app = lambda do |env|
      env["rack.after_reply"] << -> { events << :first } << -> { raise "oh" } << -> { events << :second }
      env["rack.response_finished"] << ->(*arguments) { events << arguments.drop(1) }
      raise "broken" if env["PATH_INFO"] == "/broken"

      [200, { "x" => "y" }, ["z"]]
    end
    serve(app, lint: false)
    connect.get
    served
    assert_equal [:first, :second, [200, { "x" => "y" }, nil]], events
    assert_match(%r{launcher: rack.after_reply of GET /: RuntimeError: oh}, log)
    events.clear
    connect.get("/broken")
    served
    assert_equal %i[first second], events.first(2)
    assert_equal [nil, nil, "broken"], [*events.last.first(2), events.last.last.message]
  end
end
