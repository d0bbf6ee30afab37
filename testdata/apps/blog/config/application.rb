# frozen_string_literal: true

require_relative "boot"

require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"

Bundler.require(*Rails.groups)

module Blog
  class Application < Rails::Application
    config.load_defaults [Rails::VERSION::MAJOR, Rails::VERSION::MINOR].join(".")

    # Where uploads are kept, and the folder of the gates that tests open.
    config.x.files = File.expand_path(ENV.fetch("BLOG_FILES", "tmp/files"), root)
    config.x.gates = ENV["BLOG_GATES"]

    # What a test changes between two loads.
    version = File.expand_path("version", root)
    config.x.version = File.exist?(version) ? File.read(version) : "one"
  end
end
