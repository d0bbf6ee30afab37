# frozen_string_literal: true

Rails.application.configure do
  config.eager_load = true
  config.cache_classes = true # templates are compiled once; before 7.1 nothing else says so
  config.consider_all_requests_local = false
  config.action_controller.perform_caching = true
  config.public_file_server.enabled = ENV.key?("RAILS_SERVE_STATIC_FILES")
  config.log_level = :info
  config.hosts.clear

  # A test application has no secret to keep, and has to run without setup.
  config.secret_key_base = "blog" * 32
end
