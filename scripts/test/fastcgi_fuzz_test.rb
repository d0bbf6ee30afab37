# frozen_string_literal: true

require_relative "support/fastcgi_case"

# Thousands of inputs that nobody would think of: noise, noise in the shape of records, and good requests with bytes changed, cut out,
# doubled or moved. The same ones each time, FASTCGI_FUZZ_SEED gives others. The responder must come back from each with its socket
# closed, raise nothing, and serve a good request afterwards.
class FastCGIFuzzTest < FastCGICase
  INPUTS = 3000

  def setup
    @seed = Integer(ENV.fetch("FASTCGI_FUZZ_SEED", "1"))
    @random = Random.new(@seed)
  end

  # Faults of the responder's own are logged by serve before they are contained; none of them may stand there.
  def test_survives
    serve(lint: false, limits: limits(drain_seconds: 0.01, head_seconds: 5, body_seconds: 5, memory_bytes: 200))
    INPUTS.times do |number|
      input = public_send(%i[noise records mutation mutation params].sample(random: @random))
      exchange(input)
      served
      refute_match(%r{serve a FastCGI connection|lib/|\t}, log, "input #{number} of seed #{@seed}: #{input.inspect}")
      @log.truncate(0)
      @log.rewind
      assert_alive if (number % 100).zero?
      @outcomes.pop if (number % 100).zero?
    end
    assert_alive
  end

  def noise
    @random.bytes(@random.rand(200))
  end

  def records
    Array.new(@random.rand(1..12)) do
      content = @random.bytes(@random.rand(4).zero? ? @random.rand(40) : 8)
      content = "\0\x01\x01\0\0\0\0\0".b if @random.rand(3).zero?
      Wire.record(@random.rand(13), content, id: @random.rand(3), padding: @random.rand(9))
    end.join
  end

  def request
    body = @random.bytes(@random.rand(500))
    Wire.request(FastCGIClient.params("/#{@random.rand(9)}", body), body, flags: @random.rand(2)) * @random.rand(1..2)
  end

  def mutation
    bytes = request
    @random.rand(1..6).times do
      place = @random.rand(bytes.bytesize)
      length = @random.rand(1..16)
      case @random.rand(4)
      when 0 then bytes.setbyte(place, @random.rand(256))
      when 1 then bytes.slice!(place, length)
      when 2 then bytes.insert(place, bytes.byteslice(place, length))
      else bytes.slice!(place, length).then { |piece| bytes.insert(@random.rand(bytes.bytesize + 1), piece) }
      end
      bytes << "\0" if bytes.empty?
    end
    bytes
  end

  def params
    content = Wire.pairs(FastCGIClient.params("/"))
    @random.rand(1..4).times { content.setbyte(@random.rand(content.bytesize), @random.rand(256)) }
    Wire.begin_request + Wire.stream(4, content) + Wire.record(5, "")
  end

  private

  # Sends in two pieces, reads whatever comes, and leaves.
  def exchange(input)
    client = connect
    cut = @random.rand(input.bytesize + 1)
    begin
      client.send(input.byteslice(0, cut))
      client.send(input.byteslice(cut, input.bytesize))
      client.socket.close_write
      client.socket.read
    rescue Errno::EPIPE, Errno::ECONNRESET
      nil
    end
    client.close
    @clients.delete(client)
  end
end
