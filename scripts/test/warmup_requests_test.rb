# frozen_string_literal: true

require "minitest"
require "socket"
require "stringio"
require "tempfile"
require "fastcgi/responder"
require "settings"
require "memory/warmup_requests"

class WarmupRequestsTest < Minitest::Test
  def setup
    @log = StringIO.new
    @seen = []
  end

  def warmup(paths: ["/posts"], host: "shop.example", headers: {}, count: 1, **options)
    described = PreforkLauncher::Settings::Warmup.new(paths, host, headers, count)
    PreforkLauncher::WarmupRequests.new(described, PreforkLauncher::FastCGI::ErrorStream.new(@log), url_prefix: nil, **options)
  end

  def app(status = 200, body = ["ok"])
    lambda do |env|
      @seen << env
      [status, {}, body]
    end
  end

  def test_a_request_as_a_web_server_would_hand_it_over
    warmup(paths: ["/posts?page=2"], headers: { "Accept-Language" => "de", "X-Forwarded-Proto" => "https" }).run(app)
    expected = { "REQUEST_METHOD" => "GET", "SCRIPT_NAME" => "", "PATH_INFO" => "/posts", "QUERY_STRING" => "page=2",
                 "HTTP_HOST" => "shop.example",
                 "SERVER_NAME" => "shop.example", "SERVER_PORT" => "80", "HTTP_ACCEPT_LANGUAGE" => "de",
                 "HTTP_X_FORWARDED_PROTO" => "https",
                 "rack.url_scheme" => "http" }
    assert_equal expected, @seen.first.slice(*expected.keys)
    assert_equal "", @seen.first["rack.input"].read
    assert_empty @log.string
  end

  # Of any encoding and any length (a length above 127 takes four bytes).
  def test_requests_with_other_than_ascii
    path = "/straße/#{'x' * 70_000}"[0, 60_000]
    warmup(paths: [path], headers: { "X-Name" => "Käthe", "X-Bytes" => "\xff".b }).run(app)
    assert_equal [path.b, "Käthe".b, "\xff".b], @seen.first.values_at("PATH_INFO", "HTTP_X_NAME", "HTTP_X_BYTES").map(&:b)
    assert_empty @log.string
  end

  def test_each_path_as_often_as_said_on_another_thread
    threads = []
    warmup(paths: %w[/a /b], count: 3).run(->(env) { (threads << Thread.current) && app.call(env) })
    assert_equal %w[/a /b /a /b /a /b], @seen.map { |env| env["PATH_INFO"] }
    refute_includes threads, Thread.current
  end

  def test_bodies_are_read_and_closed_and_the_request_is_ended
    events = []
    body = Object.new
    body.define_singleton_method(:each) { |&block| events << :each && block.call("x") }
    body.define_singleton_method(:close) { events << :close }
    finish = ->(_env, status, _headers, error) { events << [status, error] }
    warmup.run(->(env) { (env["rack.response_finished"] = [finish]) && [200, {}, body] })
    assert_equal [:each, :close, [200, nil]], events
  end

  def test_what_goes_wrong_is_told_once_for_each_path
    broken = { "/500" => -> { [500, {}, []] }, "/302" => -> { [302, {}, []] }, "/raise" => -> { raise "no\nway" },
               "/exit" => -> { exit(3) },
               "/abort" => -> { Thread.current.kill }, "/nil" => -> {} }
    warmup(paths: broken.keys, count: 2).run(->(env) { broken.fetch(env["PATH_INFO"]).call })
    assert_equal ["launcher: warm-up: /500 answered 500", "launcher: warm-up: /302 answered 302",
                  "launcher: warm-up: /raise RuntimeError: no",
                  "launcher: warm-up: /exit SystemExit: exit"], @log.string.lines(chomp: true)
  end

  # As in a library that waits in C: nothing ends its thread.
  def test_one_that_hangs_and_cannot_be_ended
    held = Queue.new
    warmup(seconds: 0.1).run(->(_env) { Thread.handle_interrupt(Object => :never) { held.pop } })
    assert_match(/\Alauncher: warm-up is given up after 0\.1 s, at .*warmup_requests_test\.rb/, @log.string)
  ensure
    held << nil
  end

  def test_one_that_hangs_is_given_up_for_good
    warmup = warmup(seconds: 0.1)
    held = Queue.new
    warmup.run(->(_env) { held.pop })
    assert_match(/\Alauncher: warm-up is given up after 0\.1 s, at .*warmup_requests_test\.rb/, @log.string)
    warmup.run(->(_env) { flunk })
  end
end
