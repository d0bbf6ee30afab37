# frozen_string_literal: true

require_relative "trial"

module PreforkLauncher
  # Loads the code of a Rails application that does not do so itself: in production it has, and in other environments each
  # worker would load its own copy of every class, Rails' own among them. The application can do without, so the
  # loading is tried in another process first: a file that cannot be loaded leaves half a class behind, or no process.
  class EagerLoad
    SECONDS = 30 # for the trial; large applications take that long

    # How many files were loaded here because the application does not do so itself.
    attr_reader :files

    def initialize(root)
      @root = root
      @files = 0
    end

    def wanted?
      return false unless defined?(::Rails) && ::Rails.respond_to?(:application) && ::Rails.application
      return false if ::Rails.application.respond_to?(:initialized?) && !::Rails.application.initialized?
      !::Rails.application.config.eager_load
    end

    # Why it was not done: a text, or nil.
    def run(deadline)
      failure = Trial.new(root: @root, deadline: deadline) { load }.failure
      return failure if failure
      before = $LOADED_FEATURES.size
      load
      @files = $LOADED_FEATURES.size - before
      nil
    end

    private

    def load
      ::Rails.application.config.eager_load_namespaces.each(&:eager_load!)
    end
  end
end
