# frozen_string_literal: true

require "rack/handler"
require "launcher_ruby/launcher"

module Rack
  module Handler
    # "rackup -s launcher", "bin/rails server -u launcher"
    Launcher = ::LauncherRuby::Launcher

    register :launcher, "Rack::Handler::Launcher"
  end
end
