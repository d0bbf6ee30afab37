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

  DESCRIPTORS = <<~'RUBY'
    $LOAD_PATH.unshift(File.expand_path("dev/memory", $LOAD_PATH.first))
    require "ruby_heap"
    # Returns on how many pages of memory the descriptors of the heap's pages are.
    def spread
      space = AddressSpace.new(Process.pid)
      found = RubyHeap.new(space)
      areas = space.areas.select { |area| ["", "[heap]"].include?(area.name) && area.writable? }
      pages = areas.flat_map { |area| (area.first...area.after).step(4096).map { |address| found.page(address) } }
      pages.compact.map { |page| page.descriptor / 4096 }.uniq.size
    end
    # Allocates as code that is loaded does: objects that stay, and pieces of malloc's between them.
    def load_something
      $kept = Array.new(150_000) { |i| "x" * (i % 5 * 200) }
      spread
    end
  RUBY

  def test_a_heap_that_has_grown_has_its_descriptors_together
    skip "pages of this Ruby's heap are large" unless RUBY_VERSION < "3.2"
    bit_by_bit = ruby("#{PRELUDE}#{DESCRIPTORS}heap('heap-size').grow; print load_something").to_i
    at_once = ruby("#{PRELUDE}#{DESCRIPTORS}heap.grow; print load_something").to_i
    assert_operator at_once * 2, :<, bit_by_bit
  end

  def test_a_heap_is_filled_to_the_size_that_was_told
    skip "this Ruby is not told the slots of each size" unless RUBY_VERSION >= "3.3"
    sizes = [100_000, 25_000, 9_000, 30_500, 60_500]
    env = sizes.each_with_index.to_h { |slots, pool| ["RUBY_GC_HEAP_#{pool}_INIT_SLOTS", slots.to_s] }
    script = "%s.fill(#{sizes.each_with_index.to_h { |slots, pool| [pool, slots] }.inspect}); print '%s', GC.enable"
    has = "', 5.times.map { |pool| GC.stat_heap(pool, :heap_eden_slots) }.inspect, '"
    slots, enabled = ruby(PRELUDE + format(script, "heap", has), env: env).match(/(\[.*\])(.*)/).captures
    slots = slots.scan(/\d+/).map(&:to_i)
    sizes.zip(slots) { |wanted, found| assert_operator found, :>=, wanted * 0.95 } # by pages of 64 kB
    assert_equal "false", enabled
    bit_by_bit = ruby("#{PRELUDE}#{DESCRIPTORS}print load_something", env: env).to_i
    at_once = ruby(PRELUDE + DESCRIPTORS + format(script, "heap", "").sub(/; print.*/, "; print load_something"), env: env).to_i
    assert_operator at_once, :<, bit_by_bit
  end

  def test_sizes_that_a_ruby_does_not_have_are_left_alone
    assert_equal "done", ruby("#{PRELUDE}heap.fill({ 99 => 1000 }); heap('heap-size').fill({ 0 => 1 }); print :done")
  end

  def test_a_heap_of_a_size_that_was_told_is_left_alone
    told = "slots = GC.stat(:heap_available_slots); heap.grow; print GC.stat(:heap_available_slots) - slots, ' ', GC.enable"
    assert_equal "0 false", ruby(PRELUDE + told, env: { "RUBY_GC_HEAP_INIT_SLOTS" => "100000" }) if RUBY_VERSION < "3.2"
    assert_equal "0 false", ruby(PRELUDE + told.sub("heap.grow", "heap('heap-size').grow"))
  end

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
