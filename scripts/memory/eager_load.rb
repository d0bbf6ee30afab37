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

    # Loads the code. Returns why the application's own was not loaded: a text, or nil. Rails' own is loaded all the same.
    def run(deadline)
      all = ::Rails.application.config.eager_load_namespaces.to_a
      failure = try(all, deadline)
      try(all.reject { |namespace| engine?(namespace) }, deadline) if failure
      failure
    end

    private

    def try(namespaces, deadline)
      failure = Trial.new(root: @root, deadline: deadline) { namespaces.each(&:eager_load!) }.failure
      return failure if failure

      before = $LOADED_FEATURES.size
      namespaces.each(&:eager_load!)
      @files = $LOADED_FEATURES.size - before
      nil
    end

    # Whether it is an engine. The application is one of them.
    def engine?(namespace)
      engine = namespace.is_a?(Module) ? namespace : namespace.class
      engine <= ::Rails::Engine
    end
  end
end
