# frozen_string_literal: true

preload_app true

# What its documentation asks of an application that uses ActiveRecord.
before_fork do |_server, _worker|
  ActiveRecord::Base.connection_handler.clear_all_connections! if defined?(ActiveRecord::Base)
end

after_fork do |_server, _worker|
  if defined?(ActiveRecord::Base)
    begin
      ActiveRecord::Base.establish_connection
    rescue ActiveRecord::AdapterNotSpecified
      nil # it is loaded, and not used
    end
  end
end
