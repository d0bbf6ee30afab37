# frozen_string_literal: true

require_relative "support/fastcgi_wire_case"

# The parameters of a request, as bytes.
class FastCGIParamsTest < FastCGIWireCase
  {
    "lengths far beyond" => "\xff\xff\xff\xff\xff\xff\xff\xffabcdefgh",
    "lengths a little beyond" => "\x32\x32abcdefgh",
    "length cut off" => "\x01\x01ab\x80\0\0",
    "value length cut off" => "\x01\x80\0\0",
    "name without a value's length" => "\x01",
    "NUL in a name" => "\x03\x01A\0Bv", "LF in a name" => "\x03\x01A\nBv", "CR in a name" => "\x03\x01A\rBv",
    "NUL in a value" => "\x01\x03AB\0C", "LF in a value" => "\x01\x03AB\nC", "CR in a value" => "\x01\x03AB\rC"
  }.each do |name, bytes|
    define_method("test_params_with_#{name.tr(" '", "__")}") do
      assert_refused(400, Wire.begin_request + Wire.stream(4, Wire.pairs(FastCGIClient.params("/")) + bytes.b))
    end
  end

  def test_params_split_everywhere
    serve
    params = FastCGIClient.params("/split", "HTTP_LONG" => "x" * 200)
    bytes = Wire.pairs(params)
    (1...bytes.bytesize).step(3) do |cut|
      client = connect
      client.send(Wire.begin_request + Wire.record(4, bytes.byteslice(0, cut)) + Wire.record(4, bytes.byteslice(cut, bytes.bytesize)))
      client.send(Wire.record(4, "") + Wire.record(5, ""))
      assert_equal "GET /split 0", client.reply.body, "cut at #{cut}: #{log}"
      client.close
    end
  end

  def test_ten_thousand_params_records
    serve
    client = connect
    bytes = Wire.pairs(FastCGIClient.params("/many", "HTTP_X" => "x" * 10_000))
    client.send(Wire.begin_request + bytes.each_char.map { |byte| Wire.record(4, byte) }.join + Wire.record(4, "") + Wire.record(5, ""))
    assert_equal "GET /many 0", client.reply.body
  end

  def test_length_in_four_bytes_without_need
    serve
    client = connect
    bytes = FastCGIClient.params("/four").map do |name, value|
      [name.bytesize | 1 << 31, value.bytesize | 1 << 31].pack("NN") + name + value
    end.join
    bytes = bytes.b << "\x80\0\0\1\x80\0\0\0A".b
    client.send(Wire.begin_request + Wire.stream(4, bytes) + Wire.record(5, ""))
    assert_equal "GET /four 0", client.reply.body
  end

  def test_too_many_params
    assert_refused(431, Wire.begin_request + Wire.record(4, Wire.pair("A", "x" * 900)) * 2, limits: limits(params_bytes: 1000))
  end

  # As most requests come: in one record, and with its end.
  def test_too_many_params_in_one_record
    params = FastCGIClient.params("/", "HTTP_X" => "x" * 1000)
    assert_refused(431, Wire.begin_request + Wire.stream(4, Wire.pairs(params)), limits: limits(params_bytes: 1000))
  end

  def test_empty_name_and_empty_params
    serve ->(env) { env.key?("") ? raise("empty name") : PLAIN.call(env) }
    client = connect
    client.send(Wire.begin_request + Wire.stream(4, Wire.pair("", "x") + Wire.pairs(FastCGIClient.params("/"))) + Wire.record(5, ""))
    assert_equal 200, client.reply.status
    client = connect
    client.send(Wire.begin_request + Wire.record(4, "") + Wire.record(5, ""))
    assert_equal 400, client.reply.status
  end

  def test_same_name_twice
    serve ->(env) { [200, { "content-type" => "text/plain" }, [env["HTTP_X"].to_s]] }
    client = connect
    pairs = Wire.pairs(FastCGIClient.params("/")) + Wire.pair("HTTP_X", "first") + Wire.pair("HTTP_X", "last")
    client.send(Wire.begin_request + Wire.stream(4, pairs) + Wire.record(5, ""))
    assert_equal "first, last", client.reply.body
  end

  def test_missing_method
    assert_refused(400, Wire.request(FastCGIClient.params("/", "REQUEST_METHOD" => nil)))
  end

  def test_impossible_method
    assert_refused(400, Wire.request(FastCGIClient.params("/", "REQUEST_METHOD" => "GE T")))
  end

  def test_missing_paths
    serve
    assert_equal "GET /a 0", connect.get("/a", "SCRIPT_NAME" => nil, "PATH_INFO" => nil).body
    assert_equal "GET /a 0", connect.get("/", "REQUEST_URI" => nil, "SCRIPT_NAME" => nil, "PATH_INFO" => "/a").body
  end

  def test_no_path_at_all
    assert_refused(400, Wire.request(FastCGIClient.params("/", "REQUEST_URI" => nil, "SCRIPT_NAME" => nil, "PATH_INFO" => nil)))
  end

  # The lengths are read and all bytes are counted at once; here each is looked at by itself.
  def test_what_is_malformed
    random = Random.new(11)
    well = 2500.times.count do
      bytes = random_pairs(random)
      wanted = slowly(bytes)
      begin
        count = PreforkLauncher::FastCGI::Params.parse(bytes, found = {})
        assert_equal wanted, [found, count], bytes.inspect
      rescue PreforkLauncher::FastCGI::Params::Malformed
        assert_nil wanted, bytes.inspect
      end
      wanted
    end
    assert_includes 500..2000, well
  end

  def random_pairs(random)
    sizes = [0, 1, 2, 9, 10, 11, 13, 14, 126, 127, 128, 129, 0x0a0d, 256].freeze
    bytes = Array.new(random.rand(5)) do
      name, value = Array.new(2) { "abc".chars.sample(random: random) * sizes.sample(random: random) }
      lengths = [name, value].map { |text| random.rand(3).zero? ? [text.bytesize | 1 << 31].pack("N") : Wire.length(text.bytesize) }
      lengths.join + name + value
    end.join.b
    case random.rand(6)
    when 0 then bytes.setbyte(random.rand(bytes.bytesize), [0, 10, 13, 255, 128, 1].sample(random: random)) unless bytes.empty?
    when 1 then bytes.slice!(random.rand(bytes.bytesize + 1), random.rand(1..3))
    when 2 then bytes.insert(random.rand(bytes.bytesize + 1), ["\0", "\n", "\r", "\x01", "\xff"].sample(random: random).b)
    end
    bytes
  end

  # Returns the pairs and how many there are; nil where they are malformed.
  def slowly(bytes)
    bytes = bytes.dup
    pairs = []
    until bytes.empty?
      lengths = Array.new(2) do
        bytes.match?(/\A[\x80-\xff]/n) ? bytes.slice!(0, 4).unpack1("N")&.^(1 << 31) : bytes.slice!(0, 1).unpack1("C")
      end
      return if lengths.include?(nil) || lengths.sum > bytes.bytesize

      pairs << lengths.map { |length| bytes.slice!(0, length) }
    end
    [pairs.to_h, pairs.size] unless pairs.flatten.join.match?(/[\0\r\n]/n)
  end
end
