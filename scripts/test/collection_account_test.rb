# frozen_string_literal: true

require "minitest"
require "worker/collection_account"

# With a clock that goes as each test says.
class CollectionAccountTest < Minitest::Test
  SHARE = 1.0 / 8
  # Seconds that a request and a minor collection take.
  SIZES = { tiny: [0.000106, 0.00024], middle: [0.005, 0.0012], "1 MB": [0.001, 0.0052], large: [0.8, 0.02] }.freeze

  def setup
    @now = 100.0
    @looks = @made = 0
    @account = PreforkLauncher::CollectionAccount.new(@now)
  end

  # A request, after which it is collected where that is covered. The share holds at any time, but for what the last one
  # has cost beyond what was expected.
  def request(takes, collection, kind = :minor)
    @now += takes
    @account.request_finished
    return unless @account.ripe?

    @looks += 1
    return unless @account.covers?(kind, @now)

    @made += 1
    @now += collection
    @account.collected(kind, @now)
  end

  def test_the_share_holds_for_requests_of_each_size
    SIZES.each do |name, (takes, collection)|
      setup
      20_000.times do
        request(takes, collection)
        assert_operator @account.collections, :<=, (@account.requests * SHARE) + collection, name
      end
      assert_operator @account.collections, :<=, (@account.requests * SHARE) + (collection / 100), name if name == :tiny
      assert_in_delta @account.requests, 20_000 * takes, 65 * takes, name
      assert_in_delta @account.collections, @made * collection, 1e-6, name
    end
  end

  # It makes use of the share where a collection costs more than that of one request, and collects after each else.
  def test_the_share_is_made_use_of
    SIZES.each do |name, (takes, collection)|
      setup
      20_000.times { request(takes, collection) }
      possible = [20_000, 20_000 * takes * SHARE / collection].min
      assert_includes (0.9 * possible)..possible + 1, @made, name
    end
  end

  def test_sizes_in_turn
    sizes = SIZES.values
    5000.times do |n|
      takes, collection = sizes[n % 4]
      request(takes / 10, collection)
      assert_operator @account.collections, :<=, (@account.requests * SHARE) + 0.02
    end
    assert_operator @made, :>, 100
  end

  # To look at the clock is a system call.
  def test_the_clock_is_not_asked_after_each_tiny_request
    20_000.times { request(0.000106, 0.00024) }
    assert_operator @looks, :<, 20_000 / 12
  end

  # What could not be spent does not add up to a row of collections.
  def test_the_credit_is_bounded
    @now += 3600
    @account.request_finished
    100.times { request(0, 0.001) }
    assert_operator @made, :<=, 50
  end

  # A major one takes many times as long, and what it takes is not expected of minor ones.
  def test_major_ones_apart
    request(0.2, 0.1, :major)
    assert_equal 1, @made
    assert_operator @account.collections, :>, @account.requests * SHARE
    7.times { request(0.1, 0.001) }
    assert_equal 2, @made
    50.times { request(0.01, 0.001) }
    assert_operator @made, :>, 45
  end
end
