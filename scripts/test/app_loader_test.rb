# frozen_string_literal: true

require "minitest"
require "json"
require_relative "support/app_folder"
require_relative "support/ruby_process"

# Loads real applications, each in a process of its own.
class AppLoaderTest < Minitest::Test
  include AppFolder
  include RubyProcess

  APP = "run ->(_env) { [200, {}, [File.basename(Dir.pwd)]] }\n"

  # Loads the application from another folder, then prints what the script says of app and loader.
  def load(script, entry: "config.ru", env: {})
    ruby(<<~RUBY, @root, entry, env: env, chdir: "/")
      require "settings"
      require "app_loader"
      loader = PreforkLauncher::AppLoader.new(PreforkLauncher::Settings.new("root" => ARGV[0], "generation" => "1", "entry" => ARGV[1]))
      app = begin
        loader.load
      rescue StandardError, ScriptError => error
        error
      end
      print(#{script})
    RUBY
  end

  def test_config_ru_of_this_rack
    write("config.ru", APP)
    assert_equal File.basename(@root), load("app.call({})[2][0]")
    require "rack"
    assert_equal "#{Rack.release} ", load('PreforkLauncher::AppLoader.rack_version, " ", PreforkLauncher::AppLoader.rails_version')
  end

  # What is served in the end: a generation that can serve nothing would take the place of one that can.
  def check(script)
    load("(app = begin PreforkLauncher::AppLoader.check(app); rescue TypeError => error; error; end; #{script})")
  end

  def test_what_cannot_be_called
    write("config.ru", "class Shop; def call(_env); [200, {}, []]; end; end\nrun Shop\n")
    assert_equal "the application, the class Shop, does not answer to call; its instances do (run Shop.new)", check("app.message")
    write("config.ru", "run 42\n")
    assert_equal "the application, of the class Integer, does not answer to call", check("app.message")
  end

  def test_what_can_be_called_unseen
    write("config.ru", "class Proxy; def method_missing(name, *given); name == :call ? [200, {}, given] : super; end; end\nrun Proxy.new\n")
    assert_equal "1", check("app.call(1)[2][0]")
    write("config.ru", "class Bare < BasicObject; def call(_env); [200, {}, [2]]; end; end\nrun Bare.new\n")
    assert_equal "2", check("app.call({})[2][0]")
    write("config.ru", APP)
    assert_equal "true", check("app.respond_to?(:call)")
  end

  # A gem that the environment does not need is missing: Bundler alone would say "bundle install".
  def test_groups_that_are_not_installed
    write("config.ru", APP)
    write("Gemfile", <<~RUBY)
      source "https://rubygems.example"
      gem "rake"
      group(:development) { gem "no-such-gem" }
      group(:test) { gem "rack" }
    RUBY
    told = load("app.message", env: { "RAILS_ENV" => "production" })
    assert_match(/no-such-gem.* \(it is only in groups that no production needs: development\)\z/m, told)
    refute_match(/groups/, load("app.message", env: { "RAILS_ENV" => "development" }))
  end

  def test_groups_of_a_lock_that_are_not_installed
    require "bundler/version"
    skip "this Bundler does not look at the groups of a lock by themselves" if Gem::Version.new(Bundler::VERSION) < Gem::Version.new("2.3")
    require "rack"
    require "rake"
    write("config.ru", APP)
    write("Gemfile", <<~RUBY)
      source 'https://rubygems.example'
      gem 'rack'
      group(:development, :test) { gem 'pry-like' }
      group(:tools) { gem 'rake' }
    RUBY
    lock = <<~LOCK
      GEM
        remote: https://rubygems.example/
        specs:
          coderay-like (1.0)
          pry-like (2.0)
            coderay-like
          rack (#{Rack.release})
          rake (#{Rake::VERSION})

      PLATFORMS
        ruby

      DEPENDENCIES
        pry-like
        rack
        rake
    LOCK
    write("Gemfile.lock", lock)
    assert_match(/Could not find .* \(it is only in groups that no production needs: development, test\)\z/m, load("app.message"))
    write("Gemfile.lock", lock.gsub(Rack.release, "0.0.1"))
    refute_match(/groups/, load("app.message"))
  end

  def test_gem_that_is_needed
    write("config.ru", APP)
    write("Gemfile", "source 'https://rubygems.example'\ngem 'no-such-gem'\ngroup(:test) { gem 'rack' }\n")
    told = load("app.message")
    assert_match(/no-such-gem/, told)
    refute_match(/groups/, told)
  end

  # A Rack of another kind than the one that is installed.
  def rack_of(answer, script = "app.inspect")
    write("lib/rack.rb", "module Rack; end")
    write("lib/rack/builder.rb", "module Rack; class Builder; def self.parse_file(path); #{answer}; end; end; end")
    load(script, env: { "RUBYLIB" => File.join(@root, "lib") })
  end

  # Rack::Lint, for one, does not require URI.
  def test_libraries_that_other_servers_have_loaded
    names = "Date, SimpleDelegator, Etc, IPAddr, Set, UNIXSocket, StringIO, Tempfile, Time, URI"
    assert_equal "[#{names}]", rack_of("Time.parse('2026-01-01'); [[#{names}]]")
  end

  # The older one answers its options too.
  def test_config_ru_of_rack_2_and_3
    assert_equal %("#{@root}/config.ru"), rack_of("[path, {}]")
    assert_equal %("#{@root}/config.ru"), rack_of("path")
    assert_equal "none:", rack_of("path", '"none:", PreforkLauncher::AppLoader.rack_version')
  end

  def test_environment_alone
    write("config/environment.rb", <<~RUBY)
      module Rails
        def self.application
          @application ||= Struct.new(:config).new(Struct.new(:eager_load).new(true))
        end
        VERSION = Module.new
        VERSION::STRING = '9.9'
      end
    RUBY
    told = load('app.equal?(Rails.application), " ", PreforkLauncher::AppLoader.rails_version', entry: "config/environment.rb")
    assert_equal "true 9.9", told
  end

  def test_environment_without_an_application
    write("config/environment.rb", "module Rails; def self.application; end; end")
    assert_equal "LoadError: config/environment.rb defined no Rails.application",
                 load('app.class, ": ", app.message', entry: "config/environment.rb")
  end

  def bundle(env: {})
    JSON.parse(load(<<~'RUBY', env: env).lines.last) # Bundler prints that it resolves
      (require "json"; raise app if app.is_a?(Exception); JSON.generate([ENV["BUNDLE_GEMFILE"], defined?(Bundler) && Gem.loaded_specs.key?("minitest")]))
    RUBY
  end

  def test_no_gemfile
    write("config.ru", APP)
    assert_equal [nil, nil], bundle
  end

  def test_gemfile_without_a_network
    write("config.ru", "require 'minitest'\n#{APP}")
    write("Gemfile", "gem 'rack'\ngem 'minitest'\n")
    assert_equal [File.join(@root, "Gemfile"), true], bundle
  end

  # Bundler prefers it, too.
  def test_gems_rb_goes_before_gemfile
    write("config.ru", APP)
    write("gems.rb", "gem 'rack'\n")
    write("Gemfile", "gem 'no-such-gem'\n")
    assert_equal [File.join(@root, "gems.rb"), false], bundle
  end

  def test_gemfile_of_the_environment
    write("config.ru", APP)
    write("Gemfile", "gem 'no-such-gem'\n")
    write("gemfiles/other.rb", "gem 'rack'\n")
    ["gemfiles/other.rb", File.join(@root, "gemfiles/other.rb")].each do |path|
      assert_equal File.join(@root, "gemfiles/other.rb"), bundle(env: { "BUNDLE_GEMFILE" => path }).first
    end
  end

  def test_a_gem_that_is_missing_is_an_error_to_report
    write("config.ru", APP)
    write("Gemfile", "gem 'no-such-gem'\n")
    assert_match(/\ABundler::GemNotFound .*no-such-gem/m, load('app.class, " ", app.message'))
  end

  def test_config_ru_that_does_not_parse
    write("config.ru", "run do |\n")
    assert_equal "SyntaxError", load("app.class")
  end
end
