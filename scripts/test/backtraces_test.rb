# frozen_string_literal: true

require_relative "support/worker_case"
require "worker/backtraces"

# Where the threads of a worker are, as the supervisor hears it.
class BacktracesTest < WorkerCase
  def located
    tell(@channel, "locate")
    told = said(@channel)
    assert_equal "located", told[:type]
    assert_equal KEY, told.slice(*KEY.keys)
    told[:threads]
  end

  def test_of_a_request_in_hand_the_serving_thread_comes_first
    File.write(File.join(@folder, "app.rb"), "def wait(pipe)\n  pipe.read(1)\nend\n")
    gate, opener = IO.pipe
    folder = @folder
    start(app do
      Thread.new { sleep }.tap { |thread| thread.name = "ticker\n" }
      load File.join(folder, "app.rb")
      wait(gate)
    end)
    ready
    asked = sent("/")
    told = nil
    eventually { state == 3 && (told = located).map { |thread| thread[:state] } == %w[sleep sleep] && told[0][:frames][0].include?("read") }
    serving, ticker = told
    assert_equal ["serving", 'ticker\u000a'], [serving, ticker].map { |thread| thread[:name] }
    assert_match(/\Aapp\.rb:2:in .*read/, serving[:frames].first)
    assert_equal 0, serving[:left_out]
    opener.write(".")
    assert_equal ".", asked.reply.body
  end

  def test_of_ruby_that_loops
    start(app { loop {} })
    ready
    sent("/")
    eventually { state == 3 }
    assert_equal "run", located.first[:state]
    end_child(@pid)
    @pid = nil
  end

  def deep(depth, &block)
    depth.zero? ? block.call : deep(depth - 1, &block)
  end

  # A packet has a bound, and the thread that serves comes first.
  def test_many_threads_with_many_frames_fit_into_a_packet
    gate = Queue.new
    threads = Array.new(40) { Thread.new { deep(400) { gate.pop } } }
    eventually { gate.num_waiting == 40 }
    told = PreforkLauncher::Backtraces.new(threads.last, root: "/srv/app").to_h[:threads]
    assert_operator JSON.generate(told).bytesize, :<, 64_000
    assert_equal 300, told.first[:frames].size
    assert_operator told.first[:left_out], :>=, 100
    assert_operator told.size, :>=, 40
    told.drop(1).each { |thread| assert_operator thread[:frames].size, :<=, 60 }
  ensure
    threads&.each(&:kill)
  end
end
