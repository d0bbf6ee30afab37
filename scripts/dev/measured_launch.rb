# frozen_string_literal: true

require "etc"
require "json"
require "socket"

HERE = File.expand_path("../..", __dir__)
ENV["LAUNCHER_ALLOW_ROOT"] ||= "1" # a machine for measuring

# A launcher that runs an application until it is stopped.
class Launch
  READY = 120 # seconds
  SETTLED = 3 # seconds
  ATTEMPTS = 10
  TICKS = Etc.sysconf(Etc::SC_CLK_TCK)
  # The first of these lines: of all slots, whether a few workers serve them so far or each has its own.
  READY_LINE = /^\d+ (?:workers? (?:is|are) ready|slots? (?:is|are) served)/.freeze

  # The pid of a launcher and those of all that it has started.
  def self.pids(launcher)
    children = Hash.new { |found, parent| found[parent] = [] }
    Dir.children("/proc").grep(/\A\d+\z/).each { |pid| children[stat(pid)[1].to_i] << pid.to_i }
    found = [launcher]
    found.each { |pid| found.concat(children[pid]) }
  end

  # From the state on: the name before it, in parentheses, may hold anything.
  def self.stat(pid)
    File.read("/proc/#{pid}/stat")[/.*\) (.*)/m, 1].split
  rescue SystemCallError
    [] # it has ended meanwhile
  end

  attr_reader :pid, :port

  def initialize(root, folder, arguments)
    @folder = folder
    File.write(@log = File.join(folder, "stderr"), "")
    @port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
    environment = { "LAUNCHER_WITHOUT" => nil, "LAUNCHER_WARMUP" => nil, "LAUNCHER_REFORK_AFTER" => nil }
    command = [File.join(HERE, "launcher"), "--root", root, "--socket-dir", folder, "--http", "127.0.0.1:#{@port}", *arguments]
    @pid = Process.spawn(environment, *command, out: File::NULL, err: [@log, "a"])
    wait_until_ready
  end

  def stop
    Process.kill("TERM", @pid)
    Process.wait(@pid)
  end

  # In MB.
  def memory
    pids.sum { |pid| pss(pid) } / 1024.0
  end

  # Seconds of CPU that the Ruby processes have had, those that have ended among them.
  def cpu
    ended = Launch.stat(@pid).values_at(13, 14)
    ticks = pids.drop(1).flat_map { |pid| Launch.stat(pid).values_at(11, 12) } + ended
    ticks.sum(&:to_i).fdiv(TICKS)
  end

  # As JSON has it.
  def status
    JSON.parse(IO.popen([File.join(HERE, "launcher"), "status", "--json", "--socket-dir", @folder], &:read))
  end

  # Waits until no process has begun or ended for a while, but not for ever.
  def wait_until_settled
    before = nil
    ATTEMPTS.times do
      return if before == (before = pids.sort)

      sleep SETTLED
    end
  end

  # Lets none of them do anything meanwhile.
  def halted
    halted = pids
    halted.each { |pid| Process.kill("STOP", pid) }
    yield
  ensure
    halted.each { |pid| Process.kill("CONT", pid) }
  end

  def pids
    Launch.pids(@pid)
  end

  private

  def wait_until_ready
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + READY
    until File.read(@log).match?(READY_LINE)
      ended = Process.wait(@pid, Process::WNOHANG)
      late = Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      give_up(ended) if ended || late
      sleep 0.05
    end
  end

  def give_up(ended)
    stop unless ended
    abort("the launcher did not become ready:\n#{File.read(@log)}")
  end

  def pss(pid)
    File.read("/proc/#{pid}/smaps_rollup")[/^Pss:\s+(\d+)/, 1].to_i
  rescue SystemCallError
    0
  end
end

# As many requests as there are to make, by as many visitors as there are workers.
class Load
  def initialize(port, path, visitors)
    @port = port
    @request = "GET #{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    @visitors = visitors
    @times = Queue.new
  end

  # Yields twice a second, and returns how many requests failed.
  def run(count)
    left = Queue.new
    count.times { left << true }
    left.close
    failed = Queue.new
    threads = Array.new(@visitors) { Thread.new { (failed << true unless timed { answered? }) while left.pop } }
    yield until threads.map { |thread| thread.join(0.5 / @visitors) }.all?
    failed.size
  end

  # The seconds that this part of the responses took at most.
  def percentile(part)
    times = Array.new(@times.size) { @times.pop }.sort
    times[(part * (times.size - 1)).round]
  end

  private

  def timed
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield.tap { @times << (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began) }
  end

  def answered?
    socket = TCPSocket.new("127.0.0.1", @port)
    socket.write(@request)
    socket.read.start_with?("HTTP/1.1 200")
  rescue SystemCallError
    false
  ensure
    socket&.close
  end
end
