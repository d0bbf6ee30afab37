# frozen_string_literal: true

module PreforkLauncher
  # Finds which groups of a Gemfile are not installed, where Bundler misses a gem that the environment does not need: those
  # of development and test, as a rule, which were left out at bundle install by a setting that is not here.
  module MissingGroups
    # Raises the same error with what is known of its cause.
    def self.explain(error)
      groups = unneeded(error.message)
      raise error if groups.empty?

      raise error.class, "#{error.message.strip} (it is only in groups that no #{environment} needs: #{groups.join(', ')})"
    end

    # The groups that are not installed; none where those that are needed miss something too, or where this Bundler cannot tell.
    def self.unneeded(message)
      definition = Bundler.definition
      others = definition.groups - [:default, environment.to_sym]
      return [] if others.empty?

      named = groups_of(definition, message[/\ACould not find gem '([^' ]+)/, 1])
      return (named - others).empty? ? named : [] unless named.empty?

      definition.specs_for(definition.groups - others)
      others.reject { |group| whole?(definition, group) }
    rescue StandardError
      []
    end
    private_class_method :unneeded

    # Without a Gemfile.lock Bundler names the gem as the Gemfile does, and can say nothing of groups by themselves.
    def self.groups_of(definition, name)
      definition.dependencies.select { |dependency| dependency.name == name }.flat_map(&:groups)
    end
    private_class_method :groups_of

    def self.whole?(definition, group)
      definition.specs_for([group])
      true
    rescue Bundler::BundlerError
      false
    end
    private_class_method :whole?

    def self.environment
      ENV["RAILS_ENV"] || ENV["RACK_ENV"] || "production"
    end
    private_class_method :environment
  end
end
