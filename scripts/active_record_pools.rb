# frozen_string_literal: true

module PreforkLauncher
  # Every connection pool of ActiveRecord, of whatever role, shard and database.
  # Where they are kept changed with nearly every release:
  #
  #   5.2        one handler
  #   6.0        a handler for each role (connection_handlers), which only Rails
  #              fills: the default one may not be among them
  #   6.1, 7.0   the same under legacy_connection_handling, where asking for it
  #              otherwise raises; else one handler with all_connection_pools
  #   7.1 on     one handler, connection_pool_list(:all)
  class ActiveRecordPools
    include Enumerable

    ALL_ROLES_SINCE = [7, 1].freeze

    def each(&block)
      handlers.flat_map { |handler| pools(handler) }.each(&block)
    end

    private

    def handlers
      base = ::ActiveRecord::Base
      own = [base.default_connection_handler, base.connection_handler]
      own.concat(base.connection_handlers.values) if base.respond_to?(:connection_handlers)
      own.uniq
    rescue NotImplementedError
      own.uniq
    end

    def pools(handler)
      version = [::ActiveRecord::VERSION::MAJOR, ::ActiveRecord::VERSION::MINOR]
      if (version <=> ALL_ROLES_SINCE) >= 0
        handler.connection_pool_list(:all)
      elsif handler.respond_to?(:all_connection_pools)
        handler.all_connection_pools
      else
        handler.connection_pool_list
      end
    end
  end
end
