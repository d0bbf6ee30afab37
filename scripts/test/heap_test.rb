# frozen_string_literal: true

require "minitest"
require_relative "support/ruby_process"

# Each in a process of its own: this one's heap is not theirs to move.
class HeapTest < Minitest::Test
  include RubyProcess

  PRELUDE = <<~'RUBY'
    require "memory/heap"
    require "memory/optimizations"
    def heap(*without)
      PreforkLauncher::Heap.new(PreforkLauncher::Optimizations.new(without))
    end
    def count(name)
      before = GC.stat(name)
      yield
      GC.stat(name) - before
    end
  RUBY

  def test_compaction
    skip "this Ruby does not compact" unless GC.respond_to?(:compact)
    script = "print count(:compact_count) { heap.compact }, ' ', count(:compact_count) { heap('compact').compact }"
    assert_equal "1 0", ruby(PRELUDE + script)
  end

  def test_what_is_alive_is_old_afterwards
    skip "needs objspace" unless GC.stat.key?(:old_objects)
    young = '100_000.times.map { +"x" }'
    assert_equal "true true false", ruby(<<~RUBY)
      #{PRELUDE}
      GC.disable
      first = #{young}
      print count(:old_objects) { heap.collect } > 90_000, " "
      later = #{young}
      print count(:old_objects) { heap.age } > 90_000, " "
      second = #{young}
      print count(:old_objects) { heap("collect").collect } > 90_000
    RUBY
  end

  # A full one visits all that there is: a tenth of a second for a large application.
  def test_one_full_collection
    assert_equal "1 3", ruby(<<~RUBY)
      #{PRELUDE}
      minor = nil
      print count(:major_gc_count) { minor = count(:minor_gc_count) { heap.collect } }, " ", minor
    RUBY
  end

  def test_slots
    skip "this Ruby does not tell" if RUBY_VERSION.start_with?("3.2.")
    few, many = ruby("#{PRELUDE}#{<<~RUBY}").split.map(&:to_i)
      count = -> { GC.start; heap.slots.values.sum }
      print count.call, " "
      KEPT = Array.new(50_000) { Object.new }
      print count.call
    RUBY
    assert_in_delta 50_000, many - few, 5_000
  end
end
