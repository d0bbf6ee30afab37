# frozen_string_literal: true

require_relative "application"

Rails.application.initialize!

# Code that uses the database here, past the point where Rails closes what its
# boot has opened, leaves a connection behind that forked workers must not use.
Row.connection_owner if ENV["BLOG_CONNECT_AT_BOOT"]
