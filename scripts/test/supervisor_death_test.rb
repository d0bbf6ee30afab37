# frozen_string_literal: true

require "minitest"
require "minitest/mock"
require "timeout"
require "children"
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

  # A supervisor whose child runs the block and then waits for ever; answers its pid and the child's.
  def supervise(&block)
    supervisor = Process.fork do
      child = Process.fork do
        PreforkLauncher::SupervisorDeath.remember_supervisor
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

  # Its parent is another from the start.
  def test_a_death_before_the_first_look
    @pids << Process.fork do
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

  # It has another parent than the supervisor from the start. Who watches is not this process: whatever is forked
  # from here after that would take the parent of this one for its supervisor.
  def test_what_it_forks_is_left_alone
    @pids << Process.fork do
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

  # It ends a little later than its child begins, which has another parent after that.
  def test_the_process_in_between_is_not_the_supervisor
    go, going = IO.pipe
    supervisor = Process.fork do
      middle = Process.fork do
        PreforkLauncher::SupervisorDeath.between
        Process.fork do
          watch
          say("between: #{PreforkLauncher::SupervisorDeath.happened?}")
          Thread.pass while Process.ppid == middle_of
          say("after: #{PreforkLauncher::SupervisorDeath.happened?}")
          exit!(0)
        end
        go.read(1)
        exit!(0)
      end
      Process.wait(middle)
      sleep
    ensure
      exit!(1)
    end
    @pids << supervisor
    assert_equal "between: false", heard
    going.write(".")
    going.close
    assert_equal "after: false", heard
  end

  def middle_of
    PreforkLauncher::SupervisorDeath.instance_variable_get(:@between)
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
end
