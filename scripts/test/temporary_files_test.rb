# frozen_string_literal: true

require "tempfile"
require "temporary_files"
require_relative "support/refork_case"
require_relative "support/worker_case"

# Files of the application that Ruby removes at the end of a process.
class TemporaryFilesTest < WorkerCase
  REFERRED_TO = [] # rubocop:disable Style/MutableConstant

  def made(name, class_of = Tempfile)
    class_of.new([name, ".txt"], @folder).tap { |file| file.write(name) }
  end

  # The names that were given to those that are still there.
  def left
    Dir.children(@folder).grep(/\.txt\z/).map { |name| name[/[a-z]+/] }.sort
  end

  def drained
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended, log
  end

  def test_a_worker_removes_its_own
    inherited = made("inherited")
    PreforkLauncher::TemporaryFiles.watch
    start(app do
      REFERRED_TO.push(made("open"), made("closed").tap(&:close), made("derived", Class.new(Tempfile)), Tempfile.allocate)
      REFERRED_TO << Tempfile.create(["created", ".txt"], @folder)
      REFERRED_TO << made("detached").tap { |file| ObjectSpace.undefine_finalizer(file) }
      REFERRED_TO << made("renewed").tap { |file| ObjectSpace.undefine_finalizer(file) && ObjectSpace.define_finalizer(file, proc {}) }
      REFERRED_TO << made("19991231-1-dated")
      REFERRED_TO << made("moved").tap { |file| File.rename(file.path, File.join(@folder, "elsewhere.txt")) }
      made("garbage").write("more")
      at_exit { File.write(File.join(@folder, "seen"), left.join(" ")) }
      REFERRED_TO.size
    end)
    ready
    assert_equal "9", get.body
    drained
    assert_equal %w[created detached elsewhere inherited], left
    seen = File.read(File.join(@folder, "seen")).split
    assert_empty %w[closed derived open] - seen, "exit handlers of the application still have them"
  ensure
    inherited.close!
  end

  # A process that has this one's pid later, when this one has left, may have been forked from that one.
  def test_what_is_handed_on_is_marked_in_both
    file = made("handed")
    mark = PreforkLauncher::TemporaryFiles::HANDED_ON
    child = PreforkLauncher::TemporaryFiles.hand_on { Process.fork { exit!(file.instance_variable_get(mark) ? 0 : 1) } }
    assert_equal 0, exit_of(child)
    PreforkLauncher::TemporaryFiles.remove
    assert_equal %w[handed], left
    other = made("other")
    assert_raises(Errno::EAGAIN) { PreforkLauncher::TemporaryFiles.hand_on { raise Errno::EAGAIN } }
    PreforkLauncher::TemporaryFiles.remove
    assert_equal %w[handed], left, "nobody has got #{other.path}"
  end

  def test_one_that_fails_as_it_starts
    hooks = PreforkLauncher::Hooks.new
    hooks.define_singleton_method(:after_fork) do |*|
      REFERRED_TO << Tempfile.new(["hook", ".txt"], File.dirname(@stays)) if @stays
      raise "on purpose"
    end
    hooks.instance_variable_set(:@stays, File.join(@folder, "x"))
    start(app { "" }, hooks: hooks)
    assert_equal "failed", said(@channel)[:type]
    assert_equal 1, ended
    assert_empty left
  end

  def test_processes_that_the_application_forks
    start(app do
      REFERRED_TO << made("worker")
      [-> { exit(3) }, -> { Thread.exit }, -> { "it came back" }].each do |ending|
        if (child = Process.fork)
          Process.wait(child)
        else
          REFERRED_TO << made("child")
          break ending.call
        end
      end
    end)
    ready
    assert_equal "it came back", get.body
    eventually { state == 2 } # both have answered
    assert_equal %w[worker], left
    drained
    assert_empty left
  end
end

# Files that a worker has made, and a preloader that it has forked refers to.
class HandedOnFilesTest < ReforkCase
  def left
    Dir.children(@folder).grep(/\.txt\z/).map { |name| name[/\A[a-z]+/] }.sort
  end

  def test_they_stay_for_the_workers_to_come
    worker = start(<<~'RUBY', without: "between")
      { "/keep" => -> { $kept = Tempfile.new(["kept", ".txt"], Dir.pwd).tap(&:close) },
        "/leak" => -> { 20.times { Tempfile.new(["leaked", ".txt"], Dir.pwd).close } },
        "/later" => -> { $later = Tempfile.new(["later", ".txt"], Dir.pwd).tap(&:close) },
        "/read" => -> { File.exist?($kept.path) } }
    RUBY
    %w[/keep /leak].each { |path| get(path) }
    10.times { get } # the stack forgets, too
    preloader = refork_from(worker)
    get("/later")
    leave(worker)
    assert_includes left, "kept"
    refute_includes left, "later"
    assert_operator left.count("leaked"), :<, 20
    next_worker = spawn_worker(preloader, refork: 1)
    assert_match(/ true\z/, get("/read").last)
    assert_equal "first", said(next_worker.socket)[:type]
    leave(next_worker)
    assert_includes left, "kept"
  end
end
