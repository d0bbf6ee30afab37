# frozen_string_literal: true

require_relative "../active_record_pools"
require_relative "finding"

module PreforkLauncher
  # Finds databases of ActiveRecord that several processes cannot share as they are.
  class DatabaseCheck
    def initialize(context)
      @context = context
    end

    # Returns the number of open connections. Before a fork they are closed, so it is called earlier.
    def self.connections
      ActiveRecordPools.loaded? ? ActiveRecordPools.all.sum { |pool| pool.connections.size } : 0
    end

    def findings
      found = @context.connections.positive? ? [closed] : []
      found.concat(impatient) if ActiveRecordPools.loaded?
      found
    end

    private

    def closed
      Finding.new("note", "database",
                  "boot opened #{@context.connections} database connections (ActiveRecord); the launcher closes them before it forks")
    end

    def impatient
      configurations = ActiveRecordPools.all.map { |pool| ActiveRecordPools.configuration(pool) }.uniq
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
  end
end
