# frozen_string_literal: true

require_relative "support/fastcgi_case"

# Parameters that come more than once, and what else web servers do to names and lengths.
class FastCGIRepeatedTest < FastCGICase
  def seen(*pairs, software: nil, body: nil)
    env = nil
    serve ->(given) { env = given.dup; PLAIN.call(given) }, lint: false, limits: limits(drain_seconds: 0.01)
    client = connect
    bytes = Wire.pairs(FastCGIClient.params("/", body, "SERVER_SOFTWARE" => software))
    pairs.each { |name, value| bytes << Wire.pair(name, value) }
    client.send(Wire.begin_request + Wire.stream(4, bytes) + Wire.stream(5, body.to_s))
    reply = client.reply
    served
    reply.status == 200 ? env : reply.status
  end

  def test_lists_are_joined
    [nil, "nginx/1.22.1", "HAProxy 2.6.12"].each do |software|
      env = seen(%w[HTTP_X_DUP a], %w[HTTP_COOKIE a=1], %w[HTTP_X_DUP b], %w[HTTP_COOKIE b=2], %w[HTTP_X_DUP c],
                 %w[HTTP_ACCEPT 1], %w[HTTP_ACCEPT 2], software: software)
      assert_equal "1, 2", seen(%w[HTTP_X_REQUEST_ID 1], %w[HTTP_X_REQUEST_ID 2], software: software)["HTTP_X_REQUEST_ID"]
      assert_equal ["a, b, c", "a=1; b=2", "1, 2"], env.values_at("HTTP_X_DUP", "HTTP_COOKIE", "HTTP_ACCEPT"), software
    end
  end

  # A lighttpd may be told not to give its name.
  def test_where_a_request_came_from
    %w[HTTP_X_FORWARDED_FOR HTTP_FORWARDED].each do |name|
      ["nginx/1.22.1", "HAProxy 2.6.12"].each { |software| assert_equal "1, 2", seen([name, "1"], [name, "2"], software: software)[name] }
      [nil, "", "web", "lighttpd"].each { |software| assert_equal 400, seen([name, "1"], [name, "2"], software: software) }
    end
  end

  def test_what_has_one_value
    single = %w[HTTP_HOST HTTP_AUTHORIZATION HTTP_X_FORWARDED_PROTO HTTP_X_FORWARDED_HOST HTTP_X_FORWARDED_SSL HTTP_X_REAL_IP
                HTTP_CLIENT_IP]
    single.each do |name|
      assert_equal 400, seen([name, "proxy"], [name, "client"], software: "HAProxy"), name
      assert_match(/#{name} came more than once, as "proxy" and "client"/, log)
      assert_equal "same", seen([name, "same"], [name, "same"])[name]
      assert_equal "a, b", seen([name, "a"], [name, "b"], software: "nginx/1.22.1")[name]
    end
  end

  # It joins lines of one header itself: these had different names.
  def test_names_alike_in_lighttpd
    %w[HTTP_X_FORWARDED_FOR HTTP_X_USER HTTP_COOKIE].each do |name|
      assert_equal 400, seen([name, "proxy"], [name, "client"], software: "lighttpd/1.4.69"), name
      assert_equal "same", seen([name, "same"], [name, "same"], software: "lighttpd/1.4.69")[name]
    end
  end

  def test_others_have_their_last_value
    assert_equal "last", seen(%w[REMOTE_USER first], %w[REMOTE_USER last], software: "lighttpd/1.4.69")["REMOTE_USER"]
  end

  def test_names_with_a_period
    env = seen(%w[HTTP_X_USER proxy], %w[HTTP_X.USER client])
    assert_equal ["proxy", nil], env.values_at("HTTP_X_USER", "HTTP_X.USER")
  end

  def test_length_unknown_to_caddy
    serve
    client = connect
    params = FastCGIClient.params("/", "abc", "CONTENT_LENGTH" => "-1")
    client.send(Wire.begin_request + Wire.params(params) + Wire.stream(5, "abcde"))
    assert_equal "POST / 5", client.reply.body
    assert_equal "GET / 0", connect.get("/", "CONTENT_LENGTH" => "-1").body
  end

  def test_coding_that_nginx_leaves
    env = seen(%w[HTTP_TRANSFER_ENCODING chunked], body: "abc")
    assert_equal ["3", nil], env.values_at("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")
  end

  def test_body_of_http2_without_a_length
    serve
    client = connect
    params = FastCGIClient.params("/", "abc", "CONTENT_LENGTH" => "", "SERVER_PROTOCOL" => "HTTP/2.0")
    client.send(Wire.begin_request + Wire.params(params) + Wire.stream(5, "abcde"))
    assert_equal "POST / 5", client.reply.body
    client = connect
    client.send(Wire.begin_request + Wire.params(FastCGIClient.params("/", "SERVER_PROTOCOL" => "HTTP/2.0")))
    assert_equal "GET / 0", client.reply.body
  end

  {
    "example.com:8080" => "example.com", "[::1]:80" => "[::1]", "::1" => "[::1]", "2001:db8::1" => "[2001:db8::1]", "1.2.3.4:" => "1.2.3.4",
    "_" => "host.example", '~^(www\.)?x$' => "host.example", "a b" => "host.example", "" => "host.example", ":80" => "host.example",
    "caf\xc3\xa9.example" => "host.example", "*.example.com" => "*.example.com", "[::1]" => "[::1]",
    "%2" => "host.example", "100%" => "host.example", "%zz.example" => "host.example", "%41.example" => "%41.example",
    "::1::1:" => "host.example", "[::1::1:]" => "host.example", "[:::]" => "host.example", "1:2:3:4:5:6:7:8:9" => "host.example",
    "1:2:3:4:5:6::8" => "[1:2:3:4:5:6::8]", "1:2:3:4:5:6:7::8" => "host.example",
    "1:2:3:4:5:6:7:8" => "[1:2:3:4:5:6:7:8]", "::" => "[::]", "[12345::]" => "host.example",
    "::ffff:192.0.2.1" => "[::ffff:192.0.2.1]", "[::ffff:192.0.2.256]:80" => "host.example", "[192.0.2.1]" => "host.example"
  }.each do |given, expected|
    define_method("test_server_name_#{given.b.inspect}") do
      assert_equal expected, seen(["SERVER_NAME", given], %w[HTTP_HOST host.example:80])["SERVER_NAME"]
    end
  end

  def test_server_name_without_a_host
    assert_equal "localhost", seen(["SERVER_NAME", "_"], ["HTTP_HOST", "a b"])["SERVER_NAME"]
    assert_equal "localhost", seen(["SERVER_NAME", "a/b"])["SERVER_NAME"]
  end

  def test_server_port
    { "8080" => "8080", "x" => "80", "-1" => "80", "" => "80" }.each do |given, port|
      assert_equal port, seen(["SERVER_PORT", given])["SERVER_PORT"]
    end
  end

  def test_request_path
    serve ->(env) { [200, { "content-type" => "text/plain" }, [env["REQUEST_PATH"]]] }, url_prefix: "/shop"
    assert_equal "/shop/a%20b", connect.get("/shop/a%20b?c=d").body
  end
end
