# frozen_string_literal: true

module PreforkLauncher
  # Collects garbage between two requests. A collection in the middle of one takes for old, after a few times,
  # what lives only as long as the request does, and everything that refers to it; what is old by mistake
  # brings about major collections, which write to pages that the workers share. Between two requests
  # nothing of the kind is alive. And the less is allocated from one collection to the next, the fewer
  # free places of shared pages are filled.
  #
  # Only minor ones: a major one that is due comes with the next of them, by Ruby's own rules.
  class Collection
    # Requests take this many times as much as the collections after them, where there is a choice.
    SHARE = 7

    # Free places for objects of one size, or of any where Ruby does not tell them apart.
    class Places
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

      def request_finished
        now = allocated
        @largest = [now - @allocated, @largest - (@largest >> 4)].max
        @allocated = now
      end

      # Whether another such request would have to be interrupted, and would not be after a collection.
      def short?
        @allocated - @collected + @largest >= @room && @largest < @room
      end

      private

      def allocated
        @size ? GC.stat_heap(@size, :total_allocated_objects) : GC.stat(:total_allocated_objects)
      end

      # Without a size, not all of these may be of the one that is asked for, which collected? makes up for.
      def room
        return GC.stat(:heap_free_slots) unless @size

        GC.stat_heap(@size, :heap_eden_slots) - (allocated - GC.stat_heap(@size, :total_freed_objects))
      end
    end

    def initialize
      @places = Places.all
      @took = 0.0
      begin_anew
    end

    # Collects where the time has come, in the thread that serves.
    def request_finished
      @places.each(&:request_finished)
      collect if collected? || @places.any?(&:short?) || rested?
    end

    private

    # Whether Ruby was faster: in the request that has just ended.
    def collected?
      GC.count != @count
    end

    def rested?
      now - @ended >= SHARE * @took
    end

    def collect
      began = now
      GC.start(full_mark: false)
      @took = now - began
      begin_anew
    end

    def begin_anew
      @ended = now
      @count = GC.count
      @places.each(&:begin_anew)
    end

    def now
      Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID)
    end
  end
end
