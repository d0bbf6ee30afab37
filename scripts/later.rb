# frozen_string_literal: true

module PreforkLauncher
  # Holds the files that nothing needs before the first response: what prepares memory, examines and reforks. They are
  # evaluated by the process that is forked, before the forks that need them.
  module Later
    FILES = [] # rubocop:disable Style/MutableConstant

    # Evaluates them, once.
    def self.load
      FILES.each { |file, source| eval(source, TOPLEVEL_BINDING, file) }
      FILES.clear
    end
  end
end
