# frozen_string_literal: true

require "minitest"
require "fileutils"
require "tmpdir"
require "worker"
require "fork_safety"
require "hooks"
require "scoreboard"
require "settings"
require_relative "fastcgi_client"
require_relative "supervisor_side"

PreforkLauncher::Channel.require_libraries
PreforkLauncher::FastCGI.require_libraries

# A worker that this process forks, played against by a test that is supervisor and web server.
class WorkerCase < Minitest::Test
  include SupervisorSide

  KEY = { slot: 2, generation: 1, refork: 0, serial: 9 }.freeze

  def setup
    @folder = Dir.mktmpdir
    @listener = UNIXServer.new(File.join(@folder, "socket"))
    @board = File.open(File.join(@folder, "board"), "w+")
    @log = File.open(File.join(@folder, "log"), "a+")
    @channel = @pid = nil
  end

  def teardown
    end_child(@pid) if @pid
    [@listener, @board, @log, @channel].compact.each { |io| io.close unless io.closed? }
    close_handovers
    FileUtils.remove_entry(@folder)
  end

  def settings(**given)
    given = { root: @folder, generation: "1", entry: "config.ru", **given }
    PreforkLauncher::Settings.new(given.transform_keys(&:to_s))
  end

  # Forks a worker for an application.
  def start(app, hooks: PreforkLauncher::Hooks.new, trap: nil, key: KEY, listeners: [@listener], preloader: nil, probed: nil, **given)
    @channel, theirs = Socket.pair(:UNIX, :SEQPACKET)
    files = listeners.flat_map { |one| slot_files(one) }
    at_exit_file = File.join(@folder, "at_exit")
    @pid = Process.fork do
      $stderr.reopen(@log)
      $stdout.reopen(@log)
      $stderr.sync = true
      at_exit { File.write(at_exit_file, "ran") }
      Signal.trap("EXIT") { File.write(at_exit_file, "ran") }
      Signal.trap("TERM", trap) if trap
      @channel.close
      PreforkLauncher::Worker.new(key, [*files.map(&:dup), theirs], app, PreforkLauncher::Scoreboard.new(@board).record(0),
                                  settings: settings(**given), safety: PreforkLauncher::ForkSafety.new($stderr), hooks: hooks,
                                  preloader: preloader, probed: probed).run
    rescue Exception # rubocop:disable Lint/RescueException
      exit!(99)
    end
    theirs.close
  end

  def ready
    assert_equal({ type: "ready", pid: @pid, **KEY }, said(@channel))
  end

  def client
    FastCGIClient.new(UNIXSocket.new(@listener.path))
  end

  def get(path = "/")
    client.get(path)
  end

  # A connection over which a request was sent that nobody has read yet.
  def sent(path)
    client.tap { |one| one.send(FastCGIClient::Wire.request(FastCGIClient.params(path))) }
  end

  # How the worker ended; its exit handlers, which are the preloader's, have not run.
  def ended
    status = exit_of(@pid)
    @pid = nil
    refute File.exist?(File.join(@folder, "at_exit")), "exit handlers ran in the worker"
    status
  end

  def log
    File.read(@log.path)
  end

  def state
    @board.pread(256, 0).unpack1("@8C")
  end

  def app(&block)
    ->(env) { [200, { "content-type" => "text/plain" }, [block.call(env).to_s]] }
  end

  # A request that is in hand until the block ends.
  def in_hand(path = "/")
    gate, opener = IO.pipe
    began, beginning = IO.pipe
    start(app { beginning.write("."); beginning.flush; gate.read(1); "finished" })
    ready
    @asking = client
    reply = Thread.new { @asking.get(path) }
    Timeout.timeout(30) { began.read(1) }
    yield
    opener.write("." * 10) # for those that wait behind it, too
    assert_equal "finished", Timeout.timeout(30) { reply.value }.body
  end
end
