# frozen_string_literal: true

Rails.application.configure do
  config.eager_load = true
  config.cache_classes = true
  config.consider_all_requests_local = false
  config.log_level = :warn
  config.hosts.clear
  config.secret_key_base = "rows" * 32 # as the blog's: no secret to keep
end
