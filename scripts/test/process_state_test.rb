# frozen_string_literal: true

require_relative "support/refork_case"

# What a request does to its process is no concern of workers that come later.
class ProcessStateTest < ReforkCase
  # The actions of these tests, by path: what changes something, and what tells how it is.
  STATE = <<~'RUBY'
    {
      "/state" => -> {
        [Dir.pwd, File.umask, ENV["CHANGED"], ENV["DELETED"], ENV["ADDED"], ENV["TZ"], Time.at(0).utc_offset,
         Process.getrlimit(:NOFILE).first, Process.getrlimit(:CORE).first, Process.getpriority(Process::PRIO_PROCESS, 0),
         File.read("/proc/self/oom_score_adj"), Process.euid, Process.egid, Process.groups.sort,
         $stdout.equal?(STDOUT), $stderr.equal?(STDERR), $stdin.equal?(STDIN), STDOUT.sync, STDERR.external_encoding, $,, $;, $/, $VERBOSE, $DEBUG, $PROGRAM_NAME,
         Encoding.default_external, Encoding.default_internal, Warning[:deprecated],
         Thread.abort_on_exception, Thread.report_on_exception, GC.stress, GC.disable.tap { |was| GC.enable unless was },
         ObjectSpace.each_object(TracePoint).count(&:enabled?), Thread.current[:user], Thread.current.thread_variable_get(:user),
         (Fiber[:user] if Fiber.respond_to?(:[])), Thread.current.priority].inspect
      },
      "/process" => -> {
        Dir.chdir("/")
        File.umask(0)
        ENV["CHANGED"] = "yes"
        ENV.delete("DELETED")
        ENV["ADDED"] = "yes"
        ENV["TZ"] = "Asia/Tokyo"
        Process.setrlimit(:NOFILE, Process.getrlimit(:NOFILE).first - 10, Process.getrlimit(:NOFILE).last)
        Process.setrlimit(:CORE, 0, Process.getrlimit(:CORE).last)
        File.write("/proc/self/oom_score_adj", "321")
      },
      "/ruby" => -> {
        require "stringio"
        STDOUT.sync = !STDOUT.sync
        STDERR.set_encoding("ISO-8859-1")
        $stdout, $stderr, $stdin = StringIO.new, StringIO.new, StringIO.new
        $VERBOSE = nil
        $, = ","
        $; = ";"
        $/ = "\r\n"
        $DEBUG = true
        $PROGRAM_NAME = "another"
        Encoding.default_external = "ISO-8859-1"
        Encoding.default_internal = "UTF-8"
        Warning[:deprecated] = !Warning[:deprecated]
        Thread.abort_on_exception = true
        Thread.report_on_exception = false
        GC.disable
        GC.stress = 4
        TracePoint.new(:raise) {}.enable
        Thread.current[:user] = Thread.current.thread_variable_set(:user, 7)
        Fiber[:user] = 7 if Fiber.respond_to?(:[])
        Thread.current.priority = 2
      },
      "/trap" => -> {
        %w[USR1 USR2 HUP WINCH PIPE INT QUIT CHLD ALRM].each { |signal| Signal.trap(signal) { NOTE.call("request's") } }
      },
      "/end" => -> { Signal.trap("EXIT") { NOTE.call("request's end") } },
      "/signals" => -> {
        %w[HUP WINCH PIPE ALRM QUIT CHLD USR2].map { |signal| Signal.trap(signal, "DEFAULT").inspect }.join(" ")
      },
      "/user" => -> { Process::Sys.seteuid(12345) },
      "/lower" => -> { Process.setrlimit(:CORE, 1, 1) },
      "/mutex" => -> { ($mutex ||= Mutex.new).lock },
      "/monitor" => -> { require "monitor"; ($monitor ||= Monitor.new).enter },
      "/flock" => -> { ($file = File.open(__FILE__)).flock(File::LOCK_SH) },
      "/pipe" => -> { $pipe = IO.popen(["cat"], "r+") },
      "/stdout" => -> { STDOUT.reopen("/dev/null") }
    }
  RUBY

  BOOT = <<~'RUBY'
    ENV["CHANGED"] = "no"
    ENV["DELETED"] = "no"
    ENV["TZ"] = "UTC"
    Signal.trap("USR1") { NOTE.call("boot's") }
    Signal.trap("USR2", "IGNORE")
    Signal.trap("EXIT") { NOTE.call("boot's end") }
  RUBY

  # What a worker of the preloader that the worker forks returns. It is asked what it is like, too.
  def successor(worker)
    preloader = refork_from(worker)
    leave(worker)
    spawn_worker(preloader, refork: 1)
  end

  def test_put_back
    %w[/process /ruby].each do |path|
      worker = start(STATE, at_boot: BOOT)
      before = get("/state").last
      assert_equal 200, get(path).first, log
      refute_equal before.split.drop(1), get("/state").last.split.drop(1)
      worker = successor(worker)
      assert_equal before.split.drop(1), get("/state").last.split.drop(1)
      assert_equal 200, said(worker.socket)[:status] # its first
      leave(worker)
      Process.kill("TERM", @preloader.pid)
      Process.wait(@preloader.pid)
      @preloader = nil
    end
  end

  # Boot's handlers are back, what the request has put in their place is not.
  def test_signal_handlers
    worker = start(STATE, at_boot: "#{BOOT}\nSignal.trap('HUP', 'DEFAULT')") # whoever runs this may ignore it (nohup)
    get("/trap")
    Process.kill("USR1", worker.pid)
    eventually { notes.last == "request's #{worker.pid}" }
    worker = successor(worker)
    Process.kill("USR1", worker.pid)
    eventually { notes.last == "boot's #{worker.pid}" }
    assert_equal '"DEFAULT" "SYSTEM_DEFAULT" nil "DEFAULT" "DEFAULT" "DEFAULT" "IGNORE"', get("/signals").last.split(" ", 2).last
  end

  # It is no signal, but set and handed on like one.
  def test_the_handler_of_the_end
    worker = start(STATE, at_boot: BOOT)
    get("/end")
    worker = successor(worker)
    leave(worker)
    assert_equal ["request's end"], notes.map { |note| note[/\D+(?= )/] }
    Process.kill("TERM", @preloader.pid)
    Process.wait(@preloader.pid)
    @preloader = nil
  end

  # The supervisor lowers the priority of a load, and restores it before it has anything forked.
  def test_the_priority_is_that_of_the_first_fork
    worker = start do
      eventually { rests?(@preloader.pid) } # it has done what it does unasked
      Process.setpriority(Process::PRIO_PROCESS, @preloader.pid, 5)
    end
    assert_equal 5, Process.getpriority(Process::PRIO_PROCESS, successor(worker).pid)
  end

  def rests?(pid)
    Array.new(5) { sleep(0.01) && File.read("/proc/#{pid}/stat")[/\) (\S)/, 1] }.uniq == ["S"]
  end

  # A hook does what it does in each worker, on the ground that boot has left.
  def test_hooks_start_from_boot
    worker = start('{ "/where" => -> { [Dir.pwd, ENV["SLOTS"]].inspect } }', at_boot: "ENV['SLOTS'] = ''",
                   hooks: 'after_fork { |slot| ENV["SLOTS"] += slot.to_s; Dir.chdir("/usr") }')
    assert_equal '1 ["/usr", "2"]', get("/where").last
    successor(worker)
    assert_equal '2 ["/usr", "2"]', get("/where").last
  end

  def test_refused
    { "/mutex" => /left a lock that is held.*Mutex/, "/monitor" => /Monitor/,
      "/flock" => /left a lock of a file \(flock\): .*refork_case|config\.ru/,
      "/pipe" => /left a pipe: pipe:/, "/stdout" => /changed where its standard output goes/ }.each do |path, text|
      worker = start(STATE)
      get(path)
      [true, false].each do |checked|
        told = refused_by_born(worker, checked)
        assert_equal [["state", "harm"]], told[:findings].map { |each| each.values_at(:kind, :severity) }
        assert_match text, told[:findings].first[:text]
      end
      assert_equal 200, get.first
      leave(worker)
      Process.kill("TERM", @preloader.pid)
      Process.wait(@preloader.pid)
    end
    @preloader = nil
  end

  # What a request has forgotten to close is closed by a collection at some time.
  def test_garbage_is_no_reason
    worker = start('{ "/leak" => -> { 20.times { IO.pipe }; nil } }', without: "between")
    get("/leak")
    10.times { get } # the stack forgets, too
    refork_from(worker)
  end

  # The worker has done its part, and the reforked preloader says no.
  def refused_by_born(worker, checked)
    control = ask(worker, checked: checked)
    told = [said(control), said(control)].compact.to_h { |message| [message[:type], message] }
    assert_equal %w[not_reforked reforked], told.keys.sort, log
    assert_nil said(control)
    eventually { !alive?(told["reforked"][:pid]) }
    told["not_reforked"]
  end

  # Hooks that give up rights do so in each worker, so theirs may stay.
  def test_limits_that_hooks_have_lowered
    worker = start('{ "/limit" => -> { Process.getrlimit(:CORE).inspect } }', hooks: "after_fork { Process.setrlimit(:CORE, 1, 1) }")
    successor(worker)
    assert_equal "1 [1, 1]", get("/limit").last
  end

  # To others than the superuser that action is an error, which changes nothing.
  def test_users
    worker = start(STATE)
    before = get("/state").last.split.drop(1)
    get("/user")
    successor(worker)
    assert_equal before, get("/state").last.split.drop(1)
  end

  # A limit that was lowered for good, where the kernel lets nobody raise it again.
  def test_limit_that_cannot_be_raised
    worker = start(STATE)
    get("/lower")
    return successor(worker) if raises_limits?

    assert_match(/changed its limit RLIMIT_CORE/, refused_by_born(worker, true)[:findings].first[:text])
  end

  def raises_limits?
    system(RbConfig.ruby, "-e", "Process.setrlimit(:CORE, 1, 1); Process.setrlimit(:CORE, 1, 2)", err: File::NULL)
  end
end
