# frozen_string_literal: true

module PreforkLauncher
  # Finds every connection pool of ActiveRecord, of whatever role, shard and database.
  # Where they are kept changed with nearly every release:
  #
  #   5.2        one handler
  #   6.0        a handler for each role (connection_handlers), which only Rails
  #              fills: the default one may not be among them
  #   6.1, 7.0   the same under legacy_connection_handling, where asking for it
  #              otherwise raises; else one handler with all_connection_pools
  #   7.1 on     one handler, connection_pool_list(:all)
  module ActiveRecordPools
    ALL_ROLES_SINCE = [7, 1].freeze

    # Whether the application has used ActiveRecord. Base is an autoload of it: one that never used it must not be made to
    # load it here, and to look for a database.
    def self.loaded?
      defined?(::ActiveRecord::Base) && !::ActiveRecord.autoload?(:Base)
    end

    def self.all
      handlers.flat_map { |handler| of(handler) }
    end

    # Those with a connection. Whoever closes one asks only these: disconnect! may wait for a connection that a thread
    # holds, and a pool without one is nobody's business.
    def self.connected
      all.select { |pool| pool.connections.any? }
    end

    # The settings of a pool's database, by symbols: spec until Rails 6.0, db_config from 6.1.
    def self.configuration(pool)
      hash = pool.respond_to?(:db_config) ? pool.db_config.configuration_hash : pool.spec.config
      hash.transform_keys(&:to_sym)
    end

    def self.handlers
      base = ::ActiveRecord::Base
      own = [base.default_connection_handler, base.connection_handler]
      own.concat(base.connection_handlers.values) if base.respond_to?(:connection_handlers)
      own.uniq
    rescue NotImplementedError
      own.uniq
    end
    private_class_method :handlers

    def self.of(handler)
      version = [::ActiveRecord::VERSION::MAJOR, ::ActiveRecord::VERSION::MINOR]
      if (version <=> ALL_ROLES_SINCE) >= 0
        handler.connection_pool_list(:all)
      elsif handler.respond_to?(:all_connection_pools)
        handler.all_connection_pools
      else
        handler.connection_pool_list
      end
    end
    private_class_method :of
  end
end
