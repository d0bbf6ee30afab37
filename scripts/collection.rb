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

    def initialize
      @largest = 0 # objects that a request allocates, of late
      @took = 0.0
      begin_anew
    end

    # In the thread that serves.
    def request_finished
      allocated = GC.stat(:total_allocated_objects)
      @largest = [allocated - @allocated, @largest - (@largest >> 4)].max
      @allocated = allocated
      collect if collected? || short?(allocated) || rested?
    end

    private

    # Ruby was faster: in the request that has just ended.
    def collected?
      GC.count != @count
    end

    # Another such request would have to be interrupted.
    def short?(allocated)
      allocated - @collected + @largest >= @room
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

    # Not all of the free places may be of the size that is asked for, so the room is less than that, which
    # collected? makes up for.
    def begin_anew
      @ended = now
      @count = GC.count
      @collected = @allocated = GC.stat(:total_allocated_objects)
      @room = GC.stat(:heap_free_slots)
    end

    def now
      Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID)
    end
  end
end
