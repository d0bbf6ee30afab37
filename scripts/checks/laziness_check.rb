# frozen_string_literal: true

require_relative "finding"

module PreforkLauncher
  # Finds code that each worker would load by itself, or again: it is in no shared memory.
  class LazinessCheck
    SHOWN = 5

    def initialize(context)
      @context = context
    end

    def findings
      found = []
      found.concat([eager_load, reloading, folders].compact) if rails?
      found.concat([spring, autoloads].compact)
    end

    private

    def rails?
      defined?(::Rails) && ::Rails.respond_to?(:application) && !::Rails.application.nil?
    end

    def config
      ::Rails.application.config
    end

    def eager_load
      return if config.eager_load

      text = "config.eager_load is #{config.eager_load.inspect} in the environment #{::Rails.env}; " \
             "the launcher has loaded #{@context.eagerly_loaded} more files itself"
      Finding.new("cost", "lazy", text,
                  cost: "what runs only where eager_load is set (routes, initializers that wait for it) is done by each worker for itself",
                  advice: "config.eager_load = true in config/environments/#{::Rails.env}.rb, or --environment production")
    end

    # enable_reloading came with Rails 7.1, as the contrary of cache_classes.
    def reloading
      reloads = config.respond_to?(:enable_reloading) ? config.enable_reloading : !config.cache_classes
      return unless reloads

      setting = config.respond_to?(:enable_reloading) ? "config.enable_reloading" : "config.cache_classes = false"
      Finding.new("cost", "lazy", "code is loaded again when it has changed (#{setting})",
                  cost: "each worker looks at every file for each request, and after a change loads a copy of all code for itself",
                  advice: "switch it off where workers are to share memory; HUP loads the application anew")
    end

    # Zeitwerk and its predecessor load eagerly only what is in eager_load_paths.
    def folders
      lazy = ::ActiveSupport::Dependencies.autoload_paths.map(&:to_s) - config.eager_load_paths.map(&:to_s) - engine_paths
      counts = lazy.uniq.to_h { |path| [path, Dir[File.join(path, "**", "*.rb")].count { |file| !$LOADED_FEATURES.include?(file) }] }
      counts.reject! { |_, count| count.zero? }
      return if counts.empty?

      names = counts.keys.map { |path| @context.relative(path) }.join(", ")
      Finding.new("cost", "lazy", "#{counts.values.sum} files are loaded by whoever needs them first, below #{names}",
                  cost: "each worker loads its own copy",
                  advice: "name these folders in config.eager_load_paths as well as in config.autoload_paths")
    end

    def engine_paths
      ::Rails::Engine.subclasses.flat_map do |engine|
        engine.respond_to?(:instance) ? engine.instance.config.eager_load_paths.map(&:to_s) : []
      end
    rescue NoMethodError
      [] # an engine without an instance of its own
    end

    def spring
      return unless @context.constant("Spring::Application") || @context.constant("Spring::Client")

      Finding.new("cost", "lazy", "Spring is loaded",
                  cost: "it is a preloader for development: its threads and watchers have no use here",
                  advice: "put the gem spring into the group development alone")
    end

    # Constants that Module#autoload still stands for. Reading the names of constants loads nothing.
    def autoloads
      return unless @context.thorough?

      waiting = Hash.new(0)
      ObjectSpace.each_object(Module) do |mod|
        next if mod.singleton_class?

        count = constants(mod).count { |name| mod.autoload?(name, false) }
        waiting[Module.instance_method(:name).bind(mod).call.to_s[/\A[^:]+/] || "(no name)"] += count if count.positive?
      end
      return if waiting.empty?

      most = waiting.sort_by { |name, count| [-count, name] }.first(SHOWN).map { |name, count| "#{count} of #{name}" }
      text = "#{waiting.values.sum} constants are still to be loaded when they are first used (autoload): #{most.join(', ')}"
      Finding.new("note", "lazy", text)
    end

    def constants(mod)
      Module.instance_method(:constants).bind(mod).call(false)
    end
  end
end
