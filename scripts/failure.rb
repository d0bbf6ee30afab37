# frozen_string_literal: true

module Launcher
  # An exception as a message for the supervisor: the application's own frames
  # apart from those of Ruby, its gems and the launcher. Long parts are cut, and
  # say so.
  class Failure
    TEXT_MAX = 8_000 # bytes
    FRAMES_MAX = 30
    FRAME_MAX = 500 # bytes
    OWN = %r{\A(?:launcher/|/dev/fd/|/proc/self/fd/|<internal:)}.freeze
    VENDORED = %r{\A(?:vendor/(?:bundle|cache|gems)|\.bundle|node_modules)/}.freeze

    def initialize(error, root:)
      @error = error
      @prefix = root.end_with?("/") ? root : "#{root}/"
    end

    def to_h
      app, other = frames.partition { |frame| app?(frame) }
      { class: @error.class.name || "anonymous exception", message: cut(message, TEXT_MAX),
        app_frames: first(app), backtrace: first(other) }
    end

    private

    def message
      return "status #{@error.status}" if @error.is_a?(SystemExit)
      text = @error.message.to_s
      cause = @error.cause
      cause ? "#{text} (caused by #{cause.class}: #{cause.message})" : text
    end

    def frames
      frames = (@error.backtrace || []).map { |frame| relative(utf8(frame)) }
      frames.unshift("#{relative(utf8(@error.path))} (not loaded)") if missing_file?
      frames.reject { |frame| OWN.match?(frame) }
    end

    def missing_file?
      @error.is_a?(LoadError) && @error.path.to_s.start_with?(@prefix)
    end

    def relative(frame)
      frame.delete_prefix(@prefix)
    end

    def app?(frame)
      !frame.start_with?("/") && !VENDORED.match?(frame)
    end

    def first(frames)
      shown = frames.first(FRAMES_MAX).map { |frame| cut(frame, FRAME_MAX) }
      shown << "(#{frames.size - FRAMES_MAX} more)" if frames.size > FRAMES_MAX
      shown
    end

    def cut(text, limit)
      text = utf8(text)
      return text if text.bytesize <= limit
      "#{text.byteslice(0, limit).scrub('')} (cut: #{text.bytesize} bytes)"
    end

    def utf8(text)
      text.dup.force_encoding(Encoding::UTF_8).scrub("?")
    end
  end
end
