# frozen_string_literal: true

# Bundler requires this file for a Gemfile that has the gem. There is nothing to load: what serves is a program of its
# own, and Rack requires the handler where somebody names it. PreforkLauncher is not defined here, since applications
# ask by that name whether they run below a launcher.
