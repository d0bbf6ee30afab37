# frozen_string_literal: true

module PreforkLauncher
  # Holds the files that nothing needs before the first response: what prepares memory, examines and reforks. They are
  # evaluated by the process that is forked, before the forks that need them.
  module Later
    FILES = [] # rubocop:disable Style/MutableConstant

    # Evaluates them, once. The application may have an eval of its own by now.
    def self.load
      FILES.each { |file, source| TOPLEVEL_BINDING.eval(source, file) }
      FILES.clear
    end
  end
end
