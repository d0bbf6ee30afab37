# frozen_string_literal: true

# Runs a server for an application whose bundle need not name it:
#
#   ruby serve.rb puma /usr/bin/puma -C puma.rb wrapper.ru
#
# The bundle comes first, as in the application itself, so that each gem that both need
# (rack) is the application's. Then the server and its dependencies are added to the load
# path, as far as the bundle lacks them. The application calls Bundler.setup again, which
# does nothing the second time and leaves the load path alone.
#
#   ruby serve.rb --find puma /usr/bin/puma
#
# prints the program's path, the version, and whether it is the bundle's. The program
# that is named is the one to take where RubyGems knows the gem but not its program,
# as with some packages of Debian.
class Serve
  class Missing < StandardError; end

  def initialize(name, program)
    @name = name
    @program = program
    @outside = {}
    collect(spec_of(name))
  end

  # A bundle that cannot be set up is no reason to find nothing: the application tells
  # more about it than this program could.
  def find
    begin
      bundle
    rescue StandardError, LoadError => error
      raise unless defined?(Bundler::BundlerError) && error.is_a?(Bundler::BundlerError)
    end
    chosen = spec
    puts program(chosen), chosen.version, Gem.loaded_specs.key?(@name) ? "bundle" : "outside"
  end

  def run
    bundle
    path = program(spec)
    @outside.each_value do |gem|
      $LOAD_PATH.concat(gem.full_require_paths - $LOAD_PATH) unless Gem.loaded_specs.key?(gem.name)
    end
    $PROGRAM_NAME = @name # titles begin with it
    load path
  end

  private

  def spec
    Gem.loaded_specs[@name] || @outside[@name] || raise(Missing, "#{@name} is not installed for #{RbConfig.ruby}")
  end

  def spec_of(name, requirement = Gem::Requirement.default)
    Gem::Specification.find_by_name(name, requirement)
  rescue Gem::LoadError
    nil
  end

  def collect(gem)
    return if gem.nil? || @outside.key?(gem.name)

    @outside[gem.name] = gem
    gem.runtime_dependencies.each { |dependency| collect(spec_of(dependency.name, dependency.requirement)) }
  end

  def program(gem)
    [gem.bin_file(@name), @program].find { |path| File.file?(path) } ||
      raise(Missing, "#{@name} #{gem.version} has no program")
  end

  # Where the application looks for its bundle, in Bundler's order.
  def bundle
    gemfile = ENV["BUNDLE_GEMFILE"] || %w[gems.rb Gemfile].find { |name| File.exist?(name) }
    return unless gemfile

    ENV["BUNDLE_GEMFILE"] = File.expand_path(gemfile)
    require "bundler"
    Bundler.setup
  end
end

finding = ARGV.first == "--find"
ARGV.shift if finding
begin
  serve = Serve.new(ARGV.shift, ARGV.shift)
  finding ? serve.find : serve.run
rescue Serve::Missing => error
  warn error.message
  exit 3
end
