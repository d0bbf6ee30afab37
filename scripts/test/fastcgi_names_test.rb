# frozen_string_literal: true

require "minitest"
require "fastcgi/names"

class FastCGINamesTest < Minitest::Test
  def setup
    @known = PreforkLauncher::FastCGI::Names.known
  end

  def test_each_name_is_one_string
    first = @known["HTTP_HOST".b]
    assert_same first, @known["HTTP_HOST".dup]
    assert_predicate first, :frozen?
  end

  def test_what_no_application_gets
    names = ["", "rack.input", "HTTP_X.Y", "HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"]
    assert_empty names.map { |name| @known[name] }.compact
    assert_empty names.map { |name| @known[name] }.compact # as they are remembered
  end

  # Clients choose them.
  def test_only_so_many_are_remembered
    5000.times { |n| assert_equal "HTTP_X#{n}", @known["HTTP_X#{n}"] }
    assert_operator @known.size, :<=, 1000
    long = "HTTP_#{'X' * 100}"
    assert_equal long, @known[long]
    refute @known.key?(long)
  end
end
