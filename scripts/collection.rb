# frozen_string_literal: true

module Launcher
  # Collects garbage between two requests, so that Ruby need not do so in the middle of one.
  class Collection
    def initialize
      @room = nil
      @largest = 0
      collected
    end

    def request_finished
      allocated = GC.stat(:total_allocated_objects)
      @largest = [allocated - @allocated, @largest - (@largest >> 4)].max
      @allocated = allocated
      since = allocated - @collected
      if GC.count != @count
        @room = [@room, since].min
        collect
      elsif since + @largest > @room
        collect
      end
    end

    private

    def collect
      GC.start(full_mark: false)
      collected
    end

    def collected
      @count = GC.count
      @collected = @allocated = GC.stat(:total_allocated_objects)
      @room = GC.stat(:heap_free_slots)
    end
  end
end
