# frozen_string_literal: true

require "minitest"
require "memory/optimizations"

class OptimizationsTest < Minitest::Test
  def test_all_but_those_that_are_named
    optimizations = PreforkLauncher::Optimizations.new(["views"])
    refute optimizations.on?("views")
    assert optimizations.on?("records")
  end
end
