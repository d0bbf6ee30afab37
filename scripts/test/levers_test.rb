# frozen_string_literal: true

require "minitest"
require "levers"

class LeversTest < Minitest::Test
  def test_all_but_those_that_are_named
    levers = PreforkLauncher::Levers.new(["views"])
    refute levers.on?("views")
    assert levers.on?("records")
  end
end
