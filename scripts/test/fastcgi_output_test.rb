# frozen_string_literal: true

require "objspace"
require_relative "support/fastcgi_case"

# What a responder writes, and the memory that it needs for that.
class FastCGIOutputTest < FastCGICase
  Output = PreforkLauncher::FastCGI::Output

  # A connection that takes what is written.
  class Taker
    attr_reader :written

    def initialize
      @written = []
    end

    def end_response(_whole)
      yield
    end

    def write(bytes, _rest)
      @written << bytes.dup # as a library that traces may do, and has its memory from here on
    end
  end

  # Pairs of a type and a content.
  def records(bytes)
    found = []
    until bytes.empty?
      _version, type, _id, length, padding = bytes.unpack("CCnnC")
      found << [type, bytes.byteslice(8, length)]
      bytes = bytes.byteslice(8 + length + padding, bytes.bytesize)
    end
    found
  end

  def test_parts_of_any_size_make_one_body
    random = Random.new(7)
    buffer = Output::Buffer.new
    all = [[0], [1], [65_527], [65_528], [65_529], [131_056, 1], [65_520, 8], [65_520, 9], [200_000], Array.new(40) { random.rand(30_000) }]
    all.each do |sizes|
      taker = Taker.new
      output = Output.new(taker, 1, buffer)
      parts = sizes.map { |size| random.bytes(size) }
      parts.each { |part| output.append(part) }
      output.finish
      *stdout, last, ended = records(taker.written.join)
      assert_equal parts.join, stdout.map(&:last).join, sizes.inspect
      assert_equal [[6, ""], [3, "\0" * 8]], [last, ended]
      assert(stdout.none? { |type, content| type != 6 || content.empty? }, sizes.inspect)
      assert_operator taker.written.map(&:bytesize).max, :<=, Output::FULL_BYTES + 24
    end
  end

  def test_text_of_any_encoding
    taker = Taker.new
    output = Output.new(taker, 1)
    ["é", "\xff".b, "x".encode("UTF-16LE"), "ascii"].each { |text| output.append(text) }
    output.finish
    assert_equal "\xc3\xa9\xffx\0ascii".b, records(taker.written.join).first.last
  end

  # A record without content would end the stream.
  def test_what_ends_before_its_size
    [0, 1, 65_528, 70_000].each do |size|
      taker = Taker.new
      output = Output.new(taker, 1)
      assert_equal size, output.copy(StringIO.new("x" * size), 200_000)
      output.finish
      *stdout, last, ended = records(taker.written.join)
      assert_equal [size, ["", 3]], [stdout.sum { |_, content| content.bytesize }, [last.last, ended.first]]
      assert(stdout.none? { |_, content| content.empty? })
    end
  end

  # Takes what is written to it.
  def quiet
    Class.new do
      def write(*); end

      def end_response(_whole)
        yield
      end
    end.new
  end

  # Memory that goes back to the system with each response comes again page by page.
  def test_large_responses_use_the_same_memory
    buffer = Output::Buffer.new
    big = "x".b * 1_000_000
    sizes = Array.new(4) do
      output = Output.new(quiet, 1, buffer)
      output.append(big)
      output.finish
      ObjectSpace.memsize_of(buffer.held)
    end
    assert_equal 1, sizes.uniq.size, sizes.inspect
    assert_operator sizes.first, :>, 65_536
    assert_operator sizes.first, :<, 200_000
  end

  # What a file has, through a socket.
  def sent(bytes, from: 0, size: bytes.bytesize - from)
    ours, theirs = UNIXSocket.pair
    connection = PreforkLauncher::FastCGI::Connection.new(theirs, limits: limits, interrupts: [], buffer: String.new)
    reader = Thread.new { ours.read }
    Tempfile.create("body") do |file|
      file.binmode
      file.write(bytes)
      file.pos = from
      output = Output.new(connection, 7)
      output.append("head")
      output.copy_file(file, size)
      output.finish
    ensure
      connection.close
    end
    records(reader.value)
  end

  def test_a_file_of_any_size
    random = Random.new(5)
    [1, 65_523, 65_524, 65_528, 65_529, 131_056, 131_057, 1_000_000].each do |size|
      bytes = random.bytes(size)
      *stdout, last, ended = sent(bytes)
      assert_equal "head".b + bytes, stdout.map(&:last).join, size.to_s
      assert_equal [[6, ""], [3, "\0" * 8]], [last, ended]
      assert(stdout.none? { |type, content| type != 6 || content.empty? }, size.to_s)
    end
    *stdout, _, _ = sent("x" * 10 + "y" * 100_000, from: 10)
    assert_equal "head#{'y' * 100_000}", stdout.map(&:last).join
  end

  def test_a_file_that_becomes_shorter
    assert_raises(PreforkLauncher::FastCGI::InvalidResponse) { sent("x" * 100_000, size: 200_000) }
  end

  def test_a_file_and_a_peer_that_reads_nothing
    ours, theirs = UNIXSocket.pair
    connection = PreforkLauncher::FastCGI::Connection.new(theirs, limits: limits(write_seconds: 0.01), interrupts: [], buffer: String.new)
    Tempfile.create("body") do |file|
      file.truncate(10_000_000)
      assert_raises(PreforkLauncher::FastCGI::DeadlinePassed) { Output.new(connection, 1).copy_file(file, 10_000_000) }
    end
    ours.close
    connection.close
  end

  # The kernel takes what it has room for, and the rest later.
  def test_a_peer_that_reads_bit_by_bit
    body = Random.new(3).bytes(700_000)
    serve(->(_) { [200, { "content-type" => "text/plain" }, [body.byteslice(0, 123_456), body.byteslice(123_456, 700_000)]] }, lint: false)
    client = connect
    client.socket.setsockopt(Socket::SOL_SOCKET, Socket::SO_RCVBUF, 4096)
    client.send(Wire.request(FastCGIClient.params("/")))
    bytes = String.new
    while (more = client.socket.read(1999))
      bytes << more
    end
    assert_equal body, records(bytes).select { |type, _| type == 6 }.map(&:last).join.split("\r\n\r\n", 2).last
  end
end
