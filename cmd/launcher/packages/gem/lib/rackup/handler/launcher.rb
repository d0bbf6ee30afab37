# frozen_string_literal: true

require "rackup/handler"
require "launcher_ruby/launcher"

module Rackup
  module Handler
    # "rackup -s launcher", "bin/rails server -u launcher"
    Launcher = ::LauncherRuby::Launcher

    register :launcher, Launcher
  end
end
