# frozen_string_literal: true

require "rbconfig"

module LauncherRuby
  # The environment that the launcher gets: the one that this process had before Bundler set up a bundle in it. The launcher
  # sets up the bundle of each release that it loads, which a Gemfile and a RUBYOPT of the first one would prevent.
  class Environment
    # Of these the application was loaded with, or is to be.
    ENVIRONMENTS = %w[RAILS_ENV RACK_ENV].freeze

    # Returns the folder that the launcher's arguments or its variable name as the application's, or nil.
    def self.root_of(arguments, environment)
      arguments.each_with_index do |argument, index|
        return arguments[index + 1] if argument.match?(/\A--?root\z/)
        return argument.partition("=").last if argument.match?(/\A--?root=/)
      end
      named = environment["LAUNCHER_ROOT"].to_s
      named unless named.empty?
    end

    # root is the application's folder; more are variables to set.
    def initialize(root, more = {})
      @root = root
      @more = more
    end

    def to_h
      environment = before_bundler.reject { |name, _value| name.start_with?("BUNDLER_ORIG_") }
      environment.delete("BUNDLE_GEMFILE")
      environment["BUNDLE_GEMFILE"] = ENV["BUNDLE_GEMFILE"] if foreign_gemfile?
      environment["LAUNCHER_RUBY"] = RbConfig.ruby if environment["LAUNCHER_RUBY"].to_s.empty? && !on_path?(environment["PATH"])
      environment.merge(@more)
    end

    private

    def before_bundler
      defined?(::Bundler) && ::Bundler.respond_to?(:original_env) ? ::Bundler.original_env.to_h : ENV.to_h
    end

    # Tells whether a Gemfile is in force that is not the application's own, which the launcher finds by itself.
    def foreign_gemfile?
      gemfile = ENV["BUNDLE_GEMFILE"].to_s
      return false if gemfile.empty?

      own = %w[gems.rb Gemfile].map { |name| File.join(@root, name) }.find { |path| File.exist?(path) }
      own.nil? || !File.exist?(gemfile) || !File.identical?(own, gemfile)
    end

    # Tells whether the launcher would find this Ruby by itself.
    def on_path?(path)
      found = path.to_s.split(File::PATH_SEPARATOR).map { |folder| File.join(folder, "ruby") }
                  .find { |file| File.file?(file) && File.executable?(file) }
      !found.nil? && File.identical?(found, RbConfig.ruby)
    end
  end
end
