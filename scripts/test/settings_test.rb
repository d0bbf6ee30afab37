# frozen_string_literal: true

require "minitest"
require "settings"

class SettingsTest < Minitest::Test
  FULL = { "root" => "/srv/shop", "generation" => "2", "entry" => "config.ru", "url_prefix" => "/shop",
           "hooks" => "/srv/shop/config/launcher.rb" }.freeze

  def test_all
    settings = PreforkLauncher::Settings.new(FULL)
    assert_equal ["/srv/shop", 2, "config.ru", "/shop", "/srv/shop/config/launcher.rb"],
                 [settings.root, settings.generation, settings.entry, settings.url_prefix.path, settings.hooks]
  end

  def test_what_is_empty_or_missing_is_nil
    settings = PreforkLauncher::Settings.new(FULL.merge("url_prefix" => "").reject { |name| name == "hooks" })
    assert_empty settings.url_prefix.path
    assert_nil settings.hooks
    assert_nil settings.supervisor
  end

  def test_what_is_switched_on
    none = PreforkLauncher::Settings.new(FULL)
    all = PreforkLauncher::Settings.new(FULL.merge("mode" => "doctor", "trace" => "yes", "passenger_events" => "yes"))
    assert_equal [[false] * 4, [true, true, true, false]],
                 [none, all].map { |settings| [settings.doctor?, settings.trace?, settings.passenger_events?, settings.direct?] }
  end

  # What was meant for Ruby alone is taken from the environment soon after.
  def test_the_slots_that_ruby_was_told
    told = { "RUBY_GC_HEAP_0_INIT_SLOTS" => "155000", "RUBY_GC_HEAP_4_INIT_SLOTS" => "441", "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO" => "0.02" }
    assert_empty PreforkLauncher::Settings.new(FULL).pool_slots
    ENV.update(told)
    settings = PreforkLauncher::Settings.new(FULL.merge("variables" => told.keys.join("\n")))
    assert_equal({ 0 => 155_000, 4 => 441 }, settings.pool_slots)
  ensure
    told.each_key { |name| ENV.delete(name) }
  end

  def test_the_supervisor_is_a_pid
    assert_equal 4711, PreforkLauncher::Settings.new(FULL.merge("supervisor" => "4711")).supervisor
    assert_raises(ArgumentError) { PreforkLauncher::Settings.new(FULL.merge("supervisor" => "")) }
  end

  def test_what_is_needed
    %w[root generation entry].each do |name|
      assert_raises(KeyError) { PreforkLauncher::Settings.new(FULL.reject { |other| other == name }) }
    end
    assert_raises(ArgumentError) { PreforkLauncher::Settings.new(FULL.merge("generation" => "two")) }
  end
end
