# frozen_string_literal: true

require_relative "support/refork_case"

# Workers that are forked before the preloader prepares what keeps memory shared, beside them.
class EarlyWorkerTest < ReforkCase
  def prepared
    tell(@preloader.socket, "prepare")
    message = said(@preloader.socket)
    assert_equal "prepared", message[:type], log
    message
  end

  # What is loaded meanwhile may set handlers, too: the supervisor could not end the preloader, and would not hear of its children.
  def test_traps_that_preparing_sets_are_taken_back
    start('{ "/trap" => -> { %w[TERM CHLD].each { |signal| trap(signal) { NOTE.call(signal) } } } }',
          prepare: "beside", warmup_paths: "/trap", warmup_host: "localhost", warmup_count: "1")
    prepared
    spawn_worker(@preloader)
    Process.kill("TERM", @preloader.pid)
    assert_equal "SIGTERM", exit_of(@preloader.pid)
    assert_empty notes
    @preloader = nil
  end
end
