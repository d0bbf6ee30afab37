# frozen_string_literal: true

require_relative "missing_groups"

module PreforkLauncher
  # Loads the application in this process, its bundle and its code, and returns the Rack application.
  class AppLoader
    ENVIRONMENT = "config/environment.rb"
    # What Puma and Unicorn have both loaded before the application, so that some use it without requiring it.
    EXPECTED = %w[date delegate etc ipaddr set socket stringio tempfile time uri].freeze

    # Refuses what can serve nothing, so that it takes no slot from a generation that can. What answers by
    # method_missing, or is a BasicObject, is left to its first request.
    def self.check(app)
      return app unless ::Object === app
      return app if app.respond_to?(:call) || app.method(:method_missing).owner != ::BasicObject

      what = app.is_a?(Class) ? "the class #{app}" : "of the class #{app.class}"
      instances = "; its instances do (run #{app}.new)" if app.is_a?(Class) && app.method_defined?(:call)
      raise TypeError, "the application, #{what}, does not answer to call#{instances}"
    end

    # Returns the version of Rails, or "".
    def self.rails_version
      defined?(::Rails::VERSION::STRING) ? ::Rails::VERSION::STRING : ""
    end

    # Returns the version of Rack, or "". Rack.release is the gem's version; Rack::RELEASE was not there before 2.0.
    def self.rack_version
      return "" unless defined?(::Rack)

      ::Rack.respond_to?(:release) ? ::Rack.release : ""
    end

    def initialize(settings)
      @settings = settings
    end

    def load
      Dir.chdir(@settings.root)
      bundle
      EXPECTED.each { |library| expect(library) }
      @settings.entry == ENVIRONMENT ? rails : rackup
    end

    private

    # Sets up the application's bundle, where it has one. BUNDLE_GEMFILE is
    # whatever the user set, else the application's own Gemfile, in Bundler's order.
    # Bundler.setup raises where "bundler/setup" would print and exit.
    def bundle
      gemfile = ENV["BUNDLE_GEMFILE"] || existing("gems.rb") || existing("Gemfile")
      return unless gemfile

      ENV["BUNDLE_GEMFILE"] = File.expand_path(gemfile)
      require "bundler"
      begin
        Bundler.setup
      rescue Bundler::GemNotFound => error
        MissingGroups.explain(error)
      end
    end

    # Requires a library. One that this Ruby or this bundle does not have is missed where it is used.
    def expect(library)
      require library
    rescue LoadError
      nil
    end

    def existing(name)
      path = File.join(@settings.root, name)
      path if File.exist?(path)
    end

    # parse_file returns [app, options] in Rack 2 and the app alone in Rack 3.
    def rackup
      require "rack"
      require "rack/builder"
      parsed = ::Rack::Builder.parse_file(File.expand_path(@settings.entry, @settings.root))
      ::Array === parsed ? parsed.first : parsed
    end

    def rails
      require File.join(@settings.root, ENVIRONMENT)
      ::Rails.application || raise(LoadError, "#{ENVIRONMENT} defined no Rails.application")
    end
  end
end
