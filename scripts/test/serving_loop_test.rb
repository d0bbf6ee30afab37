# frozen_string_literal: true

require_relative "support/worker_case"

# What a worker serves, and what ends it when a request has broken what serves.
class ServingLoopTest < WorkerCase
  # What the launcher's own code needs is taken away by a request. That one may have its answer; no more than one
  # connection is taken by a process that fails at each.
  OWN_CODE_FAILS = {
    "a clock that raises" => -> { Process.define_singleton_method(:clock_gettime) { |*| raise "no time" } },
    "a clock that tells nothing" => -> { Process.define_singleton_method(:clock_gettime) { |*| nil } },
    "the parameters" => -> { PreforkLauncher::FastCGI::Params.singleton_class.send(:undef_method, :parse) },
    "a method of Hash" => -> { Hash.send(:undef_method, :[]=) },
    "the scoreboard" => lambda do
      ObjectSpace.each_object(IO::Buffer, &:free) if defined?(IO::Buffer)
      ObjectSpace.each_object(File) { |file| file.close if file.path&.end_with?("board") }
    end,
    "reading" => -> { UNIXSocket.send(:define_method, :read_nonblock) { |*, **| raise IOError, "not opened for reading" } },
    "writing" => -> { UNIXSocket.send(:define_method, :write_nonblock) { |*, **| raise Errno::EINVAL } },
    "more than an error" => -> { Array.send(:define_method, :pack) { |*| raise NoMemoryError } }
  }.freeze

  def test_an_error_of_its_own_ends_it
    OWN_CODE_FAILS.each do |what, act|
      gate, opener = IO.pipe
      start(app { |env| env["PATH_INFO"] == "/takes" ? gate.read(1) && act.call && "answered" : "x" })
      ready
      asked = %w[/takes /next /next].map { |path| sent(path).tap { |one| one.socket.close_write } }
      opener.write(".") # all are sent: who writes to one that has ended gets EPIPE
      assert_equal 1, ended, what
      assert_match(/launcher: (?:serve|read or write|worker slot=2 stopped serving).*: /, log, what)
      left = Array.new(2) { @listener.accept_nonblock(exception: false) }.grep(UNIXSocket)
      refute_empty left, "#{what}: it took one connection after the other"
      answered = asked.first(3 - left.size)
      left.each(&:close)
      answered.map(&:reply).each { |reply| assert_includes [0, 200, 500], reply.status, "#{what}: #{reply}" }
    ensure
      @log.truncate(0)
    end
  end

  # Nothing is raised, and nothing is answered.
  def test_one_that_answers_nobody_ends
    start(app { BasicSocket.send(:define_method, :write_nonblock) { |bytes, **| bytes.bytesize } })
    ready
    status = nil
    Timeout.timeout(30) do
      until (_, status = Process.wait2(@pid, Process::WNOHANG))
        asked = client
        begin
          asked.send(FastCGIClient::Wire.request(FastCGIClient.params("/")))
          IO.select([asked.socket], nil, nil, 0.1) # or it is in the queue of nobody
        rescue Errno::EPIPE
          nil # it has taken the connection, and ended
        end
        asked.close
      end
    end
    @pid = nil
    assert_equal 1, status.exitstatus
    assert_match(/worker slot=2 stopped serving: PreforkLauncher::SelfTest::Failed/, log)
  end

  # A connection that waits is served first, and what can be put off is done when none does.
  def test_collects_while_no_connection_waits
    idle = 0
    PreforkLauncher::Collection.class_eval do
      alias_method :idle_as_it_is, :idle
      define_method(:idle) { idle += 1 }
    end
    waiting = Array.new(4) { sent("/") }
    start(app { idle }, preloader: Object.new)
    ready
    assert_equal %w[0 0 0 0], waiting.map { |one| one.reply.body }
    Timeout.timeout(30) { nil while get.body == "0" }
  ensure
    PreforkLauncher::Collection.class_eval do
      remove_method :idle
      alias_method :idle, :idle_as_it_is
    end
  end

  # What wakes the serving thread comes once that thread has done what it is for.
  class LateShutdown < PreforkLauncher::Shutdown
    attr_writer :done

    def wake
      super
      Kernel.sleep(0.001) until asked? || @done.call
      super
    end
  end

  # Else that byte would keep it awake for ever.
  def test_sleeps_after_what_it_was_asked_for
    shutdown = LateShutdown.new(30)
    title = Object.new
    title.define_singleton_method(:show) { |_| nil }
    serving = PreforkLauncher::ServingLoop.new(nil, nil, record: PreforkLauncher::Scoreboard.new(@board).record(0), title: title,
                                                         tracker: nil, shutdown: shutdown, collects: false)
    thread = Thread.new { serving.run }
    own, lent = Array.new(2) { slot_sockets(@listener) }
    shutdown.done = -> { serving.listeners == [own.listener] }
    serving.open(own)
    eventually { IO.select([shutdown.wake_reader], nil, nil, 0).nil? }
    shutdown.done = -> { serving.listeners.size == 2 }
    serving.lend([lent])
    eventually { IO.select([shutdown.wake_reader], nil, nil, 0).nil? }
    assert_equal [own, lent].map(&:listener), serving.listeners
  ensure
    shutdown&.leave(:now)
    thread&.join
  end

  def test_a_title_is_worth_no_error
    start(app { Process.define_singleton_method(:setproctitle) { |*| raise "frozen" }; "answered" })
    ready
    2.times { assert_equal "answered", get.body }
  end

  def test_descriptors_that_the_application_closes
    { "all" => -> { ObjectSpace.each_object(IO) { |io| io.close unless io.closed? } },
      "by number" => -> { (3..255).each { |number| IO.for_fd(number).close rescue nil } } }.each do |what, act| # rubocop:disable Style/RescueModifier
      start(app { act.call; "answered" })
      ready
      refute get.complete, what
      refute_equal 0, ended, what
    end
  end

  def test_a_connection_without_a_request_is_told_from_none
    start(app { "x" })
    ready
    eventually { state == 2 }
    slow = client
    eventually { state == 5 }
    slow.send(FastCGIClient::Wire.request(FastCGIClient.params("/")))
    assert_equal "x", slow.reply.body
    eventually { state == 2 }
    assert_equal 1, @board.pread(256, 0).unpack1("@16Q<")
  end
end
