# frozen_string_literal: true

# Loads the application before the fork. Each process builds it from its config.ru again.

require "rack"
require "rack/builder"

Rack::Builder.parse_file(File.expand_path("wrapper.ru", __dir__))
ActiveRecord::Base.connection_handler.clear_all_connections! if defined?(ActiveRecord::Base)
