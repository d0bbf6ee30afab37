# frozen_string_literal: true

# The first worker loads the application and forks the others, and forks them again after 1,000
# requests of its own, which is the default.
fork_worker
silence_single_worker_warning

# What its documentation asks of an application that uses ActiveRecord. Puma 7 has another name for it.
close = proc { ActiveRecord::Base.connection_handler.clear_all_connections! if defined?(ActiveRecord::Base) }
respond_to?(:before_refork) ? before_refork(&close) : on_refork(&close)
