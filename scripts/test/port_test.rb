# frozen_string_literal: true

require_relative "support/worker_case"

# A worker whose slot has a port of TCP in the place of a unix socket.
class PortTest < WorkerCase
  def setup
    super
    @listener.close
    @listener = TCPServer.new("127.0.0.1", 0)
  end

  def port
    @listener.local_address.ip_port
  end

  def client(to: port)
    FastCGIClient.new(TCPSocket.new("127.0.0.1", to))
  end

  def test_serves_one_after_the_other
    start(app { |env| "#{env['PATH_INFO']} #{Process.pid}" })
    ready
    3.times { |n| assert_equal "/#{n} #{@pid}", get("/#{n}").body }
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
  end

  # Closing a connection resets it where something has not been read, and the reset may overtake the response.
  def test_the_peer_of_a_refused_request_is_not_reset
    start(app { "x" })
    ready
    3.times do
      one = client
      reply = one.post("no target of a request", "y" * 500_000)
      assert_equal [true, 400], [reply.complete, reply.status]
      assert_empty one.socket.read
      one.close
    end
    assert_equal "x", get.body
  end

  # The next supervisor needs the port, and a request may take long: what waits is taken at once.
  def test_without_a_supervisor_the_port_is_free_and_the_backlog_served
    waiting = nil
    in_hand do
      waiting = Array.new(3) { sent("/later") }
      @channel.close
      eventually { free? }
    end
    waiting.each { |one| assert_equal "finished", one.reply.body }
    assert_equal 0, ended
  end

  # A handler of the application may hold the main thread up.
  def test_the_serving_thread_frees_the_port_alone
    shutdown, _serving, thread = serving_loop
    waiting = sent("/")
    eventually { @responder.served == 1 }
    shutdown.leave_alone
    assert thread.join(30)
    assert free?
  ensure
    waiting&.close
  end

  # A loop that serves the port on a thread, with its shutdown. Whoever connects gets nothing.
  def serving_loop
    shutdown = PreforkLauncher::Shutdown.new(30)
    title = Object.new
    title.define_singleton_method(:show) { |_| nil }
    @responder = Class.new do
      attr_reader :served

      define_method(:serve) { |socket, **| socket.close || (@served = (defined?(@served) ? @served : 0) + 1) }
    end.new
    record = PreforkLauncher::Scoreboard.new(@board).record(0)
    serving = PreforkLauncher::ServingLoop.new(slot_sockets(@listener), @responder, record: record, title: title, tracker: nil,
                                                                                    shutdown: shutdown, collects: false)
    [shutdown, serving, Thread.new { serving.run }]
  end

  def test_an_idle_worker_frees_the_ports_of_all_slots_that_it_serves
    lent = TCPServer.new("127.0.0.1", 0)
    start(app { "x" })
    ready
    tell(@channel, "lend", *slot_files(lent), slots: [3])
    assert_equal "x", client(to: lent.local_address.ip_port).get.body
    @channel.close
    assert_equal 0, ended
    assert free?
    assert free?(lent.local_address.ip_port)
  ensure
    lent&.close
  end

  # This process has the socket, too, as one has that the application has forked.
  def free?(number = port)
    TCPServer.new("127.0.0.1", number).close
    true
  rescue Errno::EADDRINUSE
    false
  end

  # Else it would ask it again and again for connections.
  def test_a_port_that_another_process_has_closed
    other = TCPServer.new("127.0.0.1", 0)
    shutdown, serving, thread = serving_loop
    serving.lend([slot_sockets(other)])
    eventually { serving.listeners.size == 2 }
    @listener.shutdown(Socket::SHUT_RD)
    eventually { serving.listeners.map { |one| one.local_address.ip_port } == [other.local_address.ip_port] }
    other.shutdown(Socket::SHUT_RD)
    eventually { serving.listeners.empty? }
    assert thread.alive?
  ensure
    shutdown&.leave(:now)
    thread&.join
    other&.close
  end

  def test_who_may_connect
    loopback = "401111111" # 127.0.0.0/8
    { loopback => "x", "6" => "", "400001010\n#{loopback}" => "x", "401111110" => "" }.each do |allow, body|
      start(app { "x" }, allow: allow)
      ready
      assert_equal([body, body], Array.new(2) { get.body }, allow.inspect)
      noted = log.scan("closed a connection from 127.0.0.1, which --listen-allow does not name").size
      assert_equal body.empty? ? 1 : 0, noted, allow.inspect
      tell(@channel, "drain", backlog: false)
      assert_equal 0, ended
    ensure
      @log.truncate(0)
    end
  end

  def test_who_may_connect_over_ipv6
    noted = StringIO.new
    guard = PreforkLauncher::Guard.new(["6#{'0' * 127}1", "611111101"], errors: noted)
    { "::1" => true, "fd00::1" => true, "fe80::1" => false, "::2" => false, "253.0.0.1" => false }.each do |address, admitted|
      peer = Struct.new(:remote_address).new(Addrinfo.tcp(address, 4711))
      assert_equal admitted, guard.admits?(peer), address
    end
    gone = Object.new
    gone.define_singleton_method(:remote_address) { raise Errno::ENOTCONN }
    refute guard.admits?(gone)
    assert_equal 3, noted.string.lines.size
  end

  # What a lost network brings about is no fault of this process, which would end for it.
  def test_a_network_that_is_gone
    [Errno::EHOSTUNREACH, Errno::ENETUNREACH, Errno::ENETDOWN, Errno::EHOSTDOWN].each do |error|
      assert_includes PreforkLauncher::FastCGI::Connection::PEER_ERRORS, error
    end
  end
end
