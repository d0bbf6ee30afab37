# frozen_string_literal: true

require "minitest"
require "json"
require "tempfile"
require_relative "support/ruby_process"

# In processes of their own: this one has threads, sockets and files of other tests.
class ExaminationTest < Minitest::Test
  include RubyProcess

  # What is found after a script has run, as [severity, text, where] of one kind.
  def found(kind, script, thorough: false, env: {}, full: false, **context)
    findings = JSON.parse(ruby(<<~RUBY, env: env), symbolize_names: true)
      require "socket"
      require "json"
      require "tempfile"
      require "timeout"
      require "objspace"
      ObjectSpace.trace_object_allocations_start if #{thorough}
      require "checks/examination"
      own = [] # descriptors
      #{script}
      examination = PreforkLauncher::Examination.new("/srv/shop", own: own, thorough: #{thorough}, **#{context})
      print JSON.generate(examination.findings.map(&:to_h))
    RUBY
    assert_empty(findings.select { |finding| finding[:kind] == "check" })
    findings.select! { |finding| finding[:kind] == kind }
    full ? findings : findings.map { |finding| finding.values_at(:severity, :text, :where) }
  end

  def texts(*arguments, **options)
    found(*arguments, **options).map { |_, text,| text }
  end

  def test_nothing
    assert_empty(%w[thread socket file library agent logger database].flat_map { |kind| found(kind, "") })
  end

  # Where they lead to is the launcher's affair: a socket of systemd's, a file that a shell has opened.
  def test_standard_streams_are_left_out
    assert_empty found("socket", "ours, theirs = UNIXSocket.pair; STDIN.reopen(ours); [ours, theirs].each(&:close)")
    assert_empty found("file", 'Tempfile.create { |file| STDERR.reopen(file.path, "w") }')
  end

  def test_threads_with_their_place
    text = "boot started a thread that no worker will have:"
    expected = [["harm", "#{text} metrics", "lib/metrics.rb:5"], ["harm", "#{text} one without a name", "/elsewhere/x.rb:1"]]
    assert_equal expected, found("thread", <<~'RUBY')
      eval("\n\n\n\nThread.new { sleep }.name = 'metrics'", binding, "/srv/shop/lib/metrics.rb")
      eval("Thread.new { sleep }", binding, "/elsewhere/x.rb")
    RUBY
  end

  def test_a_thorough_one_tells_where_a_thread_is
    frames = found("thread", 'eval("Thread.new { sleep }", binding, "/srv/shop/lib/metrics.rb"); Thread.pass until Thread.list.last.stop?',
                   thorough: true, full: true).first[:frames]
    assert_match(%r{\Alib/metrics\.rb:1:in .*sleep}, frames.first)
  end

  def test_threads_that_come_back_by_themselves_are_left_out
    assert_empty found("thread", <<~'RUBY')
      Thread.new { sleep }.thread_variable_set(:fork_safe, true)
      Thread.new { sleep }.name = "Timeout stdlib thread"
      Thread.new { }.join
      Timeout.timeout(1) { }
      eval("Thread.new { sleep }", binding, "/gems/concurrent-ruby/concurrent/atomic/ruby_thread_local_var.rb")
      eval("Thread.new { sleep }", binding, "/gems/activerecord-6.0.3.7/lib/active_record/connection_adapters/abstract/connection_pool.rb")
      eval("Thread.new { sleep }", binding, "/gems/newrelic_rpm-9.1.0/lib/new_relic/agent/worker_loop.rb")
    RUBY
  end

  def test_names_of_any_bytes
    assert_match(/: a\?b\z/, texts("thread", 'Thread.new { sleep }.name = "a\xFFb"').first)
  end

  def test_many_are_counted
    threads = texts("thread", '30.times { |i| Thread.new { sleep }.name = "t#{i}" }')
    assert_equal [21, "10 more of these"], [threads.size, threads.last]
  end

  def test_sockets
    places = texts("socket", <<~'RUBY').map { |text| text[/share: (.*)/, 1] }
      $server = TCPServer.new("127.0.0.1", 0)
      $client = TCPSocket.new("127.0.0.1", $server.addr[1])
      $pair = UNIXSocket.pair
      $own = Socket.pair(:UNIX, :SEQPACKET)
      own = $own.map(&:fileno)
      $datagram = UDPSocket.new
    RUBY
    assert_equal 5, places.size, places.inspect
    assert_match(/\A127\.0\.0\.1:\d+ to nobody \(listening or unconnected\)\z/, places[0])
    assert_match(/\A127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+/, places[1])
    assert_equal(["unnamed unix socket to unnamed unix socket"] * 2, places[2, 2].map { |place| place[/\A[^,]+/] })
    assert_match(/ to nobody/, places[4])
  end

  def test_looking_leaves_the_sockets_open
    assert_equal "4", ruby(<<~'RUBY')
      require "socket"
      require "objspace"
      require "checks/examination"
      a, b = UNIXSocket.pair
      3.times { PreforkLauncher::Examination.new("/", own: [], thorough: true).findings }
      GC.start
      a.write("open")
      print b.readpartial(10).size
    RUBY
  end

  def test_a_thorough_one_tells_who_opened_a_socket_and_who_holds_it
    found = found("socket", <<~'RUBY', thorough: true)
      server = TCPServer.new("127.0.0.1", 0)
      own << server.fileno
      $port = server.addr[1]
      Client = Struct.new(:io)
      class Api; end
      eval(<<~SOURCE, binding, "/srv/shop/lib/api.rb")
        Api.instance_variable_set(:@pool, [Client.new(TCPSocket.new("127.0.0.1", $port))])
        module Cache; STORE = { a: TCPSocket.new("127.0.0.1", $port) }; end
        $queue = TCPSocket.new("127.0.0.1", $port)
      SOURCE
    RUBY
    assert_equal [["held by Client, Api (@pool)", "lib/api.rb:1"], ["held by Cache::STORE", "lib/api.rb:2"],
                  ["held by $queue", "lib/api.rb:3"]],
                 found.map { |_, text, where| [text[/held by .*/], where] }
  end

  # As PG::Connection and Mysql2::Client do: the descriptor is the library's own.
  def test_clients_that_keep_their_socket_in_c
    assert_match(/, held by PG::Connection\z/, texts("socket", <<~'RUBY').first)
      module PG; class Connection; def socket; $fd; end; end; end
      $connection = PG::Connection.new
      left, right = UNIXSocket.pair
      $fd = left.fileno
      left.autoclose = false
      own << right.fileno
    RUBY
  end

  def test_files_that_are_written
    Tempfile.create("file") do |file|
      script = "$file = File.open(#{file.path.dump}, %s)"
      assert_equal ["harm"], found("file", format(script, '"w"'), thorough: true).map(&:first)
      assert_includes texts("file", format(script, '"r+"')).first, file.path
      assert_empty found("file", format(script, '"a"'))
      assert_empty found("file", format(script, '"r"'))
    end
  end

  def test_libraries_that_do_not_survive
    vips = "module Vips; end\n"
    assert_equal [["note", "libvips (ruby-vips) is loaded; it must not be used before the fork", ""]], found("library", vips)
    used = "#{vips}$thread = Thread.new { File.write('/proc/thread-self/comm', 'libvips worker'); $named = true; sleep }\n" \
           "Thread.pass until $named"
    assert_equal(["harm"], found("library", used).map(&:first))
    grpc = "module GRPC; module Core; end; end\n"
    assert_equal(["cost"], found("library", grpc).map(&:first))
    assert_equal(["note"], found("library", grpc, env: { "GRPC_ENABLE_FORK_SUPPORT" => "1" }).map(&:first))
    old = "#{grpc}Gem.loaded_specs['grpc'] = Gem::Specification.new('grpc', '1.56.2')"
    assert_equal [["harm", "gRPC 1.56.2 does not survive a fork: support for it began with 1.57", ""]],
                 found("library", old, env: { "GRPC_ENABLE_FORK_SUPPORT" => "1" })
    assert_equal(["harm"], found("library", "module Mongo; class Client; end; end; $client = Mongo::Client.new").map(&:first))
    assert_empty found("library", "module Mongo; class Client; end; end; module GRPC; end; module Rdkafka; end")
  end

  def test_an_autoload_is_not_set_off
    assert_empty found("library", 'autoload :Vips, "/srv/nowhere"; module GRPC; autoload :Core, "/srv/nowhere"; end')
  end

  def test_agents
    scout = "module ScoutApm; class Agent; def self.instance; new; end; def background_worker_running?; %s; end; end; end"
    assert_equal(["harm"], found("agent", format(scout, "true")).map(&:first))
    assert_equal(["note"], found("agent", format(scout, "false")).map(&:first))
    assert_equal(["note"], found("agent", "module NewRelic; module Agent; end; end").map(&:first))
    assert_equal(["note"], found("agent", "module Datadog; module Core; module Workers; end; end; end").map(&:first))
  end

  def test_loggers
    Tempfile.create("log") do |file|
      script = "require 'logger'; $io = File.open(#{file.path.dump}, 'a'); $io.sync = %s; $logger = Logger.new($io)"
      assert_equal ["a logger keeps its lines in a buffer: #{file.path}"], texts("logger", format(script, "false"))
      assert_empty found("logger", format(script, "true"))
    end
    piped = "require 'logger'; $logger = Logger.new(IO.popen('cat', 'w').tap { |io| io.sync = true })"
    assert_match(/\Aa logger writes to a process that boot has started/, texts("logger", piped).first)
    assert_empty found("logger", "require 'logger'; require 'stringio'\n" \
                                 "$a = Logger.new(StringIO.new); $b = Logger.new($stderr); $c = Logger.new(nil)")
    semantic = "module SemanticLogger; end; $thread = Thread.new { sleep }; $thread.name = 'SemanticLogger::Processor'"
    assert_equal(["harm"], found("logger", semantic).map(&:first))
  end

  def test_constants_that_wait_to_be_loaded
    script = 'module Shop; autoload :Cart, "/srv/nowhere"; autoload :Till, "/srv/nowhere"; end'
    assert_match(/\b2 of Shop\b/, texts("lazy", script, thorough: true).first)
    assert_empty found("lazy", script)
  end

  def test_connections_that_were_open
    assert_equal [["note", "boot opened 3 database connections (ActiveRecord); the launcher closes them before it forks", ""]],
                 found("database", "", connections: 3)
  end

  def test_arenas
    one = { "MALLOC_ARENA_MAX" => "1" }
    assert_equal [["cost", "MALLOC_ARENA_MAX=1 leaves one heap to all threads", ""]], found("allocator", "", env: one)
    assert_equal(1, found("allocator", "", env: { "GLIBC_TUNABLES" => "glibc.malloc.perturb=0:glibc.malloc.arena_max=1" }).size)
    assert_empty found("allocator", "", env: { "MALLOC_ARENA_MAX" => "2", "GLIBC_TUNABLES" => "glibc.malloc.arena_max=10" })
  end

  def test_a_check_that_fails_is_told
    findings = JSON.parse(ruby(<<~'RUBY'), symbolize_names: true)
      require "json"
      require "socket"
      module ScoutApm; class Agent; def self.instance; raise "no agent"; end; end; end
      require "checks/examination"
      examination = PreforkLauncher::Examination.new("/", own: [])
      print JSON.generate([examination.findings.map(&:to_h), examination.warnings.map(&:to_h)])
    RUBY
    assert_equal [["note", "check", "LibraryCheck failed: RuntimeError: no agent"]],
                 findings.first.select { |finding| finding[:kind] == "check" }.map { |finding| finding.values_at(:severity, :kind, :text) }
    assert_empty(findings.last.select { |finding| finding[:severity] == "note" })
  end
end
