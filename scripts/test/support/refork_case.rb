# frozen_string_literal: true

require "minitest"
require "fileutils"
require "tmpdir"
require "settings"
require_relative "fastcgi_client"
require_relative "supervisor_side"

# A preloader and its workers in a Ruby of their own; the test is supervisor and web server.
# Who is forked is no child of this process: its end is seen in /proc.
class ReforkCase < Minitest::Test
  include SupervisorSide

  # Counts its requests: who was forked from whom shows. A path that names a global variable has it called.
  COUNTER = <<~'RUBY'
    served = 0
    run(lambda { |env|
      served += 1
      action = $actions && $actions[env["PATH_INFO"]]
      [200, {}, ["#{served} #{action&.call}"]]
    })
  RUBY

  # A process and the socket over which it is told what to do.
  Told = Struct.new(:pid, :socket, :key)

  def setup
    @folder = File.realpath(Dir.mktmpdir)
    @listener = UNIXServer.new(File.join(@folder, "socket"))
    @board = File.open(File.join(@folder, "board"), "w+")
    @stderr = File.open(File.join(@folder, "stderr"), "a+")
    @sockets = []
    @pids = []
    @serial = 0
  end

  # The end of its socket ends each of them.
  def teardown
    @sockets.each { |socket| socket.close unless socket.closed? }
    begin
      eventually { @pids.none? { |pid| alive?(pid) } }
    rescue Timeout::Error
      @pids.each { |pid| Process.kill("KILL", pid) if alive?(pid) }
      flunk "not all processes have left: #{log}"
    end
    Process.wait(@preloader.pid) if @preloader
    [@listener, @board, @stderr].each(&:close)
    FileUtils.remove_entry(@folder)
  end

  def pair
    mine, theirs = Socket.pair(:UNIX, :SEQPACKET)
    @sockets << mine
    [mine, theirs]
  end

  # What the next process prints to.
  def output
    @stderr
  end

  def path(name)
    File.join(@folder, name)
  end

  def log
    File.read(@stderr.path)
  end

  # The lines of a file that the application or its hooks write.
  def notes
    File.exist?(path("notes")) ? File.readlines(path("notes"), chomp: true) : []
  end

  # Starts a preloader, as the supervisor does, and a worker of it. The block is called in between.
  def start(actions = "{}", hooks: nil, at_boot: "", without: "", **given)
    File.write(path("config.ru"), <<~RUBY)
      NOTE = ->(text) { File.open(#{path('notes').inspect}, "a") { |file| file.syswrite("\#{text} \#{Process.pid}\\n") } }
      $actions = #{actions}
      #{at_boot}
      #{COUNTER}
    RUBY
    settings = { "root" => @folder, "generation" => "5", "entry" => "config.ru", "without" => without,
                 **given.transform_keys(&:to_s) }
    settings["hooks"] = path("launcher.rb").tap { |file| File.write(file, hooks) } if hooks
    control, theirs = pair
    pid = start_ruby(settings, { 1 => out = output, 2 => out, 4 => theirs, 5 => @board, 6 => @stderr })
    theirs.close
    @pids << pid
    @preloader = Told.new(pid, control)
    assert_equal "loaded", said(control)[:type], log
    yield if block_given?
    spawn_worker(@preloader)
  end

  def spawn_worker(preloader, refork: 0)
    channel, theirs = pair
    key = { slot: 2, generation: 5, refork: refork, serial: @serial += 1 }
    tell(preloader.socket, "spawn", *slot_files(@listener), theirs, output, **key, record: @serial)
    theirs.close
    told = said(preloader.socket)
    assert_equal({ type: "spawned", **key }, told.reject { |name, _| name == :pid }, log)
    @pids << told[:pid]
    assert_equal({ type: "ready", pid: told[:pid], **key }, said(channel), log)
    Told.new(told[:pid], channel, key)
  end

  # A worker that is forked without a slot, and is given the one that the others have.
  def spawn_spare(preloader, refork: 0)
    channel, theirs = pair
    key = { slot: -1, generation: 5, refork: refork, serial: @serial += 1 }
    tell(preloader.socket, "spawn", theirs, output, **key, record: @serial)
    theirs.close
    pid = said(preloader.socket).fetch(:pid)
    @pids << pid
    assert_equal({ type: "ready", pid: pid, **key }, said(channel), log)
    tell(channel, "assign", *slot_files(@listener), slot: 2)
    assert_equal({ type: "ready", pid: pid, **key, slot: 2 }, said(channel), log)
    Told.new(pid, channel, key.merge(slot: 2))
  end

  # Asks a worker, and answers the control socket of the preloader to be.
  def ask(worker, refork: 1, checked: true)
    control, theirs = pair
    tell(worker.socket, "refork", theirs, output, generation: 5, refork: refork, checked: checked)
    theirs.close
    control
  end

  # The preloader that a worker was asked for.
  def refork_from(worker, refork: 1, checked: true)
    control = ask(worker, refork: refork, checked: checked)
    told = [said(control), said(control)].compact.to_h { |message| [message[:type], message] }
    assert_equal %w[loaded reforked], told.keys.sort, "#{told} #{log}"
    assert_equal({ type: "reforked", generation: 5, refork: refork, pid: told["loaded"][:pid] }, told["reforked"])
    @pids << told["loaded"][:pid]
    Told.new(told["loaded"][:pid], control)
  end

  # What a worker says that was asked in vain; nothing comes after it.
  def refused(worker, **how)
    control = ask(worker, **how)
    told = said(control)
    assert_equal "not_reforked", told&.fetch(:type), log
    assert_nil said(control)
    told
  end

  def get(path = "/")
    reply = FastCGIClient.new(UNIXSocket.new(@listener.path)).get(path)
    [reply.status, reply.body]
  end

  def leave(worker)
    tell(worker.socket, "drain", backlog: false)
    assert_nil said(worker.socket)
    eventually { !alive?(worker.pid) }
  end

  # What a process has open, without what Ruby itself needs and closes as it likes.
  def open_by(pid)
    descriptors_of(pid).grep_v(/\Aanon_inode:|\Apipe:/).sort
  end

  # One may be closed in the middle of this.
  def descriptors_of(pid)
    Dir["/proc/#{pid}/fd/*"].map do |fd|
      File.readlink(fd)
    rescue Errno::ENOENT
      nil
    end.compact
  end

  def pipes_of(pid)
    descriptors_of(pid).grep(/\Apipe:/).sort
  end
end
