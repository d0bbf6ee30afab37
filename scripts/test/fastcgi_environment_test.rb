# frozen_string_literal: true

require_relative "support/fastcgi_case"

class FastCGIEnvironmentTest < FastCGICase
  # The environment that the application sees, and the reply.
  def env_of(uri = "/", body = nil, lint: true, **more)
    seen = nil
    serve(->(env) { seen = env.dup; [200, { "content-type" => "text/plain" }, ["ok"]] }, lint: lint)
    reply = body ? connect.post(uri, body, **more) : connect.get(uri, **more)
    assert_equal 200, reply.status, log
    seen
  end

  def with_rack(release)
    stub = Module.new { const_set(:RELEASE, release) }
    rack = Object.send(:remove_const, :Rack)
    Object.const_set(:Rack, stub) if release
    environment = PreforkLauncher::FastCGI::Environment.new(errors: $stderr, url_prefix: nil)
    environment.build(FastCGIClient.params("/").transform_values(&:dup))
  ensure
    Object.send(:remove_const, :Rack) if Object.const_defined?(:Rack)
    Object.const_set(:Rack, rack)
  end

  def test_constants
    env = env_of
    assert_equal [false, true, false], env.values_at("rack.multithread", "rack.multiprocess", "rack.run_once")
    assert_empty env.keys & %w[rack.hijack rack.hijack_io rack.early_hints rack.protocol async.callback]
    assert_equal Encoding::BINARY, env["REQUEST_URI"].encoding
  end

  def test_by_rack_version
    assert_equal [1, 3], with_rack("2.2.8")["rack.version"]
    refute with_rack("3.1.0").key?("rack.version")
    refute with_rack(nil).key?("rack.version")
    ["2.2.8", "3.1.0", nil].each do |release|
      assert_equal [[], []], with_rack(release).values_at("rack.response_finished", "rack.after_reply")
    end
    assert_equal [false, true, true], ["2.2.8", "3.1.0", nil].map { |release| with_rack(release)["rack.hijack?"] }
  end

  def test_each_request_has_its_own_host
    environment = PreforkLauncher::FastCGI::Environment.new(errors: $stderr, url_prefix: nil)
    names = [%w[_ a.example], %w[_ b.example], %w[c.example b.example], %w[_ b.example], %w[_ b.example]].map do |server, host|
      bytes = FastCGIClient::Wire.pairs(FastCGIClient.params("/", "SERVER_NAME" => server, "HTTP_HOST" => host))
      environment.parse(bytes)["SERVER_NAME"].tap { |name| name << "!" }
    end
    assert_equal %w[a.example! b.example! c.example! b.example! b.example!], names
  end

  # What was found out for requests before makes no difference, nor what their applications did to their environments.
  def test_each_request_has_its_own_environment
    random = Random.new(5)
    make = -> { PreforkLauncher::FastCGI::Environment.new(errors: $stderr, url_prefix: nil) }
    served = make.call
    500.times do
      bytes = FastCGIClient::Wire.pairs(random_params(random))
      env, fresh = [served, make.call].map { |environment| parsed(environment, bytes) }
      assert_equal fresh, env
      next unless env.is_a?(Hash)

      env.each_value { |value| value << "x" if value.is_a?(String) && !value.frozen? }
      env["rack.after_reply"] << 1
      assert_operator env.count { |_, value| value.is_a?(String) && value.frozen? }, :<=, 5
    end
  end

  def random_params(random)
    FastCGIClient.params(
      %w[/ /a /b?c].sample(random: random), "SERVER_NAME" => [nil, "_", "", "a.example", "b.example:1"].sample(random: random),
      "HTTP_HOST" => [nil, "a.example", "a.examplex", "c.example:80", "_"].sample(random: random),
      "HTTPS" => [nil, "on", "off"].sample(random: random),
      "SERVER_PORT" => [nil, "", "80", "443", "8080", "8080x", "123456"].sample(random: random),
      "REQUEST_METHOD" => ["GET", "get", "POST", "G T", ""].sample(random: random),
      "SERVER_PROTOCOL" => [nil, "HTTP/1.1", "HTTP/2.0", "x"].sample(random: random)
    )
  end

  def parsed(environment, bytes)
    environment.parse(bytes)
  rescue PreforkLauncher::FastCGI::Refusal => refusal
    refusal.message
  end

  def test_environment_is_the_requests_own
    environment = PreforkLauncher::FastCGI::Environment.new(errors: $stderr, url_prefix: nil)
    first = environment.build(FastCGIClient.params("/"))
    first["rack.multithread"] = true
    refute environment.build(FastCGIClient.params("/"))["rack.multithread"]
  end

  {
    [nil, nil] => "http", [nil, "http"] => "http", [nil, "https"] => "https", ["on", nil] => "https", ["1", nil] => "https",
    ["on", "http"] => "https", ["off", nil] => "http", ["OFF", "https"] => "http", ["", "https"] => "https", [nil, "ftp"] => "http"
  }.each do |(https, scheme), expected|
    define_method("test_scheme_#{https.inspect}_#{scheme.inspect}") do
      assert_equal expected, env_of("/", "HTTPS" => https, "REQUEST_SCHEME" => scheme)["rack.url_scheme"]
    end
  end

  def test_server_name_and_port
    env = env_of("/", "SERVER_NAME" => nil, "SERVER_PORT" => nil, "HTTP_HOST" => "example.com:8080")
    assert_equal %w[example.com 80], env.values_at("SERVER_NAME", "SERVER_PORT")
    env = env_of("/", "SERVER_NAME" => "", "SERVER_PORT" => "", "HTTPS" => "on", "HTTP_HOST" => "[::1]:3")
    assert_equal %w[[::1] 443], env.values_at("SERVER_NAME", "SERVER_PORT")
    assert_equal "localhost", env_of("/", "SERVER_NAME" => nil)["SERVER_NAME"]
  end

  def test_protocol_and_http_version
    assert_equal %w[HTTP/2.0 HTTP/2.0], env_of("/", "SERVER_PROTOCOL" => "HTTP/2.0").values_at("SERVER_PROTOCOL", "HTTP_VERSION")
    assert_equal %w[HTTP/1.1 HTTP/1.1], env_of("/", "HTTP_VERSION" => "4711").values_at("SERVER_PROTOCOL", "HTTP_VERSION")
    assert_equal %w[HTTP/1.1 HTTP/1.1], env_of("/", "SERVER_PROTOCOL" => "INCLUDED").values_at("SERVER_PROTOCOL", "HTTP_VERSION")
  end

  def test_dropped
    env = env_of("/", "HTTP_PROXY" => "evil:80", "HTTP_CONTENT_LENGTH" => "9", "HTTP_CONTENT_TYPE" => "x", "rack.input" => "x",
                      "rack.session" => "x", "CONTENT_TYPE" => "")
    assert_empty env.keys & %w[HTTP_PROXY HTTP_CONTENT_LENGTH HTTP_CONTENT_TYPE rack.session CONTENT_TYPE]
    refute_kind_of String, env["rack.input"]
  end

  def test_content_length
    refute env_of("/", "CONTENT_LENGTH" => "").key?("CONTENT_LENGTH")
    assert_equal "3", env_of("/", "abc")["CONTENT_LENGTH"]
    seen = nil
    serve ->(env) { seen = env.dup; PLAIN.call(env) }
    client = connect
    params = FastCGIClient.params("/", "REQUEST_METHOD" => "POST", "HTTP_TRANSFER_ENCODING" => "chunked")
    client.send(Wire.begin_request + Wire.params(params) + Wire.stream(5, "abcde"))
    assert_equal "POST / 5", client.reply.body
    assert_equal ["5", nil], seen.values_at("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")
  end

  def test_url_prefix
    serve ->(env) { [200, { "content-type" => "text/plain" }, [env.values_at("SCRIPT_NAME", "PATH_INFO").inspect]] }, url_prefix: "/shop"
    assert_equal '["/shop", "/a"]', connect.get("/shop/a").body
  end

  # Rack 3 does not want it rewound, so its Lint hides that.
  def test_input_is_what_rack_wants
    application = lambda do |env|
      input = env["rack.input"]
      parts = [input.gets, input.read(3), input.read]
      input.rewind
      buffer = +""
      input.read(4, buffer)
      rest = []
      input.each { |line| rest << line }
      [200, { "content-type" => "text/plain" }, [[*parts, buffer, *rest, input.read, input.read(1)].inspect]]
    end
    serve application, lint: Rack.release < "3"
    assert_equal ["one\n", "two", "\nthree", "one\n", "two\n", "three", "", nil].inspect, connect.post("/", "one\ntwo\nthree").body
  end

  def test_large_input_is_an_unlinked_file_that_is_closed
    input = nil
    serve ->(env) { input = env["rack.input"]; [200, { "content-type" => "text/plain" }, [input.read]] },
          lint: false, limits: limits(memory_bytes: 10)
    assert_equal "0123456789a", connect.post("/", "0123456789a").body
    served
    assert_kind_of File, input
    refute File.exist?(input.path)
    assert input.closed?
    connect.post("/", "0123456789")
    served
    assert_kind_of StringIO, input
  end

  def test_input_is_closed_when_the_request_is_not_completed
    serve(limits: limits(memory_bytes: 10))
    count = -> { Dir.children("/proc/self/fd").size }
    client = connect
    before = count.call
    params = Wire.params(FastCGIClient.params("/", "x" * 100))
    client.send(Wire.begin_request(flags: 1) + params + Wire.record(5, "x" * 50) + Wire.record(2))
    assert client.reply.complete
    assert_equal 200, client.get("/", flags: 1).status
    assert_equal before, count.call
  end

  def test_full_disk
    serve(limits: limits(memory_bytes: 10, drain_seconds: 0.01))
    [Errno::ENOSPC, ArgumentError.new("could not find a temporary directory")].each do |error|
      Tempfile.stub(:create, ->(*) { raise error }) do
        assert_equal 500, connect.post("/", "x" * 100).status
      end
    end
    assert_match(/store the request body: No space left/, log)
    assert_equal 200, connect.post("/", "x" * 100).status
  end

  def test_errors
    serve(lambda do |env|
      errors = env["rack.errors"]
      errors.puts("one\ntwo")
      errors.write("three\n")
      errors.flush
      [200, { "content-type" => "text/plain" }, []]
    end)
    reply = connect.get
    assert_equal "one\ntwo\nthree\n", log
    refute(reply.records.any? { |record| record.type == FastCGIClient::STDERR })
  end

  def test_logger_on_errors
    require "logger"
    serve ->(env) { Logger.new(env["rack.errors"]).error("oh"); PLAIN.call(env) }, lint: false
    assert_equal 200, connect.get.status
    assert_match(/ERROR -- : oh/, log)
  end

  def test_errors_that_cannot_be_written
    reader, writer = IO.pipe
    reader.close
    @log = writer
    serve ->(env) { env["rack.errors"].puts("lost"); raise "lost too" }
    assert_equal 500, connect.get.status
    writer.close
    assert_equal 500, connect.get.status
  end
end
