# frozen_string_literal: true

require_relative "support/refork_case"

# What the supervisor hears of the first request of a worker that was forked from a reforked preloader.
class RequestTrackerTest < ReforkCase
  def test_first_request_that_fails
    worker = start('{ "/raise" => -> { raise "no" }, "/exit" => -> { exit } }')
    preloader = refork_from(worker)
    leave(worker)
    %w[/raise /exit].each do |path|
      next_worker = spawn_worker(preloader, refork: 1)
      assert_equal 500, get(path).first
      assert_equal({ type: "first", status: 500, request: "GET #{path}", **next_worker.key }, said(next_worker.socket))
      leave(next_worker)
    end
  end

  # What is no UTF-8 is no JSON, and a message has a bound.
  def test_first_request_for_bytes_and_for_a_long_path
    worker = start
    preloader = refork_from(worker)
    leave(worker)
    { "/caf\xc3\xa9\xff\e".b => 'GET /café?\u001b', "/#{'x' * 60_000}" => "GET /#{'x' * 495} (cut: 60005 bytes)" }.each do |path, told|
      next_worker = spawn_worker(preloader, refork: 1)
      assert_equal 200, get(path).first
      assert_equal told, said(next_worker.socket)[:request]
      leave(next_worker)
    end
  end

  # Until the web server's request is there to the end, nothing is known of the worker.
  def test_a_peer_that_goes_away_is_no_first_request
    worker = start
    preloader = refork_from(worker)
    leave(worker)
    next_worker = spawn_worker(preloader, refork: 1)
    UNIXSocket.new(@listener.path).close
    assert_equal 200, get("/good").first
    assert_equal "GET /good", said(next_worker.socket)[:request]
  end
end
