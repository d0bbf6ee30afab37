# frozen_string_literal: true

module PreforkLauncher
  # Makes text of others (paths, messages, frames) fit for a log, a terminal and JSON: valid UTF-8, bounded, and without characters that
  # a terminal obeys or that hide others: C0, C1, the marks of writing direction and all that is invisible. They are shown as escapes.
  module Text
    # Bytes of no known encoding are taken for UTF-8.
    UNKNOWN = [Encoding::BINARY, Encoding::US_ASCII, Encoding::UTF_8].freeze
    UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}&&[^\t\n]]/u.freeze
    BREAKS = /[\t\n]/u.freeze
    private_constant :UNKNOWN, :UNPRINTABLE, :BREAKS

    # The same as valid UTF-8: what is no character is a question mark.
    def self.utf8(text)
      text = text.to_s
      text = text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace, replace: "?") unless UNKNOWN.include?(text.encoding)
      text.dup.force_encoding(Encoding::UTF_8).scrub("?")
    rescue EncodingError # an encoding that Ruby knows by name only, UTF-7
      text.dup.force_encoding(Encoding::UTF_8).scrub("?")
    end

    # At most so many bytes of it, of whole characters.
    def self.head(text, limit)
      text.bytesize > limit ? text.byteslice(0, limit).scrub("") : text
    end

    # Text of any number of lines; with a limit, no more bytes of it, and what was cut is told.
    def self.printable(text, limit = nil)
      text = utf8(text)
      bytes = text.bytesize
      cut = limit && bytes > limit
      text = head(text, limit) if cut
      text = text.gsub("\r\n", "\n").gsub(UNPRINTABLE) { |char| escape(char) }
      cut ? "#{text} (cut: #{bytes} bytes)" : text
    end

    # As above, on one line.
    def self.line(text, limit = nil)
      printable(text, limit).gsub(BREAKS) { |char| escape(char) }
    end

    # The class of an exception and its message.
    def self.error(error, limit = nil)
      "#{attempt('its class') { printable(error.class, limit) }}: #{attempt('its message') { printable(error.message, limit) }}"
    end

    # A part of an exception. All of them can be its application's code, which may be what is broken.
    def self.attempt(what)
      yield
    rescue StandardError, ScriptError, SystemStackError, NoMemoryError => broken
      what && "(#{what} raised #{broken.class.name})"
    end

    # As the supervisor writes it.
    def self.escape(char)
      Kernel.format(char.ord > 0xffff ? '\\U%08x' : '\\u%04x', char.ord)
    end
    private_class_method :escape
  end
end
