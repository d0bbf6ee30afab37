# frozen_string_literal: true

require "minitest"
require "timeout"
require "channel"

PreforkLauncher::Channel.require_libraries

class ChannelTest < Minitest::Test
  FIXTURES = Dir[File.expand_path("../../testdata/wire/*.json", __dir__)].sort.freeze

  def setup
    @ours, @theirs = Socket.pair(:UNIX, :SEQPACKET)
    @channel = PreforkLauncher::Channel.new(@ours)
  end

  def teardown
    [@ours, @theirs].each { |socket| socket.close unless socket.closed? }
  end

  def receive
    Timeout.timeout(30) { @channel.receive }
  end

  def test_there_are_fixtures
    assert_operator FIXTURES.size, :>=, 9
  end

  def test_sends_every_message_of_the_wire
    FIXTURES.each do |path|
      message = JSON.parse(File.read(path), symbolize_names: true)
      assert @channel.send(message.fetch(:type), message.reject { |name| name == :type }), path
      packet = @theirs.recv(1 << 20)
      assert_equal message, JSON.parse(packet, symbolize_names: true), path
      assert packet.force_encoding(Encoding::UTF_8).valid_encoding?
    end
  end

  def test_receives_every_message_of_the_wire
    FIXTURES.each do |path|
      text = File.read(path, encoding: "UTF-8")
      @theirs.send(text, 0)
      message, files = receive
      assert_equal JSON.parse(text, symbolize_names: true), message, path
      assert_empty files
    end
  end

  def test_has_ended_when_all_was_received
    refute @channel.ended?
    @theirs.send('{"type":"retire"}', 0)
    refute @channel.ended?
    @theirs.close
    refute @channel.ended?
    assert_equal "retire", receive.first[:type]
    2.times { assert @channel.ended? }
    assert_nil receive
    @ours.close
    refute @channel.ended?
  end

  def test_has_ended_where_its_own_words_were_not_read
    @channel.send("hello")
    @theirs.close
    assert @channel.ended?
  end

  def test_is_not_open_where_somebody_has_closed_its_number
    assert @channel.open?
    @theirs.close
    assert @channel.open? # its end is to be read
    number = IO.for_fd(@ours.fileno)
    number.close
    refute @channel.open?
  ensure
    @ours.autoclose = false
  end

  def test_packets_stay_apart
    @theirs.send('{"type":"retire"}', 0)
    @theirs.send('{"type":"drain","backlog":false}', 0)
    assert_equal [{ type: "retire" }, { type: "drain", backlog: false }], [receive.first, receive.first]
  end

  def test_descriptors_come_along_and_are_closed_in_new_programs
    reader, writer = IO.pipe
    file = File.open(__FILE__)
    rights = Socket::AncillaryData.unix_rights(writer, file)
    @theirs.sendmsg('{"type":"spawn"}', 0, nil, rights)
    writer.close
    message, files = receive
    assert_equal "spawn", message[:type]
    assert_equal 2, files.size
    assert(files.all?(&:close_on_exec?))
    files.first.write("through")
    files.first.close
    assert_equal "through", reader.read
    assert_equal file.stat.ino, files.last.stat.ino
  ensure
    [reader, file, *files].compact.each { |io| io.close unless io.closed? }
  end

  def test_end_of_stream
    @theirs.send('{"type":"retire"}', 0)
    @theirs.close
    assert_equal "retire", receive.first[:type]
    assert_nil receive
    assert_nil receive
  end

  def test_a_peer_that_died_with_unread_packets
    @channel.send("ready", pid: 1)
    @theirs.close
    assert_nil receive
  end

  def test_send_to_a_dead_peer
    @theirs.close
    refute @channel.send("ready", pid: 1)
    refute @channel.send("ready", pid: 1)
  end

  def test_receive_lets_other_threads_run
    waiting = Thread.new { @channel.receive }
    Timeout.timeout(30) { Thread.pass until waiting.status == "sleep" }
    @theirs.send('{"type":"retire"}', 0)
    assert waiting.join(30), "still waiting"
    assert_equal "retire", waiting.value.first[:type]
  end

  def test_for_descriptor
    copy = @theirs.dup
    copy.autoclose = false
    channel = PreforkLauncher::Channel.for_fd(copy.fileno)
    assert channel.send("hello", version: 1)
    assert_equal({ type: "hello", version: 1 }, receive.first)
    channel.close
    assert channel.socket.closed?
  end
end
