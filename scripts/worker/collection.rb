# frozen_string_literal: true

require_relative "collection_account"

module PreforkLauncher
  # Collects garbage between two requests. A collection in the middle of one takes for old, after a few times,
  # what lives only as long as the request does, and everything that refers to it; what is old by mistake
  # brings about major collections, which write to pages that the workers share. Between two requests
  # nothing of the kind is alive. And the less is allocated from one collection to the next, the fewer
  # free places of shared pages are filled.
  #
  # Only minor ones, where a connection may wait: a major one that is due by Ruby's own rules takes many times as long, and
  # Ruby does it in steps. All of them together stay within a share of the requests' time (CollectionAccount).
  class Collection
    # Free places for objects of one size, or of any where Ruby does not tell them apart.
    class Places
      SPARE = 5 # of so many live objects one place, as the launcher gives to a heap whose size it knows (heap-size)
      SPARE_BYTES = 160 << 10 # or so many bytes, where that is more
      SPARE_PART = 16 # or this part of what all sizes together have to spare
      FIGURES = %i[total_allocated_objects total_freed_objects heap_eden_slots].freeze

      # Returns those of each size (3.3). A request that finds none of one size is interrupted, however many there are of the others.
      def self.all
        figures = GC.respond_to?(:stat_heap) ? GC.stat_heap : {}
        told = figures.any? && figures.each_value.all? { |of| FIGURES.all? { |name| of.key?(name) } }
        told ? figures.keys.map { |size| new(size) } : [new(nil)]
      end

      def initialize(size)
        @size = size
        @largest = 0 # objects that a request allocates, of late
      end

      def begin_anew
        @collected = @allocated = allocated
        @room = room
      end

      # Objects that were allocated since the last collection.
      def used
        @allocated - @collected
      end

      def request_finished
        now = allocated
        @largest = [now - @allocated, @largest - (@largest >> 4)].max
        @allocated = now
      end

      # Whether another such request would have to be interrupted, and would not be after a collection.
      def short?
        used + @largest >= @room && @largest < @room
      end

      private

      def allocated
        @size ? GC.stat_heap(@size, :total_allocated_objects) : GC.stat(:total_allocated_objects)
      end

      # Without a size, not all of these may be of the one that is asked for, which interrupted? makes up for. A heap that has grown
      # bit by bit has more of them than one that was told its size: what each has to spare there is enough.
      def room
        return [GC.stat(:heap_free_slots), GC.stat(:heap_live_slots) / SPARE].min unless @size

        figures = GC.stat_heap
        live = figures.transform_values { |of| of[:total_allocated_objects] - of[:total_freed_objects] }
        bytes = [SPARE_BYTES, figures.sum { |size, of| of[:slot_size] * live[size] } / SPARE / SPARE_PART].max
        of = figures.fetch(@size)
        [of[:heap_eden_slots] - live[@size], [live[@size] / SPARE, bytes / of[:slot_size]].max].min
      end
    end

    # What Ruby is about to do, of its own accord.
    module Plans
      NEED = GC.latest_gc_info.key?(:need_major_by) # 3.2
      LIMITS = %i[old_objects remembered_wb_unprotected_objects].map { |figure| [figure, :"#{figure}_limit"] }.freeze

      # Whether the next collection is a major one, or ends one that is under way.
      def self.major?
        return true if GC.latest_gc_info(:state) == :marking
        return !GC.latest_gc_info(:need_major_by).nil? if NEED

        LIMITS.any? { |figure, limit| GC.stat(figure) > GC.stat(limit) }
      end
    end

    # So many objects are worth an early one: small requests would have an eighth of their time more, for a page or two.
    EARLY_OBJECTS = 4096
    private_constant :EARLY_OBJECTS

    # Early: as soon as the credit covers it, not only where the next request would be interrupted otherwise. That is the default
    # where Ruby does not tell the places of each size apart (until 3.2), because it is not known well enough there; and each
    # worker of the blog has 3 to 13 MB less of its own for 3 to 17 % more CPU time (3.1), still less than without
    # collections. With 3.3 it would be 1 MB for 4 to 6 %, with 3.4 up to 3 MB for 3 to 6 %.
    #
    # The record of the scoreboard is told what they cost. Made by the thread that is to serve.
    def initialize(record: nil, early: nil, clock: -> { Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID) },
                   collector: -> { GC.start(full_mark: false) })
      @record = record
      @clock = clock
      @collector = collector
      @places = Places.all
      @account = CollectionAccount.new(@clock.call)
      @early = early.nil? ? @places.size == 1 : early
      begin_anew
    end

    # Collects where the next request would be interrupted otherwise.
    def request_finished
      @places.each(&:request_finished)
      @account.request_finished
      collect(:minor) if @account.ripe? && needed? && !Plans.major?
    end

    # Collects where no connection waits, which a block may be asked for.
    def idle
      return unless @account.ripe? && (early? || needed?)
      return if block_given? && yield

      collect(Plans.major? ? :major : :minor)
    end

    private

    def early?
      @early && @places.sum(&:used) >= EARLY_OBJECTS
    end

    def needed?
      interrupted? || @places.any?(&:short?)
    end

    # Whether Ruby was faster: in a request.
    def interrupted?
      GC.count != @count
    end

    def collect(kind)
      return unless @account.covers?(kind, @clock.call)

      majors = GC.stat(:major_gc_count)
      @collector.call
      @account.collected(GC.stat(:major_gc_count) == majors ? kind : :major, @clock.call)
      begin_anew
    ensure
      @record&.collections(@account.requests, @account.collections)
    end

    def begin_anew
      @count = GC.count
      @places.each(&:begin_anew)
    end
  end
end
