# frozen_string_literal: true

require "minitest"
require "tempfile"
require_relative "support/ruby_process"

# Each in a process of its own: this one's heap is not theirs to move.
class HeapTest < Minitest::Test
  include RubyProcess

  PRELUDE = <<~'RUBY'
    require "heap"
    require "levers"
    def heap(*without)
      Launcher::Heap.new(Launcher::Levers.new(without))
    end
    def count(name)
      before = GC.stat(name)
      yield
      GC.stat(name) - before
    end
  RUBY

  def test_compaction
    skip "this Ruby does not compact" unless GC.respond_to?(:compact)
    assert_equal "1 0", ruby("#{PRELUDE}print count(:compact_count) { heap.compact }, ' ', count(:compact_count) { heap('compact').compact }")
  end

  def test_what_is_alive_is_old_afterwards
    skip "needs objspace" unless GC.stat.key?(:old_objects)
    young = '100_000.times.map { +"x" }'
    assert_equal "true false", ruby(<<~RUBY)
      #{PRELUDE}
      GC.disable
      first = #{young}
      print count(:old_objects) { heap.settle } > 90_000, " "
      second = #{young}
      print count(:old_objects) { heap("collect").settle } > 90_000
    RUBY
  end

  # How many chunks were freed and not joined, in the main arena, as malloc_info says. Nothing large
  # may be asked for in between: not even the buffer of the file that it is written to.
  FAST = <<~'RUBY'
    require "fiddle"
    VOIDP = Fiddle::TYPE_VOIDP
    def function(name, types, result)
      Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], types, result)
    end
    INFO = function("malloc_info", [Fiddle::TYPE_INT, VOIDP], Fiddle::TYPE_INT)
    STREAM = function("fopen", [VOIDP, VOIDP], VOIDP).call(ARGV[0], "w")
    function("setbuf", [VOIDP, VOIDP], Fiddle::TYPE_VOID).call(STREAM, nil)
    kept = Array.new(200_000) { "y" * 60 }
    kept.clear
    heap(*ARGV.drop(1)).settle
    INFO.call(0, STREAM)
    print File.read(ARGV[0])[/<total type="fast" count="(\d+)"/, 1]
  RUBY

  def test_free_chunks_are_joined
    skip "needs glibc" unless RUBY_PLATFORM.end_with?("linux", "linux-gnu")
    Tempfile.create("malloc") do |file|
      assert_operator Integer(ruby(PRELUDE + FAST, file.path, "join")), :>, 10_000
      assert_operator Integer(ruby(PRELUDE + FAST, file.path)), :<, 1_000
    end
  end

  def test_slots
    skip "this Ruby does not tell" if RUBY_VERSION.start_with?("3.2.")
    few, many = ruby("#{PRELUDE}print heap.slots.values.sum, ' '; KEPT = Array.new(50_000) { +'x' }; print heap.slots.values.sum").split.map(&:to_i)
    assert_in_delta 50_000, many - few, 5_000
  end
end
