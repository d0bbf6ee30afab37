# frozen_string_literal: true

# The generations of its documentation's example: after 50 requests of a worker, 100 more, and each 1,000.
refork_after [50, 100, 1000]

before_fork do |_server|
  ActiveRecord::Base.connection_handler.clear_all_connections! if defined?(ActiveRecord::Base)
end
