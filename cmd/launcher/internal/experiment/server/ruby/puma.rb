# frozen_string_literal: true

preload_app!
silence_single_worker_warning

# What its documentation asks of an application that uses ActiveRecord.
before_fork do
  ActiveRecord::Base.connection_handler.clear_all_connections! if defined?(ActiveRecord::Base)
end
