# frozen_string_literal: true

module LauncherRuby
  # What a user can mend; its message says how.
  class Error < StandardError
    def initialize(what, try)
      super("launcher-ruby: #{what}\nTry: #{try}")
    end
  end
end
