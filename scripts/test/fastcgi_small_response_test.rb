# frozen_string_literal: true

require_relative "support/fastcgi_case"

# What SmallResponse sends is what Response would have sent, and it leaves to that one whatever is not so.
class FastCGISmallResponseTest < FastCGICase
  FastCGI = PreforkLauncher::FastCGI
  ENV_OF = ->(method) { { "REQUEST_METHOD" => method, "REQUEST_PATH" => "/", "rack.input" => StringIO.new } }
  Told = Class.new(String) { define_method(:to_s) { "told" } }
  STATUSES = [200, 201, 204, 205, 206, 302, 304, 404, 500, 299, 100, 1000, "200", 200.0, nil].freeze
  NAMES = ["content-type", "Content-Type", "x-a", "ETag", "set-cookie", "content-length", "Content-Length", "content-encoding",
           "transfer-encoding", "x-sendfile", "status", "connection", "rack.x", "rack.hijack", "content-range", :symbol,
           "x y", "x\n", "ü"].freeze
  VALUES = ["text/html", "a", "", "5", "0", "ü", "a\nb", "a\r", "\0", "a" * 129, "b" * 4000, 5, nil, :a, true, %w[a b], "chunked",
            "identity", "\xff", "x".encode("UTF-16LE"), Told.new("a"), " 5"].freeze
  BODIES = ["Hello", "", "é", "\xff\0".b, "x".encode("UTF-16LE"), "x" * 26_000, "x" * 61_440, "x" * 61_441, "x" * 65_528,
            "x" * 70_000, nil, 5].freeze

  class Taker
    attr_reader :written

    def initialize
      @written = []
    end

    def end_response(_whole)
      yield
    end

    def write(bytes, _rest)
      @written << bytes.dup
    end
  end

  def setup
    @random = Random.new(Integer(ENV.fetch("FASTCGI_FUZZ_SEED", "1")))
  end

  def test_same_bytes
    sent = 2000.times.count do
      status = @random.rand(3).zero? ? STATUSES.sample(random: @random) : 200
      body = body_of_any_form
      headers = headers_for(body)
      agree(request(@random.rand(8).zero? ? "HEAD" : "GET"), status, headers, body)
    end
    assert_operator sent, :>, 100
  end

  # Up to a full record and beyond.
  def test_every_size_around_a_record
    sent = (61_330..61_445).map { |size| agree(request, 200, { "x" => "y" * 4090 }, ["z" * size]) }
    assert_equal [true, false], sent.uniq
    assert_equal [true, false], (61_400..61_450).map { |size| agree(request, 200, {}, ["z" * size]) }.uniq
  end

  def test_ever_new_values_are_right
    agreed = Array.new(100) { |number| agree(request, 200, { "etag" => number.to_s, "content-type" => "text/plain" }, ["a"]) }
    assert agreed.all?
    assert agree(request, 200, { "etag" => "1" }, ["a"])
  end

  # What it leaves alone may have been asked but not used: the application's objects are as they were.
  def test_headers_that_can_be_read_once
    calls = 0
    headers = Enumerator.new { |lines| lines << ["x", (calls += 1).to_s] }
    refute FastCGI::SmallResponse.deliver(request, FastCGI::Output.new(Taker.new, 1), 200, headers, ["a"])
    assert_equal 0, calls
  end

  def test_another_request_id
    [1, 2, 258, 65_535].each { |id| assert agree(request, 200, { "x" => "y" }, ["a"], id: id) }
  end

  private

  def request(method = "GET")
    FastCGI::Request.new(1, false, ENV_OF.call(method))
  end

  def body_of_any_form
    one = BODIES.sample(random: @random)
    @random.rand(10).zero? ? [[], [one, one], one, nil].sample(random: @random) : [one]
  end

  def headers_for(body)
    headers = Array.new(@random.rand(4)) do
      usual = @random.rand(2).zero?
      [NAMES.first(usual ? 5 : NAMES.size).sample(random: @random), VALUES.first(usual ? 5 : VALUES.size).sample(random: @random)]
    end
    size = body.is_a?(Array) ? body.first.to_s.bytesize : 0
    lengths = [size.to_s, size, "0#{size}", (size + 1).to_s, [size.to_s]]
    headers << ["content-length", lengths.sample(random: @random)] if @random.rand(2).zero?
    headers.shuffle(random: @random).to_h
  end

  # Returns whether it was sent at once.
  def agree(request, status, headers, body, id: 1)
    told = -> { [status, headers, body.inspect.byteslice(0, 50)].inspect }
    notes = Notes.new
    wanted = attempt(id) do |output|
      FastCGI::Response.new(request, output, nil, errors: notes, limits: limits).deliver(status, headers, body)
    end
    sent = nil
    got = attempt(id) { |output| sent = FastCGI::SmallResponse.deliver(request, output, status, headers, body) }
    assert_equal sent == false ? "" : wanted, got, told
    return sent if sent == false

    assert_empty notes.notes
    sent
  end

  Notes = Class.new do
    def notes
      @notes ||= []
    end

    def note(text)
      notes << text
    end
  end

  # Returns what was written, and what was raised before it.
  def attempt(id)
    taker = Taker.new
    output = FastCGI::Output.new(taker, id)
    yield output
    assert_equal !taker.written.empty?, output.finished?
    taker.written.join
  rescue StandardError => error
    "#{error.message} #{taker.written.join}"
  end
end
