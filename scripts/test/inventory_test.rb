# frozen_string_literal: true

require "minitest"
require "json"
require_relative "support/ruby_process"

# In processes of their own: this one has threads and sockets of other tests.
class InventoryTest < Minitest::Test
  include RubyProcess

  def inventory(script, what)
    JSON.parse(ruby(<<~RUBY))
      require "socket"
      require "json"
      require "timeout"
      require "inventory"
      own = [] # descriptors
      #{script}
      print JSON.generate(Launcher::Inventory.new("/srv/shop", own: own).#{what})
    RUBY
  end

  def test_threads_with_their_place
    assert_equal ["metrics at lib/metrics.rb:5", "thread at /elsewhere/x.rb:1"], inventory(<<~'RUBY', "threads")
      eval("\n\n\n\nThread.new { sleep }.name = 'metrics'", binding, "/srv/shop/lib/metrics.rb")
      eval("Thread.new { sleep }", binding, "/elsewhere/x.rb")
    RUBY
  end

  def test_threads_that_come_back_by_themselves_are_left_out
    assert_empty inventory(<<~'RUBY', "threads")
      Thread.new { sleep }.thread_variable_set(:fork_safe, true)
      Thread.new { sleep }.name = "Timeout stdlib thread"
      Thread.new { }.join
      Timeout.timeout(1) { }
      eval("Thread.new { sleep }", binding, "/gems/concurrent-ruby/concurrent/atomic/ruby_thread_local_var.rb")
    RUBY
  end

  def test_names_of_any_bytes
    assert_equal ["a?b at -e:6"], inventory('Thread.new { sleep }.name = "a\xFFb"', "threads")
  end

  def test_many_are_counted
    threads = inventory('30.times { |i| Thread.new { sleep }.name = "t#{i}" }', "threads")
    assert_equal [21, "(10 more)"], [threads.size, threads.last]
  end

  def test_sockets
    places = inventory(<<~'RUBY', "sockets")
      $server = TCPServer.new("127.0.0.1", 0)
      $client = TCPSocket.new("127.0.0.1", $server.addr[1])
      $pair = UNIXSocket.pair
      $own = Socket.pair(:UNIX, :SEQPACKET)
      own = $own.map(&:fileno)
      $file = File.open(__FILE__) rescue 0
      $datagram = UDPSocket.new
    RUBY
    assert_equal 5, places.size, places.inspect
    assert_match(/\A127\.0\.0\.1:\d+ to nobody \(listening or unconnected\)\z/, places[0])
    assert_match(/\A127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+\z/, places[1])
    assert_equal ["unnamed unix socket to unnamed unix socket"] * 2, places[2, 2]
    assert_match(/ to nobody/, places[4])
  end

  def test_looking_leaves_the_sockets_open
    assert_equal "4", ruby(<<~'RUBY')
      require "socket"
      require "inventory"
      a, b = UNIXSocket.pair
      3.times { Launcher::Inventory.new("/", own: []).sockets }
      GC.start
      a.write("open")
      print b.readpartial(10).size
    RUBY
  end

  def test_no_sockets
    assert_empty inventory("", "sockets")
  end
end
