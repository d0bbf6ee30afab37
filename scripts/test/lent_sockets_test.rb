# frozen_string_literal: true

require_relative "support/worker_case"

# A worker that is lent the sockets of slots that have no worker yet.
class LentSocketsTest < WorkerCase
  def setup
    super
    @lent = %w[3 4].map { |slot| UNIXServer.new(File.join(@folder, slot)) }
  end

  def teardown
    @lent.each { |listener| listener.close unless listener.closed? }
    super
  end

  def lend(*listeners)
    files = listeners.flat_map { |listener| slot_files(listener) }
    tell(@channel, "lend", *files, slots: listeners.map { |listener| File.basename(listener.path).to_i })
  end

  def ask(listener)
    FastCGIClient.new(UNIXSocket.new(listener.path)).get("/")
  end

  def asked(listener)
    FastCGIClient.new(UNIXSocket.new(listener.path)).tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params("/"))) }
  end

  def test_serves_them_besides_its_own
    start(app { "served" })
    ready
    waiting = asked(@lent.last)
    lend(@lent.first)
    assert_equal "served", ask(@lent.first).body
    lend(@lent.last) # one more
    assert_equal "served", waiting.reply.body
    [@listener, *@lent].each { |listener| assert_equal "served", ask(listener).body }
  end

  def test_gives_them_back
    links = @lent.map { |listener| "socket:[#{listener.stat.ino}]" }
    start(app { Dir.glob("/proc/self/fd/*").count { |path| links.include?(File.readlink(path)) rescue nil } }) # rubocop:disable Style/RescueModifier
    ready
    inherited = get.body.to_i
    lend(*@lent)
    assert_equal inherited + 2, ask(@lent.first).body.to_i
    tell(@channel, "return")
    eventually { get.body.to_i == inherited }
    left = asked(@lent.first)
    assert_equal inherited, get.body.to_i
    assert_kind_of UNIXSocket, @lent.first.accept_nonblock, "it is left for the slot's own worker"
    left.close
  end

  # None of those who wait at one waits for all who come to another.
  def test_takes_turns
    order = Queue.new
    gate, opener = IO.pipe
    start(app { gate.read(1) })
    ready
    lend(*@lent)
    first = asked(@listener)
    eventually { state == 3 } # busy
    waiting = Array.new(3) { |n| [:own, n, asked(@listener)] } + [[:lent, 0, asked(@lent.first)], [:lent, 1, asked(@lent.last)]]
    readers = waiting.map { |whose, number, one| Thread.new { one.reply && order << [whose, number] } }
    (1 + waiting.size).times do |n|
      opener.write(".")
      first.reply if n.zero?
      eventually { order.size >= n }
    end
    readers.each(&:join)
    assert_equal(%i[lent lent own], Array.new(3) { order.pop.first }.sort)
  end

  def test_what_waits_there_is_served_before_it_leaves
    in_hand do
      lend(*@lent)
      @waiting = [@listener, *@lent].map { |listener| asked(listener) }
      tell(@channel, "drain", backlog: true)
    end
    assert_equal(%w[finished] * 3, @waiting.map { |one| one.reply.body })
    assert_equal 0, ended
  end
end
