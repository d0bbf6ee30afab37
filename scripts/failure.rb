# frozen_string_literal: true

require_relative "text"

module PreforkLauncher
  # Makes of an exception a message for the supervisor, or a line of the log: the application's own frames
  # apart from those of Ruby, its gems and the launcher. Long parts are cut, and say so.
  class Failure
    # What an application's code can throw where it is loaded, prepared or asked. Signals are not among them: they
    # end a process of the launcher as they end any other.
    ERRORS = [StandardError, ScriptError, SystemExit, SystemStackError, NoMemoryError, SecurityError].freeze
    TEXT_MAX = 8_000 # bytes
    FRAMES_MAX = 30
    FRAME_MAX = 500 # bytes
    LINE_MAX = 200 # characters
    OWN = %r{\A(?:launcher/|/dev/fd/|/proc/self/fd/|<internal:)}.freeze
    VENDORED = %r{\A(?:vendor/(?:bundle|cache|gems)|\.bundle|node_modules)/}.freeze

    def initialize(error, root:)
      @error = error
      @prefix = root.end_with?("/") ? root : "#{root}/"
    end

    def to_h
      app, other = frames.partition { |frame| app?(frame) }
      { class: name, message: cut(message, TEXT_MAX),
        app_frames: first(app), backtrace: first(other) }
    end

    # Returns all of it in one line of the log, with the place in the application. The whole message may be of many lines: Ruby
    # 3.1 shows what an object holds.
    def line
      text = Text.line(message.lines.first.to_s.chomp)[0, LINE_MAX]
      said = [name, text].reject(&:empty?).join(": ")
      at = place(frames.select { |frame| app?(frame) })
      at.nil? || text.include?(at) ? said : "#{said} (#{at})"
    end

    # Returns where it happened: in the application, if any of it was there.
    def place(all = frames)
      (all.find { |frame| app?(frame) } || all.first).to_s[/\A[^:]+:\d+/]
    end

    private

    def name
      Text.attempt("its class") { cut(@error.class.name || "anonymous exception", FRAME_MAX) }
    end

    def message
      return "status #{@error.status}" if @error.is_a?(SystemExit)

      text = text_of(@error)
      cause = Text.attempt(nil) { @error.cause }
      cause ? "#{text} (caused by #{Text.attempt('its class') { Text.utf8(cause.class) }}: #{text_of(cause)})" : text
    end

    # The message is the application's code, which may be what is broken.
    def text_of(error)
      Text.attempt("its message") { Text.utf8(error.message) }
    end

    # The launcher's own frames are told by their full names: relative ones could
    # be those of a folder of the application.
    def frames
      frames = Array(Text.attempt("its backtrace") { @error.backtrace }).map { |frame| Text.utf8(frame) }
      frames.reject! { |frame| OWN.match?(frame) }
      frames.unshift("#{Text.utf8(@error.path)} (not loaded)") if missing_file?
      frames.map { |frame| relative(frame) }
    end

    def missing_file?
      @error.is_a?(LoadError) && @error.path && Text.utf8(@error.path).start_with?(@prefix)
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
      Text.printable(text, limit)
    end
  end
end
