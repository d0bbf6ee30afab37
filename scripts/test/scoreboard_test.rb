# frozen_string_literal: true

require "minitest"
require "tempfile"
require "scoreboard"

class ScoreboardTest < Minitest::Test
  # Where preforker/internal/scoreboard reads each part.
  FIELDS = { sequence: ["@0L<"], pid: ["@4L<"], state: ["@8C"], method_size: ["@9C"], path_size: ["@10S<"], cut: ["@12C"],
             sound: ["@13C"], errors: ["@14S<"], requests: ["@16Q<"], since: ["@24Q<"],
             request_seconds: ["@32e"], collection_seconds: ["@36e"], sequence_again: ["@252L<"] }.freeze

  def setup
    @file = Tempfile.new("scoreboard")
    @file.truncate(PreforkLauncher::Scoreboard::RECORD_SIZE * 3)
    @record = PreforkLauncher::Scoreboard.new(@file).record(1)
  end

  def teardown
    @file.close!
  end

  def read(index = 1)
    bytes = @file.pread(256, index * 256)
    entry = FIELDS.transform_values { |(layout)| bytes.unpack1(layout) }
    assert_equal entry[:sequence], entry[:sequence_again]
    entry.merge(method: bytes.byteslice(40, entry[:method_size]), path: bytes.byteslice(56, entry[:path_size]))
  end

  def test_a_record_is_as_large_as_promised
    assert_equal 256, ([0] * 12 + ["", 0]).pack(PreforkLauncher::Scoreboard::Record::LAYOUT).bytesize
  end

  def test_states
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
    @record.booting
    assert_equal [1, Process.pid, "", ""], read.values_at(:state, :pid, :method, :path)
    assert_includes before..Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond), read[:since]
    @record.idle
    assert_equal [2, 0], read.values_at(:state, :requests)
    @record.busy("GET", "/posts")
    assert_equal [3, 0, "GET", "/posts", 0], read.values_at(:state, :requests, :method, :path, :cut)
    @record.idle
    assert_equal [2, 1, "GET", "/posts"], read.values_at(:state, :requests, :method, :path)
    assert_equal 1, @record.requests
    assert_equal 4, read[:sequence]
  end

  # On a connection that is kept, the next one may be there by the time that the response is sent: nothing is awaited between the two.
  def test_requests_that_come_one_after_the_other
    @record.idle
    @record.busy("GET", "/1")
    @record.busy("GET", "/2")
    assert_equal [3, 1, "/2"], read.values_at(:state, :requests, :path)
    @record.receiving
    assert_equal [5, 2], read.values_at(:state, :requests)
  end

  def test_what_collections_cost_is_told_with_the_next_state
    @record.collections(2.5, 0.25)
    @record.idle
    assert_equal [2.5, 0.25], read.values_at(:request_seconds, :collection_seconds)
  end

  def test_how_the_last_requests_were_answered
    told = [500, 500, 0, 503, 500, 200].map do |status|
      @record.answered(status)
      @record.receiving
      read.values_at(:sound, :errors)
    end
    assert_equal [[0, 1], [0, 2], [0, 3], [1, 0], [1, 1], [1, 0]], told
  end

  def test_the_count_of_errors_has_a_bound
    70_000.times { @record.answered(500) }
    @record.idle
    assert_equal 65_535, read[:errors]
  end

  def test_the_pid_is_of_who_boots_with_it
    worker = Process.fork do
      @record.booting
      @record.idle
    ensure
      exit!
    end
    Process.wait(worker)
    assert_equal worker, read[:pid]
  end

  def test_other_records_are_untouched
    @record.busy("GET", "/x" * 300)
    assert_equal "\0" * 256, @file.pread(256, 0)
    assert_equal "\0" * 256, @file.pread(256, 512)
  end

  def test_draining_names_only_a_request_in_hand
    @record.busy("GET", "/posts")
    @record.draining
    assert_equal [4, "GET", "/posts"], read.values_at(:state, :method, :path)
    @record.idle
    @record.draining
    assert_equal [4, "", ""], read.values_at(:state, :method, :path)
  end

  def test_what_does_not_fit_is_cut_and_says_so
    @record.busy("M" * 17, "/")
    assert_equal ["M" * 16, 1], read.values_at(:method, :cut)
    @record.busy("GET", "/é" * 100)
    assert_equal [("/é" * 100).b.byteslice(0, 192), 1], read.values_at(:path, :cut)
    @record.busy("GET", "p" * 192)
    assert_equal ["p" * 192, 0], read.values_at(:path, :cut)
  end

  # What is mapped ends where the file did.
  def test_a_record_that_was_added_later
    board = PreforkLauncher::Scoreboard.new(@file)
    @file.truncate(PreforkLauncher::Scoreboard::RECORD_SIZE * 4)
    board.record(3).idle
    assert_equal 2, read(3)[:state]
  end

  def test_sequence_wraps
    @record.instance_variable_set(:@sequence, 0xffffffff)
    @record.booting
    assert_equal 0, read[:sequence]
  end
end
