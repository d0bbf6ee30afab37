# frozen_string_literal: true

require_relative "support/refork_case"

# Workers that are forked before the preloader prepares what keeps memory shared, beside them. A request of its own is
# what the application does meanwhile.
class EarlyWorkerTest < ReforkCase
  GRPC = <<~RUBY
    ENV["GRPC_ENABLE_FORK_SUPPORT"] = "1"
    module GRPC
      CALLS = []
      %i[prefork postfork_parent postfork_child].each { |name| define_singleton_method(name) { CALLS << name } }
    end
  RUBY

  # Notes each walk over the heap.
  COUNTED = <<~'RUBY'
    counted = Module.new { define_method(:each_object) { |*of, &block| NOTE.call("each_object"); super(*of, &block) } }
    ObjectSpace.singleton_class.prepend(counted)
  RUBY

  def start_early(action, **given)
    start("{ \"/\" => -> { #{action} } }", prepare: "beside", warmup_paths: "/", warmup_host: "localhost", warmup_count: "1", **given)
  end

  def prepared
    tell(@preloader.socket, "prepare")
    message = said(@preloader.socket)
    assert_equal "prepared", message[:type], log
    message
  end

  # What is loaded meanwhile may set handlers, too: the supervisor could not end the preloader, and would not hear of its children.
  def test_traps_that_preparing_sets_are_taken_back
    start_early("%w[TERM CHLD].each { |signal| trap(signal) { NOTE.call(signal) } }")
    prepared
    spawn_worker(@preloader)
    Process.kill("TERM", @preloader.pid)
    assert_equal "SIGTERM", exit_of(@preloader.pid)
    assert_empty notes
    @preloader = nil
  end

  # The flush of every IO walks over the heap, and the sockets are all served once the last of the first workers is there.
  def test_only_the_first_fork_walks_over_the_heap
    start_early("nil", at_boot: "#{COUNTED}Thread.new { sleep }.thread_variable_set(:fork_safe, true)")
    before = notes.size
    spawn_worker(@preloader)
    assert_equal before, notes.size
    prepared
  end

  # An application's own thread may have connected or written meanwhile.
  def test_a_thread_of_the_application_has_each_fork_made_safe
    start_early("nil", at_boot: "#{COUNTED}Thread.new { sleep }")
    before = notes.size
    spawn_worker(@preloader)
    assert_operator before, :<, notes.size
  end

  # It was stopped for the fork of the worker.
  def test_grpc_runs_while_it_prepares
    start_early("NOTE.call(GRPC::CALLS.inspect)", at_boot: GRPC)
    prepared
    assert_equal ["[:prefork, :postfork_parent] #{@preloader.pid}"] * 2, notes
  end
end
