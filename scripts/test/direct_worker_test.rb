# frozen_string_literal: true

require "minitest"
require "fileutils"
require "json"
require "socket"
require "timeout"
require "tmpdir"
require "settings"
require_relative "support/fastcgi_client"
require_relative "support/ruby_process"

# A worker that loads the application by itself, in a Ruby of its own with the descriptors that
# the supervisor gives it; the test is supervisor and web server.
class DirectWorkerTest < Minitest::Test
  include RubyProcess

  KEY = { slot: 2, generation: 5, refork: 0, serial: 9 }.freeze
  # What boot.rb does, without the program on a descriptor.
  BOOT = <<~RUBY
    module PreforkLauncher
      CONTROL_FD = 4
      SCOREBOARD_FD = 5
      STDERR_FD = 6
      LISTENER_FD = 7
    end
    require "main"
    PreforkLauncher.main(Marshal.load(ARGV[0].unpack1("m")))
  RUBY

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
    end_worker if @pid
    [@listener, @board, @stderr, @printed, @pipe, @channel, @theirs].each { |io| io.close unless io.closed? }
    FileUtils.remove_entry(@folder)
  end

  def end_worker
    Process.kill("KILL", @pid)
    Process.wait(@pid)
  rescue Errno::ESRCH, Errno::ECHILD
    nil # it has ended, as it should
  end

  # A program that leads a session, as the supervisor starts it.
  def start(config, hooks: nil, entry: "config.ru")
    File.write(File.join(@folder, entry), config)
    settings = { "root" => @folder, "generation" => "5", "entry" => entry, "spawn_method" => "direct",
                 "slot" => "2", "serial" => "9", "record" => "3" }
    settings["hooks"] = File.join(@folder, "launcher.rb").tap { |path| File.write(path, hooks) } if hooks
    program = "Process.setsid; exec(*ARGV, 1 => #{@pipe.fileno}, 2 => #{@pipe.fileno}, 4 => #{@theirs.fileno}, 5 => #{@board.fileno}, " \
              "6 => #{@stderr.fileno}, 7 => #{@listener.fileno}, close_others: true)"
    inherited = [@pipe, @theirs, @board, @stderr, @listener].to_h { |io| [io.fileno, io.fileno] }
    @pid = Process.spawn(clean, RbConfig.ruby, "-e", program, RbConfig.ruby, "-I#{SCRIPTS}", "-e", BOOT, [Marshal.dump(settings)].pack("m0"), inherited)
    @theirs.close
    @pipe.close
  end

  def said
    packet = Timeout.timeout(30) { @channel.recv(1 << 20) }
    JSON.parse(packet, symbolize_names: true) unless packet.nil? || packet.empty?
  end

  def tell(type, **fields)
    @channel.send(JSON.generate({ type: type, **fields }), 0)
  end

  def serving
    loaded = said
    assert_equal ["loaded", @pid, RUBY_VERSION, []], loaded.values_at(:type, :pid, :ruby, :findings), loaded
    assert_equal({ type: "ready", pid: @pid, **KEY }, said)
  end

  def get(path = "/")
    FastCGIClient.new(UNIXSocket.new(@listener.path)).get(path)
  end

  def ended
    _, status = Timeout.timeout(30) { Process.wait2(@pid) }
    @pid = nil
    status.exitstatus || "SIG#{Signal.signame(status.termsig)}"
  end

  def title
    File.read("/proc/#{@pid}/cmdline").tr("\0", " ").strip
  end

  # A file that the application waits for, or makes.
  def gate(name = "gate")
    File.join(@folder, name)
  end

  def eventually
    Timeout.timeout(30) { sleep(0.005) until yield }
  end

  # They are all its own, and it tells how it went.
  def test_exit_handlers
    start(<<~'RUBY')
      at_exit { $stderr.syswrite("boot's\n") }
      run ->(_env) { at_exit { $stderr.syswrite("a request's\n") }; [200, {}, []] }
    RUBY
    serving
    get
    tell("drain", backlog: false)
    assert_equal 0, ended
    assert_match(/^a request's\nboot's\n\z/, File.read(@stderr.path))
  end

  def test_loads_and_serves
    start(<<~'RUBY', hooks: "before_fork { raise 'nothing is forked' }\nafter_fork { |slot| puts 'hook ' + slot.to_s }")
      puts "loading as #{File.read("/proc/self/cmdline").delete("\0")}"
      run ->(_env) { [200, {}, ["process #{Process.pid} of group #{Process.getpgrp}"]] }
    RUBY
    serving
    assert_equal "loading as launcher worker slot=2 gen=5 loading", @printed.read.strip
    assert_equal "hook 2\n", File.read(@stderr.path) # from loaded on
    assert_equal "process #{@pid} of group #{@pid}", get.body
    eventually { title == "launcher worker slot=2 gen=5 idle" }
    assert_equal @pid, @board.pread(256, 3 * 256).unpack("L<L<")[1]
    tell("drain", backlog: true)
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
    failed = said
    assert_equal ["failed", "load", "KeyError", "no key"], [failed[:type], failed[:stage], failed[:error][:class], failed[:error][:message]]
    assert_match(/\Aconfig\.ru:2/, failed[:error][:app_frames].first)
    assert_equal 1, ended
    assert_equal "so far\n", @printed.read
  end

  def test_a_hook_that_fails
    start("run ->(_env) { [200, {}, []] }", hooks: "after_fork { raise 'no metrics' }")
    assert_equal "loaded", said[:type]
    failed = said
    assert_equal ["failed", "after_fork", "no metrics"], [failed[:type], failed[:stage], failed[:error][:message]]
    assert_equal 1, ended
  end

  HANG = <<~RUBY
    File.write(File.join(__dir__, "child"), spawn("sleep 1000"))
    File.rename(File.join(__dir__, "child"), File.join(__dir__, "gate"))
    def hang
      sleep
    end
    hang
  RUBY

  def test_a_load_that_hangs_says_where
    start(HANG)
    eventually { File.exist?(gate) }
    Process.kill("QUIT", @pid)
    failed = said
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
    hanging { tell("drain", backlog: true) }
  end

  # A load that is given up ends, and with it what it has started.
  def hanging
    start(HANG)
    eventually { File.exist?(gate) }
    child = Integer(File.read(gate))
    yield
    assert_equal 1, ended
    eventually { gone?(child) }
  end

  def gone?(pid)
    File.read("/proc/#{pid}/stat").match?(/\) Z /)
  rescue Errno::ENOENT, Errno::ESRCH
    true
  end

  def test_settings
    strings = { "root" => "/srv/shop", "generation" => "2", "entry" => "config.ru" }
    settings = PreforkLauncher::Settings.new(strings)
    assert_equal [false, nil, nil], [settings.direct?, settings.worker, settings.record]
    refute PreforkLauncher::Settings.new(strings.merge("spawn_method" => "smart")).direct?
    direct = strings.merge("spawn_method" => "direct", "slot" => "3", "serial" => "8", "record" => "1")
    settings = PreforkLauncher::Settings.new(direct)
    assert_equal [true, { slot: 3, generation: 2, refork: 0, serial: 8 }, 1], [settings.direct?, settings.worker, settings.record]
    %w[slot serial record].each { |name| assert_raises(KeyError) { PreforkLauncher::Settings.new(direct.reject { |other| other == name }) } }
  end
end
