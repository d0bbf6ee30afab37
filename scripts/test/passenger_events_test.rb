# frozen_string_literal: true

require "minitest"
require "hooks"

class PassengerEventsTest < Minitest::Test
  def setup
    @hooks = PreforkLauncher::Hooks.new
    @hooks.offer_passenger_events
    @calls = []
  end

  def teardown
    Object.send(:remove_const, :PhusionPassenger)
  end

  def test_events_run_in_their_order_before_the_hooks
    calls = @calls
    PhusionPassenger.on_event(:starting_worker_process) { |forked| calls << [:first, forked] }
    PhusionPassenger.on_event(:starting_worker_process) { |forked| calls << [:second, forked] }
    PhusionPassenger.on_event(:stopping_worker_process) { calls << :stopping }
    @hooks.after_fork(0, forked: false)
    @hooks.after_fork(0)
    @hooks.before_exit
    assert_equal [[:first, false], [:second, false], [:first, true], [:second, true], :stopping], calls
  end

  def test_other_events_never_happen
    PhusionPassenger.on_event(:oob_work) { flunk }
    PhusionPassenger.on_event(:credentials) { flunk }
    @hooks.after_fork(0)
    assert_empty @calls
  end

  def test_what_is_no_event
    assert_raises(ArgumentError) { PhusionPassenger.on_event(:starting) { nil } }
    assert_raises(ArgumentError) { PhusionPassenger.on_event(:starting_worker_process) }
  end

  def test_it_pretends_nothing_else
    assert_equal [:on_event], PhusionPassenger.singleton_methods
    assert_empty PhusionPassenger.constants
  end
end
