# frozen_string_literal: true

require_relative "finding"
require_relative "../active_record_pools"

module PreforkLauncher
  # ActiveRecord's databases, as far as several processes are concerned.
  class DatabaseCheck
    def initialize(context)
      @context = context
    end

    # Base is an autoload of ActiveRecord, not to be set off here.
    def self.active_record?
      defined?(::ActiveRecord::Base) && !::ActiveRecord.autoload?(:Base)
    end

    # The number of open connections. Before a fork they are closed, so it is asked for earlier.
    def self.connections
      active_record? ? ActiveRecordPools.new.sum { |pool| pool.connections.size } : 0
    end

    def findings
      found = @context.connections.positive? ? [closed] : []
      found.concat(impatient) if DatabaseCheck.active_record?
      found
    end

    private

    def closed
      Finding.new("note", "database",
                  "boot opened #{@context.connections} database connections (ActiveRecord); the launcher closes them before it forks")
    end

    def impatient
      configurations = ActiveRecordPools.new.map { |pool| configuration(pool) }.uniq
      configurations.select! { |each| each[:adapter].to_s == "sqlite3" && !each[:timeout] && !each[:retries] && !memory?(each) }
      configurations.map do |each|
        Finding.new("harm", "database", "the SQLite database #{@context.relative(each[:database].to_s)} has no timeout",
                    where: "config/database.yml",
                    cost: "a worker that wants to write while another one writes fails at once: SQLite3::BusyException, database is locked",
                    advice: "timeout: 5000 in config/database.yml")
      end
    end

    def memory?(configuration)
      configuration[:database].to_s.include?(":memory:")
    end

    # spec until Rails 6.0, db_config from 6.1.
    def configuration(pool)
      hash = pool.respond_to?(:db_config) ? pool.db_config.configuration_hash : pool.spec.config
      hash.transform_keys(&:to_sym)
    end
  end
end
