# frozen_string_literal: true

require_relative "support/fastcgi_case"

# A descriptor above 1023 does not fit select(2)'s fd_set; every kind of wait has to work with one.
class FastCGIDescriptorsTest < FastCGICase
  WANTED = 1200

  def setup
    soft, hard = Process.getrlimit(:NOFILE)
    skip "no more than #{hard} descriptors allowed" if hard < WANTED * 2
    @soft = soft
    Process.setrlimit(:NOFILE, [soft, WANTED * 2].max, hard)
    @files = Array.new(WANTED) { File.open(File::NULL) }
    @wake = interrupt
  end

  def teardown
    super
    @files&.each(&:close)
    Process.setrlimit(:NOFILE, @soft, Process.getrlimit(:NOFILE).last) if @soft
  end

  def test_waits_with_high_descriptors
    closed = Queue.new
    body = Enumerator.new { |chunks| 100.times { chunks << "x" * 65_536 } }
    body.define_singleton_method(:close) { closed << true }
    serve(->(env) { env["PATH_INFO"] == "/large" ? [200, { "content-type" => "text/plain" }, body] : PLAIN.call(env) })
    mine, theirs = UNIXSocket.pair
    assert_operator theirs.fileno, :>, 1023
    assert_operator @interrupts.first.fileno, :>, 1023
    @queue << theirs
    client = FastCGIClient.new(mine)
    wait_until_asleep
    client.send(Wire.begin_request(flags: 1))
    wait_until_asleep
    client.send(Wire.params(FastCGIClient.params("/large")))
    wait_until_asleep
    assert_equal 6_553_600, client.reply.body.bytesize
    assert closed.pop
    wait_until_asleep
    @wake.call
    assert client.closed?
    served
  ensure
    mine&.close
  end

  private

  # The responder sits in a wait: it has read all there was, or filled the socket.
  def wait_until_asleep
    Timeout.timeout(20) { Thread.pass until @thread.status == "sleep" }
  end
end
