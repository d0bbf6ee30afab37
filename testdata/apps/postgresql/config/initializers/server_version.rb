# frozen_string_literal: true

# Asks the database while the application boots, as many do for their settings. At this
# point Rails has closed what boot used before, so the connection stays in the pool, for
# whoever asks next.
Rails.application.config.after_initialize do
  ActiveRecord::Base.connection_pool.with_connection do |connection|
    Rails.configuration.x.server_version = connection.select_value("SHOW server_version")
  end
end
