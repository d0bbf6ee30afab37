# frozen_string_literal: true

require "minitest"
require "json"
require_relative "support/app_folder"
require_relative "support/ruby_process"

# A Rails application that notices when somebody runs its code.
class RailsWarmupFrameworkTest < Minitest::Test
  include AppFolder
  include RubyProcess

  ENVIRONMENT = <<~'RUBY'
    require "rails"
    require "action_controller/railtie"
    ASKED = []
    class Store
      include I18n::Backend::Base
      def initialized?; true; end
      def available_locales; [:en]; end
      def lookup(*arguments); ASKED << [:store, *arguments] && nil; end
    end
    class Shop < Rails::Application
      config.root = __dir__ + "/.."
      config.eager_load = false
      config.cache_classes = true
      config.logger = Logger.new($stderr)
      config.active_support.deprecation = :silence
      config.load_defaults [Rails::VERSION::MAJOR, Rails::VERSION::MINOR].join(".")
    end
    Rails.application.initialize!
    I18n.backend = I18n::Backend::Chain.new(Store.new, I18n::Backend::Simple.new)
    Rails.application.routes.draw do
      get "/", to: ->(_env) { [200, {}, ["ok"]] }, constraints: ->(_request) { ASKED << :constraint }
      get "/prices/:id", to: "prices#show"
    end
  RUBY

  SCRIPT = <<~'RUBY'
    require "app_loader"
    require "fastcgi/error_stream"
    require "json"
    require "memory/optimizations"
    require "memory/rails_warmup"
    require "settings"
    require "stringio"
    PreforkLauncher::AppLoader.new(PreforkLauncher::Settings.new("root" => Dir.pwd, "generation" => "1", "entry" => "config/environment.rb")).load
    log = StringIO.new
    PreforkLauncher::RailsWarmup.new(PreforkLauncher::Optimizations.new([]), PreforkLauncher::FastCGI::ErrorStream.new(log)).run
    simple = I18n.backend.backends.last
    print JSON.generate(asked: ASKED, log: log.string.lines(chomp: true), translations: simple.initialized?)
  RUBY

  def setup
    super
    write("config/environment.rb", ENVIRONMENT)
    write("app/controllers/prices_controller.rb", "class PricesController < ActionController::Base; end")
  end

  def preload(environment)
    JSON.parse(ruby(SCRIPT, chdir: @root, env: { "RAILS_ENV" => environment, "SECRET_KEY_BASE" => nil }).lines.last)
  end

  # No backend of translations that may keep what it does not know, no constraint, and no secret in a file.
  def test_nothing_is_asked_and_nothing_written
    assert_equal({ "asked" => [], "log" => [], "translations" => true }, preload("development"))
    assert_equal %w[app config], Dir.children(@root).sort
  end

  def test_what_does_not_work_is_told
    write("config/locales/en.yml", "en: {date: [")
    told = preload("production")
    assert_equal 2, told["log"].size, told["log"]
    assert_match(/\Alauncher: preload: secrets failed and is skipped: (?:ArgumentError|.*Key).* \(--without secrets\)\z/, told["log"].first)
    reason = /I18n::InvalidLocaleData: .*en\.yml.*/
    assert_match(/\Alauncher: preload: translations failed and is skipped: #{reason} \(--without translations\)\z/, told["log"].last)
  end
end
