# frozen_string_literal: true

require "minitest"
require "minitest/mock"
require "tempfile"
require "timeout"
require "children"
require "hooks"
require "supervisor_death"

# Real processes: a supervisor that this test kills, and one that it has started.
class SupervisorDeathTest < Minitest::Test
  def setup
    @said, @saying = IO.pipe
    @pids = []
  end

  def teardown
    [@said, @saying].each { |io| io.close unless io.closed? }
    @pids.each do |pid|
      Process.kill("KILL", pid)
    rescue Errno::ESRCH
      nil # as it should be
    end
    @pids.each { |pid| PreforkLauncher::Children.reap(pid) }
  end

  def say(text)
    @saying.syswrite("#{text}\n")
  end

  def heard
    Timeout.timeout(30) { @said.gets.to_s.chomp }
  end

  # A supervisor whose child runs the block and then waits for ever; returns its pid and the child's.
  def supervise(&block)
    supervisor = Process.fork do
      child = Process.fork do
        PreforkLauncher::SupervisorDeath.remember_supervisor(Process.ppid)
        block.call
        say("prepared")
        loop { sleep }
      ensure
        exit!(1)
      end
      say(child)
      sleep
    ensure
      exit!(1)
    end
    @pids << supervisor
    said = Array.new(2) { heard }
    assert_includes said, "prepared"
    child = Integer((said - ["prepared"]).first)
    @pids << child
    [supervisor, child]
  end

  def watch(ended = -> { false })
    PreforkLauncher::SupervisorDeath.watch(ended) do
      say("died")
      exit!(3)
    end
  end

  def state(pid)
    File.read("/proc/#{pid}/stat")[/\) (\S)/, 1]
  rescue SystemCallError
    nil
  end

  def until_stopped(pid)
    Timeout.timeout(30) { Thread.pass until state(pid) == "T" }
  end

  def test_a_process_hears_of_it
    supervisor, = supervise { watch }
    Process.kill("KILL", supervisor)
    assert_equal "died", heard
  end

  def test_a_stopped_process_runs_on_and_hears_of_it
    supervisor, child = supervise { watch }
    Process.kill("STOP", child)
    until_stopped(child)
    Process.kill("KILL", supervisor)
    assert_equal "died", heard
  end

  # What has the supervisor's descriptors closed may take longer.
  def test_a_death_before_the_first_check
    dead = Process.fork { exit!(0) }
    Process.wait(dead)
    @pids << Process.fork do
      PreforkLauncher::SupervisorDeath.remember_supervisor(dead)
      watch
      say("lives")
    ensure
      exit!(1)
    end
    assert_equal "died", heard
  end

  def test_the_end_of_the_life_line
    @pids << Process.fork do
      PreforkLauncher::SupervisorDeath.remember_supervisor(Process.ppid)
      watch(-> { true })
      say("lives")
    ensure
      exit!(1)
    end
    assert_equal "died", heard
  end

  def test_the_signal_alone_says_nothing
    supervisor, child = supervise do
      watch
      Signal.trap("USR1") { say("there") }
    end
    Process.kill("CONT", child)
    Process.kill("USR1", child)
    assert_equal "there", heard
    Process.kill("KILL", supervisor)
    assert_equal "died", heard
  end

  # Its parent is not the supervisor.
  def test_what_it_forks_is_left_alone
    @pids << Process.fork do
      PreforkLauncher::SupervisorDeath.remember_supervisor(Process.ppid)
      watch
      Process.wait(Process.fork do
        Signal.trap("USR1") { say("there") }
        say(Process.pid)
        loop { sleep }
      ensure
        exit!(1)
      end)
    ensure
      exit!(1)
    end
    forked = Integer(heard)
    @pids << forked
    Process.kill("CONT", forked)
    Process.kill("USR1", forked)
    assert_equal "there", heard
  end

  # A supervisor, a process in between that ends when it is told to, and one that this forks, which runs the block
  # and waits for ever. Returns the pid of the supervisor.
  def supervise_over_one_in_between(go, &block)
    supervisor = Process.fork do
      become_subreaper
      pid = Process.pid
      middle = Process.fork do
        PreforkLauncher::SupervisorDeath.remember_supervisor(pid)
        PreforkLauncher::SupervisorDeath.between
        Process.fork do
          say(Process.pid)
          block.call
          loop { sleep }
        ensure
          exit!(1)
        end
        go.read(1)
      ensure
        exit!(0)
      end
      Process.wait(middle)
      sleep
    ensure
      exit!(1)
    end
    @pids << supervisor
    @pids << Integer(heard)
    supervisor
  end

  # As the launcher does.
  def become_subreaper
    number = PreforkLauncher::SupervisorDeath::PRCTL.fetch(RUBY_PLATFORM[/\A[^-]+/])
    PreforkLauncher::SupervisorDeath.send(:quietly) { syscall(number, 36, 1) } # PR_SET_CHILD_SUBREAPER
  end

  # It ends a little later than its child begins, which has another parent after that.
  def test_the_process_in_between_is_not_the_supervisor
    go, going = IO.pipe
    supervisor = supervise_over_one_in_between(go) do
      middle = Process.ppid
      watch
      say("between: #{PreforkLauncher::SupervisorDeath.happened?}")
      Thread.pass while Process.ppid == middle
      say("after: #{PreforkLauncher::SupervisorDeath.happened?}")
    end
    assert_equal "between: false", heard
    going.write(".")
    assert_equal "after: false", heard
    Process.kill("KILL", supervisor)
    assert_equal "died", heard
  ensure
    [go, going].each(&:close)
  end

  # The parent that comes after the process in between is another from the start, and no descriptor tells anything.
  def test_a_supervisor_that_dies_before_the_process_in_between
    go, going = IO.pipe
    supervisor = supervise_over_one_in_between(go) do
      watch
      say("watches")
    end
    assert_equal "watches", heard
    Process.kill("KILL", supervisor)
    Process.wait(supervisor)
    going.write(".")
    assert_equal "died", heard
  ensure
    [go, going].each(&:close)
  end

  # Both signals come as one where a process cannot handle them one by one.
  def test_two_ends_at_once
    go, going = IO.pipe
    held, hold = IO.pipe
    supervisor = supervise_over_one_in_between(go) do
      middle = Process.ppid
      watch
      Signal.trap("USR1") do # no other handler runs meanwhile
        say("held")
        held.read(1)
      end
      say(middle)
    end
    middle = Integer(heard)
    child = @pids.last
    Process.kill("USR1", child)
    assert_equal "held", heard
    going.write(".")
    Timeout.timeout(30) { Thread.pass until [nil, "Z"].include?(state(middle)) }
    Process.kill("KILL", supervisor)
    Process.wait(supervisor)
    hold.write(".")
    assert_equal "died", heard
  ensure
    [go, going, held, hold].each(&:close)
  end

  # What the kernel does with a change of the user, as a hook may make one.
  FORGET = lambda do
    number = PreforkLauncher::SupervisorDeath::PRCTL.fetch(RUBY_PLATFORM[/\A[^-]+/])
    PreforkLauncher::SupervisorDeath.send(:quietly) { syscall(number, PreforkLauncher::SupervisorDeath::SET_DEATH_SIGNAL, 0) }
  end

  def test_a_request_that_a_hook_has_undone_is_made_again
    [[:before_fork], [:after_fork, 0]].each do |hook|
      supervisor, = supervise do
        hooks = Tempfile.create("launcher.rb") do |file|
          File.write(file.path, "#{hook.first} { SupervisorDeathTest::FORGET.call }")
          PreforkLauncher::Hooks.new.load(file.path)
        end
        watch
        hooks.public_send(*hook)
      end
      Process.kill("KILL", supervisor)
      assert_equal "died", heard, hook.first
    end
  end

  # Its parent is the shell's process, which the supervisor has started.
  def test_a_script_that_has_not_called_exec
    @pids << Process.fork do
      supervisor = Process.ppid
      Process.wait(Process.fork do
        PreforkLauncher::SupervisorDeath.remember_supervisor(supervisor)
        watch
        say("lives")
      ensure
        exit!(1)
      end)
    ensure
      exit!(1)
    end
    assert_equal "lives", heard
  end

  # It would be waited for, for ever.
  def test_a_process_in_between_that_was_stopped_is_continued
    stop = -> { Process.kill("STOP", Process.pid) }
    pid = PreforkLauncher::SupervisorDeath.stub(:between, stop) do
      PreforkLauncher::Children.fork_away(patience: 0.05) do
        say("forked")
        exit!(0)
      end
    end
    assert_equal "forked", heard
    assert_operator pid, :>, 1
  end

  # It was killed, say, since memory was short.
  def test_a_process_in_between_that_ends_without_a_word_is_not_waited_for
    PreforkLauncher::SupervisorDeath.stub(:between, -> { exit!(3) }) do
      Timeout.timeout(60) do
        assert_raises(RuntimeError) { PreforkLauncher::Children.fork_away(patience: 3600) { exit!(0) } }
      end
    end
  end
end
