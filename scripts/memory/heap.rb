# frozen_string_literal: true

module PreforkLauncher
  # Prepares the Ruby heap of a process that is about to be forked: as little of it as possible
  # should be written to later, by anyone.
  class Heap
    # An object that survives three collections is old (RVALUE_OLD_AGE): only then a
    # worker's own collections leave it alone. The first of them may be a full one, and the others are minor: these visit
    # what is young, which is nearly nothing, because what an old object refers to grows old with it.
    COLLECTIONS = 4

    # The slots of a heap of which Ruby keeps what a small Rails application needs: a major collection gives back what
    # is more than 65 % of it.
    GROWN = 330_000
    # A Ruby that was told no size has fewer.
    UNTOLD = 60_000

    WORD = 8 # bytes
    HEADER = 2 # words of an Array that has its elements in itself

    def initialize(optimizations)
      @optimizations = optimizations
    end

    # Grows the heap before a Rails application is loaded, where nothing is known of its size yet (slots). It is loaded with fewer
    # collections then, and the descriptors of the heap's pages lie together: where it grows bit by bit they are all over malloc's
    # memory, and each worker's collections write to each of them. They are as many as that in heap pages of 16 kB only, until 3.1.
    # What is allocated here is garbage at once.
    def grow
      return unless @optimizations.on?("heap-size") && RUBY_VERSION < "3.2"

      slots = GC.stat(:heap_available_slots)
      return if slots > UNTOLD

      disabled = GC.disable
      (GROWN - slots).times { Object.new }
    ensure
      GC.enable if disabled == false
    end

    # Grows the heap to the slots of each size that Ruby was told to have (pool => slots): from 3.2 on it makes pages of them one after
    # the other as they are filled, and their descriptors are all over malloc's memory then, too.
    def fill(pools)
      return unless @optimizations.on?("heap-size") && GC.respond_to?(:stat_heap)

      disabled = GC.disable
      pools.each do |pool, slots|
        has = GC.stat_heap(pool)
        words = has.fetch(:slot_size) / WORD
        (slots - has.fetch(:heap_eden_slots)).times { pool.zero? ? Object.new : Array.new(words - HEADER) }
      end
    rescue ArgumentError, KeyError
      nil # this Ruby has other sizes, or figures
    ensure
      GC.enable if disabled == false
    end

    # Compacts, once for each generation and never for each fork: it moves objects, so it
    # writes to every page. It empties the caches of constants and methods too.
    # Process.warmup (3.3) compacts as well, and gives back what malloc has free.
    def compact
      return unless @optimizations.on?("compact")

      collect
      Process.respond_to?(:warmup) ? Process.warmup : GC.compact
    rescue NoMethodError, NotImplementedError
      nil # a system whose memory Ruby cannot protect cannot be compacted
    end

    # Makes old what is alive and frees the rest.
    def collect
      COLLECTIONS.times { |done| GC.start(full_mark: done.zero?) } if @optimizations.on?("collect")
    end

    # Makes old what little was made since, as the last thing before the first fork.
    def age
      COLLECTIONS.times { GC.start(full_mark: false) } if @optimizations.on?("collect")
    end

    # Collects where all that is alive is old already (Collection). A full collection writes to it once
    # more: 30 MB of the blog's with Ruby 3.3, while the preloader before still has them too.
    def collect_young
      GC.start(full_mark: false) if @optimizations.on?("collect")
    end

    # Returns how many slots of each size hold an object: {40 => 155_000}. Ruby that is started with
    # this many, and some more, has them in one place. 3.2 does not tell them apart,
    # so it is told nothing: {}. Nor does one whose figures have other names.
    def slots
      return { GC::INTERNAL_CONSTANTS.fetch(:RVALUE_SIZE) => GC.stat(:heap_live_slots) } if RUBY_VERSION < "3.2"

      live = GC.stat_heap.each_value.to_h { |pool| [pool.fetch(:slot_size), live(pool)] }
      live.value?(nil) ? {} : live
    rescue KeyError, NoMethodError
      {}
    end

    private

    # The figure has a name of its own in later ones.
    def live(pool)
      pool.fetch(:heap_live_slots) do
        pool[:total_allocated_objects] - pool[:total_freed_objects] if pool.key?(:total_freed_objects)
      end
    end
  end
end
