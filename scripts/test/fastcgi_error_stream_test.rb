# frozen_string_literal: true

require_relative "support/fastcgi_case"

# What reaches the log, whatever a client sends and an application raises.
class FastCGIErrorStreamTest < FastCGICase
  TEXT = { "content-type" => "text/plain" }.freeze
  RAW = "/caf\xc3\xa9/\xff".b

  def failing(uri, error, **more)
    serve(->(_) { raise error }, lint: false)
    assert_equal 500, connect.get(uri, **more).status
    served
    log
  end

  def test_raw_path_beside_a_message_in_utf8
    told = failing(RAW, ArgumentError.new("größer"))
    assert_match(%r{\Alauncher: GET /café/\?: ArgumentError: größer$}, told)
    assert_match(/fastcgi_error_stream_test.rb/, told)
  end

  def test_raw_path_beside_a_failure_of_close_and_of_a_callback
    body = [].tap { |one| one.define_singleton_method(:close) { raise "größer" } }
    serve(->(env) { env["rack.response_finished"] = [->(*) { raise "später" }]; [200, TEXT, body] }, lint: false)
    connect.get(RAW)
    served
    assert_match(%r{launcher: close the body of GET /café/\?: RuntimeError: größer$}, log)
    assert_match(%r{launcher: rack.response_finished of GET /café/\?: RuntimeError: später$}, log)
  end

  def test_control_characters_of_a_path
    told = failing("/\e]0;x\a/\xc2\x9b31m/\xe2\x80\xae/".b, RuntimeError.new("oh"))
    assert_includes told, 'GET /\u001b]0;x\u0007/\u009b31m/\u202e/: RuntimeError: oh'
    refute_match(/[\e\a\u009b\u202e]/, told)
  end

  def test_control_characters_of_a_message_and_of_a_frame
    error = RuntimeError.new("no route \u202e\e[2J\ntwo\rthree")
    error.define_singleton_method(:backtrace) { ["a\e.rb:1:in `\u009b'"] }
    told = failing("/", error)
    assert_includes told, %(no route \\u202e\\u001b[2J\n\ttwo\\u000dthree\n\ta\\u001b.rb:1:in `\\u009b'\n)
  end

  def test_message_that_looks_like_a_report
    told = failing("/", RuntimeError.new("no such name: x\nlauncher: GET /admin: all is well"))
    assert_equal 1, told.scan(/^launcher: /).size
  end

  def test_control_characters_of_a_method
    told = failing("/", RuntimeError.new("oh"), "REQUEST_METHOD" => "X" * 60_000)
    assert_operator told.lines.first.bytesize, :<, 1_000
    serve
    assert_equal 400, connect.get("/", "REQUEST_METHOD" => "G\e[2J").status
    refute_includes log, "\e"
  end

  def test_long_paths_are_cut
    told = failing("/#{"x" * 60_000}", RuntimeError.new("oh"))
    assert_match(%r{\Alauncher: GET /x{495} \(cut: 60005 bytes\): RuntimeError: oh$}, told)
  end

  def test_long_messages_are_cut
    told = failing("/", RuntimeError.new("y" * 60_000))
    assert_match(/RuntimeError: y{8000} \(cut: 60000 bytes\)$/, told)
  end

  def test_long_refusals_are_cut
    serve(limits: limits(drain_seconds: 0.01))
    assert_equal 400, connect.get("x" * 60_000).status
    served
    assert_match(/refused a FastCGI request with 400: REQUEST_URI is no request target: "xxx/, log)
    assert_operator log.bytesize, :<, 1_000
  end

  def test_every_part_of_an_exception_may_fail
    type = Class.new(StandardError) do
      define_singleton_method(:to_s) { raise "no name" }
      define_method(:message) { raise NotImplementedError, "no message" }
      define_method(:cause) { raise "no cause" }
    end
    told = failing("/", type.new)
    assert_match(/\(its class raised RuntimeError\): \(its message raised NotImplementedError\)\n\t.*fastcgi_error_stream_test.rb/, told)
    type = Class.new(StandardError) { define_method(:backtrace) { raise "no frames" } }
    assert_match(/oh\n\t\(its backtrace raised RuntimeError\)/, failing("/", type.new("oh")))
    type = Class.new(StandardError) { define_method(:backtrace) { "no list" } }
    assert_match(/oh\n\tno list/, failing("/", type.new("oh")))
    type = Class.new(StandardError) { define_method(:message) { nil } }
    assert_match(/\(its message raised|: \n/, failing("/", type.new))
  end

  def test_causes_that_go_in_a_circle
    error = RuntimeError.new("round")
    other = RuntimeError.new("about")
    error.define_singleton_method(:cause) { other }
    other.define_singleton_method(:cause) { error }
    other.define_singleton_method(:==) { |_| raise "not comparable" }
    assert_equal 1, failing("/", error).scan("caused by").size
  end

  def test_causes_in_all_encodings
    error = RuntimeError.new("\xff\xfe größer".b)
    cause = RuntimeError.new("größer".encode("UTF-16LE"))
    cause.set_backtrace(["gr\xf6\xdfer.rb:1".b])
    error.define_singleton_method(:cause) { cause }
    assert_match(/\?\? größer\n.*caused by: RuntimeError: größer\n\tgr\?\?er.rb:1/m, failing(RAW, error))
  end

  def test_log_in_another_encoding
    reader, writer = IO.pipe
    writer.set_encoding("ISO-8859-1", "UTF-8")
    @log = writer
    serve(->(_) { raise "größer 語\nzwei" }, lint: false)
    assert_equal 500, connect.get(RAW).status
    served
    writer.close
    told = reader.read
    assert_includes told, 'RuntimeError: gr\u00F6\u00DFer \u8A9E'
    assert_operator told.lines.size, :>, 2
  end

  def test_what_the_application_writes
    serve(lambda do |env|
      errors = env["rack.errors"]
      errors << "a\e[31m" << "\xff".b << "\n"
      errors.puts(["b", ["c\u202e"]], nil, "d\n")
      errors.puts
      errors.print("e", 1, "\n")
      errors.printf("%s-%d\n", "f", 2)
      env["test.bytes"] = errors.write("gü", :h)
      errors.fsync
      [200, TEXT, [errors.write("\n").to_s, env["test.bytes"].to_s]]
    end, lint: false)
    assert_equal "14", connect.get.body
    assert_equal "a\\u001b[31m?\nb\nc\\u202e\n\nd\n\ne1\nf-2\ngüh\n", log
  end

  def test_hints
    assert_match(/^launcher: hint: .*no connection to give away/, failing("/", nil_call))
    serve(->(_) { throw :async }, lint: false)
    assert_equal 500, connect.get.status
    assert_match(/uncaught throw :async\n.*^launcher: hint: throw :async asks for a response later/m, log)
    log.clear
    refute_match(/hint/, failing("/", NoMethodError.new("x", :call)))
  end

  def nil_call
    nil.call
  rescue NoMethodError => error
    error
  end

  def test_json_that_an_application_has_broken
    require "json"
    PreforkLauncher::FastCGI::LogLines.json = true
    serve(->(env) { env["rack.errors"].puts("one"); raise "oh" }, lint: false)
    JSON.stub(:generate, ->(*) { raise NotImplementedError }) do
      connect.get
      served
    end
    assert_match(%r{\Aone\nlauncher: GET /: RuntimeError: oh\n\t.*fastcgi_error_stream_test}, log)
  ensure
    PreforkLauncher::FastCGI::LogLines.json = false
  end

  # With --log-format json each line is an object, whatever the path and the message.
  def test_json
    require "json"
    PreforkLauncher::FastCGI::LogLines.json = true
    error = begin
      begin
        raise KeyError, "no\nkey \u202e"
      rescue KeyError
        raise ArgumentError, "größer"
      end
    rescue ArgumentError => caught
      caught
    end
    app = lambda do |env|
      env["rack.errors"].puts("one", "two\e")
      raise error
    end
    serve(app, lint: false)
    connect.get(RAW)
    served
    lines = log.lines.map { |line| JSON.parse(line) }
    assert_equal %w[one two\\u001b], lines.first(2).map { |line| line["line"] }
    told = lines.fetch(2)
    assert_equal ["ERROR", "GET /café/?", "ArgumentError: größer"], told.values_at("level", "msg", "error")
    assert_match(/fastcgi_error_stream_test/, told["frames"].first)
    assert_equal ["KeyError: no\nkey \\u202e"], told["caused_by"].map { |cause| cause["error"] }
    assert_match(/\A\d{4}-\d\d-\d\dT.*Z\z/, told["time"])
    assert_equal Process.pid, told["pid"]
    assert_equal 3, lines.size
  ensure
    PreforkLauncher::FastCGI::LogLines.json = false
  end
end
