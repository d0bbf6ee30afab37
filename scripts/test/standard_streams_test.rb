# frozen_string_literal: true

require_relative "support/refork_case"

# Where processes print: each to a pipe of its own, which the test reads as the supervisor does, and to the launcher's standard
# error when that has died.
class StandardStreamsTest < ReforkCase
  ACTIONS = <<~'RUBY'
    { "/print" => -> { puts("to " + Process.pid.to_s); $stderr.puts "an error" },
      "/child" => -> { system("echo from a child"); Process.wait(fork { puts "forked"; exit!(0) }) },
      "/moved" => -> { $stdout = File.open("/dev/null", "w"); STDOUT.puts "still" } }
  RUBY

  def setup
    super
    @readers = []
    @writers = []
  end

  def teardown
    super
    (@readers + @writers).each { |io| io.close unless io.closed? }
  end

  def output
    reader, writer = IO.pipe
    @readers << reader
    @writers << writer
    writer
  end

  # The other end of what the process has that was begun last.
  def printed
    @writers.each { |writer| writer.close unless writer.closed? }
    @readers.last
  end

  def test_each_process_has_a_pipe_of_its_own
    worker = start(ACTIONS)
    first = printed
    get("/print")
    assert_equal ["to #{worker.pid}\n", "an error\n"], Array.new(2) { first.gets }
    second_worker = spawn_worker(@preloader)
    second = printed
    leave(worker)
    assert_equal "", first.read # nobody else has it
    get("/child")
    assert_equal ["from a child\n", "forked\n"], Array.new(2) { second.gets }
    leave(second_worker)
    assert_equal "", second.read
  end

  # The pipe that a worker has is no reason against a refork.
  def test_a_reforked_preloader_has_one_too
    worker = start(ACTIONS)
    first = printed
    preloader = refork_from(worker)
    mine = printed
    leave(worker)
    assert_equal "", first.read
    next_worker = spawn_worker(preloader, refork: 1)
    next_output = printed
    get("/print")
    assert_equal "to #{next_worker.pid}\n", next_output.gets
    later = refork_from(next_worker, refork: 2)
    tell(next_worker.socket, "drain", backlog: false)
    eventually { !alive?(next_worker.pid) }
    preloader.socket.close
    assert_equal "", mine.read
    spawn_worker(later, refork: 2)
    get("/moved")
    assert_equal "still\n", printed.gets
  end

  def test_a_spare
    start(ACTIONS)
    leave(Told.new(@pids.last, @sockets.last))
    spare = spawn_spare(@preloader)
    get("/print")
    assert_equal "to #{spare.pid}\n", printed.gets
  end

  # The supervisor dies, and with it the ends that it reads: what is in the pipe is not lost, and who writes, a full pipe
  # and more, neither waits nor fails.
  def test_prints_on_when_the_supervisor_has_died
    worker = start(<<~'RUBY')
      { "/long" => lambda {
          puts "before"
          NOTE.call(:began)
          sleep(0.005) until File.exist?(File.join(__dir__, "died"))
          300_000.times { |n| $stdout.puts "line #{n}" } # more than a pipe takes
          system("echo from a child")
          "all"
        } }
    RUBY
    printed
    asked = Thread.new { get("/long") }
    eventually { notes.any? }
    @readers.each(&:close)
    @sockets.each { |socket| socket.close unless socket.closed? }
    File.write(path("died"), "")
    assert_equal [200, "1 all"], Timeout.timeout(120) { asked.value }
    eventually { !alive?(worker.pid) }
    said = log.lines(chomp: true)
    assert_equal 300_000, said.count { |line| line.match?(/\Aline \d+\z/) }
    assert_equal "before", said.first
    assert_equal "from a child", said.last
  end

  # What is still in the pipe when the last request is done goes where the rest went: here the thread that does so gets no turn.
  def test_what_is_left_in_the_pipe_at_the_end
    worker = start(<<~'RUBY')
      { "/last" => lambda {
          PreforkLauncher::StandardStreams.define_singleton_method(:pass_on) { sleep }
          puts "before"
          NOTE.call(:began)
          sleep(0.005) until File.exist?(File.join(__dir__, "died"))
          system("echo from a child")
          "all"
        } }
    RUBY
    printed
    asked = Thread.new { get("/last") }
    eventually { notes.any? }
    @readers.each(&:close)
    @sockets.each { |socket| socket.close unless socket.closed? }
    File.write(path("died"), "")
    assert_equal [200, "1 all"], Timeout.timeout(120) { asked.value }
    eventually { !alive?(worker.pid) }
    assert_equal ["before", "from a child"], log.lines(chomp: true)
  end
end
