# frozen_string_literal: true

require "minitest"
require_relative "support/app_folder"
require_relative "support/ruby_process"

# Of real applications, each in a process of its own.
class EagerLoadTest < Minitest::Test
  include AppFolder
  include RubyProcess

  ENVIRONMENT = <<~RUBY
    require "rails"
    require "action_controller/railtie"
    class Shop < Rails::Application
      config.root = __dir__ + "/.."
      config.eager_load = %s
      config.cache_classes = true
      config.secret_key_base = "x" * 64
      config.logger = Logger.new(File::NULL)
      config.active_support.deprecation = :silence
      config.load_defaults [Rails::VERSION::MAJOR, Rails::VERSION::MINOR].join(".")
    end
    Rails.application.initialize!
  RUBY

  LOAD = <<~'RUBY'
    require "app_loader"
    require "memory/eager_load"
    require "settings"
    PreforkLauncher::AppLoader.new(PreforkLauncher::Settings.new("root" => Dir.pwd, "generation" => "1", "entry" => "config/environment.rb")).load
    eager = PreforkLauncher::EagerLoad.new(Dir.pwd)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + Integer(ARGV[0] || 300)
    failure = eager.run(deadline) if eager.wanted?
    print [failure, Object.autoload?(:Price).nil?, Object.autoload?(:PricesController).nil?, ActionController.autoload?(:Base).nil?, eager.files.positive?].inspect
  RUBY

  def setup
    super
    write("app/models/price.rb", "class Price; end")
    write("app/controllers/prices_controller.rb", "class PricesController < ActionController::Base; end")
  end

  def load(*arguments, eager: false, environment: "staging")
    write("config/environment.rb", format(ENVIRONMENT, eager))
    ruby(LOAD, *arguments, env: { "RAILS_ENV" => environment }, chdir: @root)
  end

  def test_all_is_loaded_where_the_application_does_not
    assert_equal "[nil, true, true, true, true]", load
  end

  def test_an_application_that_does_so_itself
    assert_equal "[nil, true, true, true, false]", load(eager: true)
  end

  # Not even half of it is there afterwards; what Rails has is.
  def test_a_file_that_cannot_be_loaded
    write("app/models/price.rb", "class Price\n  Tax\nend")
    assert_equal %(["NameError: uninitialized constant Price::Tax (app/models/price.rb:2)", false, false, false, true]), load
  end

  def test_a_file_that_ends_the_process
    write("app/models/price.rb", "class Price; exit!; end")
    assert_equal %(["it ended its process", false, false, false, true]), load
  end

  def test_a_file_that_hangs
    write("app/models/price.rb", "class Price\n  sleep\nend")
    assert_match(/\A\["it did not end in time.*", false, false, false, (?:true|false)\]\z/, load("1"))
  end

  def test_an_application_that_was_never_initialized
    write("config/environment.rb", format(ENVIRONMENT, false).sub("Rails.application.initialize!\n", ""))
    output = ruby(LOAD.sub("failure =", "raise '' if eager.wanted?; failure ="), env: { "RAILS_ENV" => "staging" }, chdir: @root)
    assert_match(/\A\[nil, .*, false\]\z/, output)
  end
end
