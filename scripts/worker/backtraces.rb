# frozen_string_literal: true

require_relative "../text"

module PreforkLauncher
  # Where all threads of this process are, as a message for the supervisor. What does not fit into a packet is left out, and counted: of
  # the thread that serves most is told.
  class Backtraces
    SERVING_FRAMES = 300
    FRAMES = 60 # of each other thread
    FRAME_MAX = 300 # bytes
    BYTES_MAX = 48_000 # of all frames together, as JSON adds to them
    FRAME_EXTRA = 8 # bytes that JSON adds to each
    OWN = %r{\A(?:launcher/|<internal:)}.freeze # but for the frames that wait in the supervisor's name
    private_constant :OWN

    def initialize(serving, root:)
      @serving = serving
      @prefix = root.end_with?("/") ? root : "#{root}/"
    end

    # Returns what is told of each thread, the one that serves first, and how many frames were left out.
    def to_h
      @left = BYTES_MAX
      threads = [@serving, *(Thread.list - [@serving, Thread.current])].compact.map { |thread| tell(thread) }
      { threads: threads }
    end

    private

    def tell(thread)
      all = (thread.backtrace || []).map { |frame| Text.line(frame, FRAME_MAX) }.reject { |frame| OWN.match?(frame) }
      frames = all.first(thread == @serving ? SERVING_FRAMES : FRAMES).map { |frame| frame.delete_prefix(@prefix) }
      frames = frames.take_while { |frame| (@left -= frame.bytesize + FRAME_EXTRA).positive? }
      { name: name(thread), state: (thread.status || "dead").to_s, frames: frames, left_out: all.size - frames.size }
    end

    def name(thread)
      return "serving" if thread == @serving

      Text.line(thread.name || (thread == Thread.main ? "main" : "unnamed"), FRAME_MAX)
    end
  end
end
