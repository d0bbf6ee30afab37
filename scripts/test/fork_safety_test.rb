# frozen_string_literal: true

require "minitest"
require "stringio"
require "tmpdir"
require "fork_safety"
require_relative "support/ruby_process"

# Each with a real fork, and with the libraries that are installed.
class ForkSafetyTest < Minitest::Test
  include RubyProcess

  PRELUDE = <<~'RUBY'
    require "fork_safety"
    SAFETY = PreforkLauncher::ForkSafety.new($stderr)
    # Forks as the preloader does, and answers what the worker printed.
    def worker
      SAFETY.before_fork
      reader, writer = IO.pipe
      middle = Process.fork do
        Process.fork do
          SAFETY.after_fork
          writer.write(yield)
          SAFETY.flush
          exit!(0)
        end
        exit!(0)
      end
      writer.close
      Process.wait(middle)
      reader.read
    end
  RUBY

  def run_in(script)
    Dir.mktmpdir { |folder| ruby(PRELUDE + script, chdir: folder) }
  end

  def test_a_buffer_is_written_once_and_none_is_lost
    assert_equal "boot\n0\n1\n2\n", run_in(<<~'RUBY')
      log = File.open("log", "a")
      log.write("boot\n")
      3.times { |i| worker { log.write("#{i}\n"); "" } }
      log.close
      print File.read("log")
    RUBY
  end

  def test_a_stream_that_cannot_be_flushed_stops_nothing
    assert_equal "kept", run_in(<<~'RUBY')
      reader, writer = IO.pipe
      writer.sync = false
      writer.write("nobody reads")
      reader.close
      IO.allocate
      File.open("closed", "w").close
      odd = Class.new(File) { def flush; raise "not for you"; end }.new("odd", "w")
      odd.write("kept")
      SAFETY.flush
      print File.read("odd")
      $stdout.flush
      exit!(0)
    RUBY
  end

  def test_workers_draw_different_numbers
    numbers = run_in("srand(1); rand; print 3.times.map { worker { [rand, Random.rand].inspect } }.uniq.size")
    assert_equal "3", numbers
  end

  ACTIVE_RECORD = <<~'RUBY'
    require "active_record"
    ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: "test.sqlite3")
    ActiveRecord::Base.connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, pid INTEGER)")
    def descriptors
      Dir.children("/proc/self/fd").map { |fd| File.readlink("/proc/self/fd/#{fd}") rescue "" }.grep(/sqlite3\z/).size
    end
  RUBY

  def test_no_database_connection_is_shared
    assert_equal "before 1 inherited 0 used 1 rows 3 after 0", run_in(<<~RUBY)
      #{ACTIVE_RECORD}
      print "before ", descriptors
      inherited = 3.times.map { worker { descriptors.to_s } }.uniq.join
      used = 3.times.map { worker { ActiveRecord::Base.connection.execute("INSERT INTO rows (pid) VALUES (\#{Process.pid})"); descriptors.to_s } }.uniq.join
      print " inherited ", inherited, " used ", used, " rows "
      count = worker { ActiveRecord::Base.connection.select_value("SELECT COUNT(*) FROM rows").to_s }
      print count, " after ", descriptors
    RUBY
  end

  # The preloader's own hooks may have connected once more.
  def test_a_connection_made_after_before_fork_is_not_used_by_the_worker
    assert_equal "false 1", run_in(<<~RUBY)
      #{ACTIVE_RECORD}
      SAFETY.before_fork
      inherited = ActiveRecord::Base.connection.object_id
      reader, writer = IO.pipe
      Process.wait(Process.fork do
        SAFETY.after_fork
        writer.write([ActiveRecord::Base.connection.object_id == inherited, ActiveRecord::Base.connection.select_value("SELECT 1")].join(" "))
        writer.flush
        exit!(0)
      end)
      writer.close
      print reader.read
    RUBY
  end

  def test_an_active_record_that_is_not_used_is_not_loaded
    assert_equal "true", run_in('require "active_record"; worker { "" }; print !ActiveRecord.autoload?(:Base).nil?')
  end

  def test_sequel
    assert_equal "2", run_in(<<~'RUBY')
      module Sequel
        DATABASES = Array.new(2) { Class.new { attr_reader :gone; define_method(:disconnect) { @gone = true } }.new }
      end
      SAFETY.before_fork
      print Sequel::DATABASES.count(&:gone)
    RUBY
  end

  GRPC = <<~'RUBY'
    module GRPC
      CALLS = []
      def self.prefork
        abort "twice" if CALLS.last == :prefork
        CALLS << :prefork
      end
      def self.postfork_child
        CALLS << :child
      end
      def self.postfork_parent
        CALLS << :parent
      end
    end
  RUBY

  def test_grpc_is_stopped_once_and_started_in_each_worker
    script = "ENV['GRPC_ENABLE_FORK_SUPPORT'] = '1'\n#{GRPC}print 2.times.map { worker { GRPC::CALLS.inspect } }.join(' ')"
    assert_equal "[:prefork, :child] [:prefork, :child]", run_in(script)
  end

  # It may use the library itself, before and after.
  def test_grpc_in_a_worker_that_reforks
    assert_equal "[:prefork, :child, :prefork, :parent, :prefork, :child]", run_in(<<~RUBY)
      ENV['GRPC_ENABLE_FORK_SUPPORT'] = '1'
      #{GRPC}
      print(worker do
        SAFETY.before_fork
        SAFETY.after_refork
        SAFETY.before_fork
        SAFETY.after_fork # in a worker of the second refork
        GRPC::CALLS.inspect
      end)
    RUBY
  end

  def test_grpc_without_fork_support_is_left_alone
    assert_equal "[]", run_in("ENV.delete('GRPC_ENABLE_FORK_SUPPORT')\n#{GRPC}print worker { GRPC::CALLS.inspect }")
  end

  CABLE = <<~'RUBY'
    require "logger"
    require "active_support/all"
    require "action_cable"
    require "action_cable/subscription_adapter/async"
    ActionCable.server.config.logger = Logger.new(File::NULL)
    ActionCable.server.config.cable = { "adapter" => "async" }
    def pubsub
      ActionCable.instance_variable_get(:@server)&.instance_variable_get(:@pubsub)
    end
  RUBY

  def test_action_cable_that_boot_has_used_starts_anew
    needs "action_cable"
    assert_equal "true nil true", run_in(<<~RUBY)
      #{CABLE}
      mine = ActionCable.server.pubsub
      before = worker { pubsub.inspect }
      print !mine.nil?, " ", before, " ", worker { ActionCable.server.broadcast("x", "y"); !pubsub.nil? }
    RUBY
  end

  def test_action_cable_that_boot_has_not_used_stays_so
    needs "action_cable"
    assert_equal "nil", run_in('require "action_cable"; print worker { ActionCable.instance_variable_get(:@server).inspect }')
  end

  def test_redis_client_of_the_cache_is_closed_and_a_pool_is_not
    assert_equal "1 0", run_in(<<~'RUBY')
      Client = Struct.new(:closed) { def close; self.closed += 1; end }
      Pool = Struct.new(:closed)
      Store = Struct.new(:redis)
      module Rails
        class << self
          attr_accessor :cache
        end
      end
      print([Client.new(0), Pool.new(0)].map { |redis| Rails.cache = Store.new(redis); SAFETY.before_fork; redis.closed }.join(" "))
      Rails.cache = Object.new
      SAFETY.before_fork
      Rails.cache = nil
      SAFETY.before_fork
    RUBY
  end

  # The job ends only when somebody already waits for it.
  def assert_waiting_job_is_done(for_all: "", of_its_own: "")
    assert_equal "delivered", run_in(<<~RUBY)
      require "active_job"
      ActiveJob::Base.logger = nil
      #{for_all}
      GATE, OPENER = IO.pipe
      class Mail < ActiveJob::Base
        #{of_its_own}
        def perform
          GATE.read(1)
          $delivered = "delivered"
        end
      end
      print(worker do
        Mail.perform_later
        leaving = Thread.new { SAFETY.before_exit }
        Thread.pass until leaving.stop?
        OPENER.write(".")
        leaving.join
        $delivered || "lost"
      end)
    RUBY
  end

  def test_a_job_that_waits_in_the_worker_is_done_before_it_leaves
    assert_waiting_job_is_done
  end

  def test_jobs_with_an_adapter_of_their_own_are_done_too
    assert_waiting_job_is_done(for_all: "ActiveJob::Base.queue_adapter = :inline", of_its_own: "self.queue_adapter = :async")
  end

  def test_nothing_is_waited_for_where_no_job_was_made
    assert_equal "left", run_in(<<~'RUBY')
      require "active_job"
      print(worker { ActiveJob::Base.queue_adapter; SAFETY.before_exit; "left" })
    RUBY
  end

  def test_a_step_that_fails_is_named_and_stops_nothing
    log = StringIO.new
    safety = PreforkLauncher::ForkSafety.new(log)
    safety.send(:step, "Sequel") { raise ArgumentError, "no" }
    safety.send(:step, "ActiveRecord") { raise NotImplementedError, "not here" }
    assert_equal ["launcher: making Sequel safe around the fork failed: ArgumentError: no\n",
                  "launcher: making ActiveRecord safe around the fork failed: NotImplementedError: not here\n"], log.string.lines
  end

  # A lock that a thread of the preloader holds at the fork is free in the worker.
  def test_locks_held_by_threads_of_the_preloader
    assert_equal "free", run_in(<<~'RUBY')
      require "logger"
      require "monitor"
      require "timeout"
      logger = Logger.new(File.open("log", "a"))
      locks = [Mutex.new, Monitor.new]
      held = Queue.new
      Thread.new { locks[0].synchronize { locks[1].synchronize { held << true; sleep } } }
      Thread.new { loop { logger.info("x" * 100) && sleep(0.0001) } }
      held.pop
      20.times do
        said = worker { Timeout.timeout(20) { locks.each { |lock| lock.synchronize { } }; logger.info("worker"); "free" } }
        abort said unless said == "free"
      end
      print "free"
    RUBY
  end
end
