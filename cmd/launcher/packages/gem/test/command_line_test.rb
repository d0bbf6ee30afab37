# frozen_string_literal: true

require "minitest/autorun"
require "launcher_ruby/command_line"

class CommandLineTest < Minitest::Test
  # As rackup and "rails server" call a handler.
  RACKUP = { environment: "development", pid: nil, Port: 9292, Host: "localhost", AccessLog: [], config: "/srv/shop/config.ru" }.freeze
  RAILS = { user_supplied_options: [:Port], server: "launcher", log_stdout: true, Port: 3000, Host: "0.0.0.0", DoNotReverseLookup: true,
            config: "config.ru", environment: "production", daemonize: false, pid: "/srv/shop/tmp/pids/server.pid", caching: nil,
            restart_cmd: "bin/rails server --restart", early_hints: nil, AccessLog: [], new_in_rails9: 1 }.freeze

  def line(options, environment = {})
    LauncherRuby::CommandLine.new(options, root: "/srv/shop", environment: environment).to_a.join(" ")
  end

  def test_rackup
    assert_equal "auto --http localhost:9292", line(RACKUP)
  end

  def test_rails
    assert_equal "auto --http 0.0.0.0:3000 --pid-file /srv/shop/tmp/pids/server.pid", line(RAILS)
  end

  def test_number_of_workers
    assert_equal "4 --http localhost:9292", line(RACKUP.merge(workers: "4"))
    assert_equal "--http localhost:9292", line(RACKUP, "WEB_CONCURRENCY" => "3")
    assert_equal "4 --http localhost:9292", line(RACKUP.merge(workers: "4"), "WEB_CONCURRENCY" => "3")
    assert_equal "auto --http localhost:9292", line(RACKUP, "WEB_CONCURRENCY" => " ")
    assert_equal "2 --http localhost:9292", line(RACKUP, "RACK_ENV" => "development")
    assert_equal "auto --http localhost:9292", line(RACKUP, "RACK_ENV" => "development", "RAILS_ENV" => "production")
  end

  def test_addresses
    { "127.0.0.1" => "127.0.0.1:9292", "::1" => "[::1]:9292", "[::1]" => "[::1]:9292", "::" => "[::]:9292", "" => ":9292",
      "tcp://127.0.0.1:80" => "127.0.0.1:80", "tcp://127.0.0.1" => "127.0.0.1:9292", "tcp://[::1]:80/" => "[::1]:80",
      "unix:///run/shop/http.socket" => "unix:/run/shop/http.socket",
      "unix:tmp/http.socket" => "unix:tmp/http.socket" }.each do |host, address|
      assert_equal "auto --http #{address}", line(RACKUP.merge(Host: host))
    end
    assert_match(/cannot listen at ssl:/, refusal(RACKUP.merge(Host: "ssl://0.0.0.0:443")))
  end

  def test_another_file
    assert_equal "auto --http localhost:9292 --rackup sites/admin.ru", line(RACKUP.merge(config: "/srv/shop/sites/admin.ru"))
    assert_equal "auto --http localhost:9292 --rackup /etc/admin.ru", line(RACKUP.merge(config: "/etc/admin.ru"))
    assert_equal "auto --http 0.0.0.0:3000 --rackup admin.ru",
                 line(RAILS.merge(config: "admin.ru", pid: nil))
  end

  def test_background
    assert_equal "auto --http 0.0.0.0:3000 --log-file log/launcher.log", line(RAILS.merge(daemonize: true, pid: nil))
    assert_equal "auto --http 0.0.0.0:3000",
                 line(RAILS.merge(daemonize: true, pid: nil), "LAUNCHER_LOG_FILE" => "log/other.log")
    assert_equal "auto --http localhost:9292", line(RACKUP.merge(daemonize: :noclose))
    assert_equal "auto --http localhost:9292 --log-file=a.log", line(RACKUP.merge(daemonize: true, "log-file": "a.log"))
  end

  def test_options_of_the_launcher
    assert_equal "auto --http localhost:9292 --max-private=20MB --keep-sockets",
                 line(RACKUP.merge("max-private": "20MB", keep_sockets: true))
    assert_equal "auto --http=unix:a.socket", line(RACKUP.merge(http: "unix:a.socket"))
    assert_equal "auto --http localhost:9292 --pid-file=a.pid", line(RACKUP.merge(pid: "b.pid", "pid-file": "a.pid"))
  end

  def test_what_only_this_process_has
    assert_match(/an object alone.*\nTry: write a config.ru/, refusal({ Port: 1, Host: "localhost" }))
    assert_match(/an object alone/, refusal(RACKUP.merge(app: Object.new)))
    assert_match(/--builder has no file/, refusal(RACKUP.merge(builder: "run App")))
    assert_match(/--require loads one, two in this process alone/, refusal(RACKUP.merge(require: %w[one two])))
  end

  def refusal(options)
    assert_raises(LauncherRuby::Error) { line(options) }.message
  end
end
