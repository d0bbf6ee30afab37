# frozen_string_literal: true

require "minitest"
require "tmpdir"
require_relative "../dev/wire/exchange"
require_relative "../dev/wire/kind"
require_relative "../dev/wire/load"
require_relative "../dev/wire/report"
require_relative "../dev/wire/trial"

# What makes a round of "make bench-wire" count as failed, and what its figures are made of.
class BenchWireTest < Minitest::Test
  HELLO = BenchWire::Kind.named("hello")
  GOOD = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"

  # Returns what an exchange makes of these bytes.
  def exchange(response, method = :check)
    Dir.mktmpdir do |folder|
      BenchWire::Bodies.write(folder, [HELLO])
      server = TCPServer.new("127.0.0.1", 0)
      peer = Thread.new do
        socket = server.accept
        socket.readpartial(1000)
        socket.write(response)
        socket.close
      end
      BenchWire::Exchange.new(server.addr[1], HELLO, folder).public_send(method)
    ensure
      peer&.join
      server&.close
    end
  end

  def test_good_response
    assert_equal GOOD.bytesize, exchange(GOOD)
    assert_equal GOOD.bytesize, exchange(GOOD, :make)
  end

  def test_bad_responses
    { "HTTP/1.1 503 Busy\r\nContent-Length: 6\r\n\r\nhello\n" => "status 503",
      "HTTP/1.1 302 Found\r\nContent-Length: 6\r\n\r\nhello\n" => "status 302",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" => "5 bytes, not 6",
      "HTTP/1.1 200 OK\r\n\r\nhello\n" => "no Content-Length",
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhel" => "cut off",
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n\n" => "more than its length",
      "HTTP/1.1 200 OK\r\nContent-Le" => "cut off",
      "" => "cut off" }.each do |response, message|
      error = assert_raises(BenchWire::Exchange::Failed, response) { exchange(response, :make) }
      assert_equal message, error.message
    end
    error = assert_raises(BenchWire::Exchange::Failed) { exchange(GOOD.sub("hello\n", "holla\n")) }
    assert_equal "another body", error.message
  end

  def failed_of(**figures)
    told = { "requests" => 1000, "bytes" => 100_500, "connect" => 0, "read" => 0, "write" => 0, "status" => 0, "timeout" => 0 }
    BenchWire::Wrk.new(10).send(:failures, told.merge(figures.transform_keys(&:to_s)), 100)
  end

  def test_what_wrk_tells
    assert_empty failed_of
    assert_equal ["read 2", "timeout 1"], failed_of(read: 2, timeout: 1)
    assert_equal ["status 3"], failed_of(status: 3)
    assert_equal ["another length"], failed_of(bytes: 70_000)
    assert_equal ["another length"], failed_of(bytes: 150_000)
    assert_equal ["no response"], failed_of(requests: 0, bytes: 50)
  end

  def sample(server, round, rate, cpu, failure = nil)
    BenchWire::Sample.new(round: round, kind: "hello", server: server, requests: 10, rate: rate, p50: 1.0, p99: 2.0, cpu: cpu, user: 1.0,
                          system: 2.0, rest: 3.0, failure: failure)
  end

  # Returns the row of a server among those of these samples.
  def row(server, *samples)
    servers = samples.map(&:server).uniq.map { |name| Struct.new(:name, :sendfile?).new(name, true) }
    report = BenchWire::Report.new([HELLO], servers, { "Puma" => "no program puma" })
    samples.each { |one| report.add(one) }
    [report.markdown({}).lines.find { |line| line.start_with?("| #{server} |") }.chomp, report.failed?]
  end

  def test_ratios_are_of_the_same_round
    samples = [sample("libfcgi in C", 1, 1000, 10.0), sample("launcher", 1, 500, 30.0), sample("Unicorn", 1, 900, 20.0),
               sample("libfcgi in C", 2, 100, 10.0), sample("launcher", 2, 90, 50.0), sample("Unicorn", 2, 900, 50.0),
               sample("libfcgi in C", 3, 1000, 10.0), sample("launcher", 3, 700, 40.0), sample("Unicorn", 3, 900, 20.0)]
    assert_equal ["| launcher | 500 (90–700) | 70 % | 40 (30–50) | 1 + 2 | 1.50 | 3 | 1.00 | 2.00 |  |", false], row("launcher", *samples)
  end

  def test_failed_rounds_give_no_figures
    samples = [sample("launcher", 1, 500, 30.0, "read 1"), sample("launcher", 2, 90, 50.0), sample("libfcgi in C", 2, 900, 5.0, "read 2")]
    line, failed = row("launcher", *samples)
    assert failed
    assert_equal "| launcher | 90 (90–90) | – | 50 (50–50) | 1 + 2 | – | 3 | 1.00 | 2.00 | **1 of 2 rounds failed**: read 1 |", line
    assert_includes row("libfcgi in C", *samples).first, "| libfcgi in C | – | – |"
  end

  def test_workers_that_were_replaced_give_no_cpu
    line, failed = row("launcher", sample("launcher", 1, 500, nil), sample("launcher", 2, 700, 40.0))
    refute failed
    assert_equal "| launcher | 600 (500–700) | – | 40 (40–40) | 1 + 2 | – | 3 | 1.00 | 2.00 | workers were replaced in 1 |", line
  end

  def test_what_is_missing_is_told
    assert_includes row("Puma", sample("launcher", 1, 500, 1.0)).first, "not there: no program puma"
  end
end
