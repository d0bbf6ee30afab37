# frozen_string_literal: true

require_relative "../text"

module PreforkLauncher
  # Something that stands in the way of forking, or of what forking is to save, in words
  # for a person. Severities: "harm", something breaks; "cost", memory or time is lost;
  # "note", good to know, nothing to do.
  class Finding
    TEXT_MAX = 600 # bytes
    FRAMES_MAX = 5

    attr_reader :severity, :kind, :subject

    # The subject is what the finding is about, to be examined once more: a socket's
    # name in /proc. It stays in this process.
    def initialize(severity, kind, text, where: "", cost: "", advice: "", frames: [], subject: nil)
      @severity = severity
      @kind = kind
      @text = text
      @where = where
      @cost = cost
      @advice = advice
      @frames = frames
      @subject = subject
    end

    def harm?
      @severity == "harm"
    end

    def note?
      @severity == "note"
    end

    # Returns the same as a note, where something has been found that mends it.
    def mended(how)
      Finding.new("note", @kind, "#{@text} (#{how})", where: @where, frames: @frames, subject: @subject)
    end

    def to_h
      { severity: @severity, kind: @kind, text: cut(@text), where: cut(@where), cost: cut(@cost), advice: cut(@advice),
        frames: @frames.first(FRAMES_MAX).map { |frame| cut(frame) } }
    end

    private

    # Cuts a text to its limit. Names are the application's, and of any bytes; JSON takes only text.
    def cut(text)
      text = Text.utf8(text)
      text.bytesize <= TEXT_MAX ? text : "#{Text.head(text, TEXT_MAX)} (cut)"
    end
  end
end
