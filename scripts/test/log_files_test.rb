# frozen_string_literal: true

require "minitest"
require "fileutils"
require "logger"
require "stringio"
require "tmpdir"
require "log_files"
require "fastcgi/responder"

PreforkLauncher::FastCGI.require_libraries

# Logs that are moved away while the application has them open.
class LogFilesTest < Minitest::Test
  def setup
    @folder = Dir.mktmpdir
    @said = StringIO.new
    @files = []
  end

  def teardown
    @files.each { |file| file.close unless file.closed? }
    FileUtils.remove_entry(@folder)
  end

  def path(name)
    File.join(@folder, name)
  end

  def open(name, mode = "a", **options)
    File.open(path(name), mode, **options).tap { |file| @files << file }
  end

  def reopen
    PreforkLauncher::LogFiles.reopen(PreforkLauncher::FastCGI::ErrorStream.new(@said))
    @said.string
  end

  def move(name)
    File.rename(path(name), path("#{name}.1"))
  end

  def test_a_logger_writes_to_the_new_file
    logger = Logger.new(path("production.log"))
    number = ObjectSpace.each_object(File).find { |file| !file.closed? && file.path == path("production.log") }.fileno
    logger.info("before")
    move("production.log")
    logger.info("between")
    assert_empty reopen
    logger.info("after")
    assert_match(/before.*between/m, File.read(path("production.log.1")))
    assert_match(/after\n\z/, File.read(path("production.log")))
    refute_match(/between/, File.read(path("production.log")))
    assert_equal File.stat("/proc/self/fd/#{number}").ino, File.stat(path("production.log")).ino
  ensure
    logger.close
  end

  # What is set of it stays: whether each write goes out at once, encodings; and its file has the permissions of the one before.
  def test_it_is_as_it_was
    log = open("log")
    log.sync = true
    log.chmod(0o640)
    encoded = open("encoded", "a:ISO-8859-1:UTF-8")
    binary = open("binary", "ab")
    %w[log encoded binary].each { |name| move(name) }
    assert_empty reopen
    [log, encoded, binary].each { |file| file.write("é") }
    assert_equal [true, false, false], [log, encoded, binary].map(&:sync)
    assert_equal [nil, Encoding::ISO_8859_1, Encoding::BINARY], [log, encoded, binary].map(&:external_encoding)
    assert binary.binmode?
    assert_equal 0o640, File.stat(path("log")).mode & 0o777
    [encoded, binary].each(&:flush)
    assert_equal ["é".b, "é".encode("ISO-8859-1").b, "é".b], %w[log encoded binary].map { |name| File.binread(path(name)) }
  end

  # What logrotate has created is taken, with the owner and the mode that it has.
  def test_a_new_file_that_is_there
    log = open("log")
    move("log")
    File.write(path("log"), "created\n", perm: 0o600)
    reopen
    log.write("after\n")
    log.flush
    assert_equal "created\nafter\n", File.read(path("log"))
    assert_equal 0o600, File.stat(path("log")).mode & 0o777
  end

  # A buffer goes to the file that it was written for.
  def test_a_buffer_is_written_first
    log = open("log")
    log.write("before")
    move("log")
    reopen
    log.write("after")
    log.flush
    assert_equal %w[before after], [path("log.1"), path("log")].map { |name| File.read(name) }
  end

  def test_others_stay
    stays = open("stays")
    written = open("written", "w")
    File.write(path("read"), "x")
    read = open("read", "r")
    closed = open("closed").tap(&:close)
    places = [stays, written, read].map { |file| file.stat.ino }
    %w[written read].each { |name| move(name) }
    File.delete(path("closed"))
    assert_empty reopen
    assert_equal places, [stays, written, read].map { |file| file.stat.ino }
    assert_predicate closed, :closed?
    refute File.exist?(path("closed"))
  end

  # The one that is open is written on, and the reason is said.
  def test_one_that_cannot_be_had
    Dir.mkdir(path("folder"))
    gone = open("folder/log")
    fifo = open("fifo")
    FileUtils.mv(path("folder"), path("moved"))
    move("fifo")
    File.mkfifo(path("fifo"))
    said = reopen
    assert_match(%r{^launcher: writes to the log that was moved away, since .*/folder/log cannot be opened: Errno::ENOENT}, said)
    assert_match(%r{^launcher: writes to the log that was moved away, since .*/fifo cannot be opened: }, said)
    gone.write("on")
    gone.flush
    fifo.write("on")
    fifo.flush
    assert_equal %w[on on], [path("moved/log"), path("fifo.1")].map { |name| File.read(name) }
  end

  # A thread that writes meanwhile gets no error, and nothing is lost.
  def test_a_thread_that_writes
    log = open("log")
    log.sync = true
    writing = Thread.new { 20_000.times { |n| log.write("line #{n}\n") && Thread.pass } }
    rotations = 0
    while writing.alive?
      File.rename(path("log"), path("log.#{rotations += 1}"))
      reopen
    end
    writing.value
    lines = Dir[path("log*")].sum { |file| File.foreach(file).count }
    assert_equal 20_000, lines
    assert_operator rotations, :>, 1
  end
end
