# frozen_string_literal: true

require "minitest"
require "fileutils"
require "tmpdir"
require "settings"
require_relative "support/fastcgi_client"
require_relative "support/supervisor_side"

# A worker that loads the application by itself, in a Ruby of its own with the descriptors that
# the supervisor gives it; the test is supervisor and web server.
class DirectWorkerTest < Minitest::Test
  include SupervisorSide

  KEY = { slot: 2, generation: 5, refork: 0, serial: 9 }.freeze
  def setup
    @pid = nil
    @folder = File.realpath(Dir.mktmpdir)
    @listener = UNIXServer.new(File.join(@folder, "socket"))
    @board = File.open(File.join(@folder, "board"), "w+")
    @stderr = File.open(File.join(@folder, "stderr"), "a+")
    @printed, @pipe = IO.pipe
    @channel, @theirs = Socket.pair(:UNIX, :SEQPACKET)
  end

  def teardown
    end_child(@pid) if @pid
    [@listener, @board, @stderr, @printed, @pipe, @channel, @theirs].each { |io| io.close unless io.closed? }
    close_handovers
    FileUtils.remove_entry(@folder)
  end

  # A program that leads a session, as the supervisor starts it.
  def start(config, hooks: nil, entry: "config.ru")
    File.write(File.join(@folder, entry), config)
    settings = { "root" => @folder, "generation" => "5", "entry" => entry, "spawn_method" => "direct",
                 "slot" => "2", "serial" => "9", "record" => "3" }
    settings["hooks"] = File.join(@folder, "launcher.rb").tap { |path| File.write(path, hooks) } if hooks
    slot = [7, 8, 9].zip(slot_files(@listener)).to_h
    @pid = start_ruby(settings, { 1 => @pipe, 2 => @pipe, 4 => @theirs, 5 => @board, 6 => @stderr, **slot })
    @theirs.close
    @pipe.close
  end

  def serving
    loaded = said(@channel)
    assert_equal ["loaded", @pid, RUBY_VERSION, []], loaded.values_at(:type, :pid, :ruby, :findings), loaded
    assert_equal({ type: "ready", pid: @pid, **KEY }, said(@channel))
  end

  # How it ended.
  def ended
    exit_of(@pid).tap { @pid = nil }
  end

  def get(path = "/")
    FastCGIClient.new(UNIXSocket.new(@listener.path)).get(path)
  end

  # A file that the application waits for, or makes.
  def gate(name = "gate")
    File.join(@folder, name)
  end

  # They are all its own, and it tells how it went.
  def test_exit_handlers
    start(<<~'RUBY')
      at_exit { $stderr.syswrite("boot's\n") }
      run ->(_env) { at_exit { $stderr.syswrite("a request's\n") }; [200, {}, []] }
    RUBY
    serving
    get
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
    assert_match(/^a request's\nboot's\n\z/, @printed.read)
  end

  def test_loads_and_serves
    start(<<~'RUBY', hooks: "before_fork { raise 'nothing is forked' }\nafter_fork { |slot| puts 'hook ' + slot.to_s }")
      puts "loading as #{File.read("/proc/self/cmdline").delete("\0")}"
      run ->(_env) { [200, {}, ["process #{Process.pid} of group #{Process.getpgrp}"]] }
    RUBY
    serving
    assert_equal ["loading as launcher worker slot=2 gen=5 loading\n", "hook 2\n"], Array.new(2) { @printed.gets }
    assert_equal "process #{@pid} of group #{@pid}", get.body
    eventually { title(@pid) == "launcher worker slot=2 gen=5 idle" }
    assert_equal @pid, @board.pread(256, 3 * 256).unpack("L<L<")[1]
    tell(@channel, "drain", backlog: true)
    assert_equal 0, ended
  end

  # They are this process's own; nothing was forked that could share them.
  def test_what_loading_opened_is_kept
    start(<<~'RUBY')
      module ActiveRecord
        VERSION = Module.new
        VERSION::MAJOR = 9
        VERSION::MINOR = 0
        Pool = Struct.new(:connections) { def discard!; connections.clear; end }
        POOL = Pool.new([:open])
        class Base
          def self.connection_handler; self; end
          def self.default_connection_handler; self; end
          def self.connection_pool_list(_role); [POOL]; end
        end
      end
      thread = Thread.new { sleep }
      run ->(_env) { [200, {}, ["#{ActiveRecord::POOL.connections} #{thread.alive?}"]] }
    RUBY
    serving
    assert_equal "[:open] true", get.body
  end

  def test_descriptors_are_closed_in_what_the_application_starts
    start(<<~'RUBY')
      loading = `ls -l /proc/self/fd`
      run ->(_env) { [200, {}, [loading, `ls -l /proc/self/fd`]] }
    RUBY
    serving
    listed = get.body
    assert_equal 2, listed.scan("/proc/").size
    [/socket:/, /board/, /stderr.*stderr/m].each { |pattern| refute_match(pattern, listed.gsub(/ [12] -> .*/, "")) }
  end

  # Neither what loading has trapped nor what the launcher has, to ask a load where it is.
  def test_traps_of_loading_are_gone
    start(<<~'RUBY')
      Signal.trap("CHLD") { }
      run ->(_env) { [200, {}, [%w[CHLD QUIT].map { |signal| Signal.trap(signal, "DEFAULT") }.inspect]] }
    RUBY
    serving
    assert_equal '["DEFAULT", "DEFAULT"]', get.body
  end

  def test_another_rackup_file
    start("run ->(_env) { [200, {}, [__FILE__]] }", entry: "admin.ru")
    serving
    assert_equal gate("admin.ru"), get.body
  end

  def test_a_load_that_fails
    start("puts 'so far'\nraise KeyError, 'no key'")
    failed = said(@channel)
    assert_equal ["failed", "load", "KeyError", "no key"], [failed[:type], failed[:stage], failed[:error][:class], failed[:error][:message]]
    assert_match(/\Aconfig\.ru:2/, failed[:error][:app_frames].first)
    assert_equal 1, ended
    assert_equal "so far\n", @printed.read
  end

  def test_a_hook_that_fails
    start("run ->(_env) { [200, {}, []] }", hooks: "after_fork { raise 'no metrics' }")
    assert_equal "loaded", said(@channel)[:type]
    failed = said(@channel)
    assert_equal ["failed", "after_fork", "no metrics"], [failed[:type], failed[:stage], failed[:error][:message]]
    assert_equal 1, ended
  end

  # Its gate is there once it hangs.
  HANG = <<~RUBY
    File.write(File.join(__dir__, "child"), spawn("sleep 1000"))
    Thread.new(Thread.current) { |main| Thread.pass until main.stop?; File.rename(File.join(__dir__, "child"), File.join(__dir__, "gate")) }
    def hang
      sleep
    end
    hang
  RUBY

  def test_a_load_that_hangs_says_where
    start(HANG)
    eventually { File.exist?(gate) }
    Process.kill("QUIT", @pid)
    failed = said(@channel)
    assert_equal "boot timeout", failed[:stage]
    assert_match(/\Aconfig\.ru:4:in .*hang/, failed[:error][:app_frames][1])
    assert_equal 1, ended
  ensure
    Process.kill("KILL", Integer(File.read(gate))) if File.exist?(gate)
  end

  def test_a_load_whose_supervisor_dies
    hanging { @channel.close }
  end

  def test_a_load_that_is_told_to_leave
    hanging { tell(@channel, "drain", backlog: true) }
  end

  # A load that is given up ends, and with it what it has started.
  def hanging
    start(HANG)
    eventually { File.exist?(gate) }
    child = Integer(File.read(gate))
    yield
    assert_equal 1, ended
    eventually { !alive?(child) }
  end

  def test_settings
    strings = { "root" => "/srv/shop", "generation" => "2", "entry" => "config.ru" }
    settings = PreforkLauncher::Settings.new(strings)
    assert_equal [false, nil, nil], [settings.direct?, settings.worker, settings.record]
    refute PreforkLauncher::Settings.new(strings.merge("spawn_method" => "smart")).direct?
    direct = strings.merge("spawn_method" => "direct", "slot" => "3", "serial" => "8", "record" => "1")
    settings = PreforkLauncher::Settings.new(direct)
    assert_equal [true, { slot: 3, generation: 2, refork: 0, serial: 8 }, 1], [settings.direct?, settings.worker, settings.record]
    %w[slot serial record].each do |name|
      assert_raises(KeyError) { PreforkLauncher::Settings.new(direct.reject { |other| other == name }) }
    end
  end
end
