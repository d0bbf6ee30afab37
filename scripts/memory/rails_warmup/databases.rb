# frozen_string_literal: true

require_relative "../../active_record_pools"
require_relative "../../clock"
require_relative "../trial"

module PreforkLauncher
  class RailsWarmup
    # Finds which databases can be asked: those that are there, and answer. One that accepts and stays silent, or holds everybody off, would
    # keep the one who asks for as long as it likes, in code that cannot be interrupted; so each is asked by a process of its own first.
    class Databases
      SECONDS = 5
      FILES = /sqlite|spatialite|litedb|duckdb/i.freeze # adapters that make the file of a database when they connect

      # The connections of one process to one database, and models that use them.
      Database = Struct.new(:pool, :models) do
        def to_s
          pool.respond_to?(:db_config) ? pool.db_config.name.to_s : pool.spec.name.to_s
        end
      end

      def self.connection(model)
        model.respond_to?(:lease_connection) ? model.lease_connection : model.connection
      end

      def initialize(steps)
        @steps = steps
      end

      # Returns the models whose database can be asked.
      def answering(models)
        databases = models.group_by(&:connection_pool).map { |pool, of_pool| Database.new(pool, of_pool) }
        tried = databases.select { |database| there?(database) }
        deadline = [Clock.now + SECONDS, @steps.deadline].min
        close_connections
        trials = tried.map { |database| Trial.new(root: @steps.root, deadline: deadline) { ask(database) } }
        sound = tried.zip(trials).select { |database, trial| sound?(database, trial.failure) }
        sound.flat_map { |database, _| database.models }
      end

      private

      # Whether there is anything to connect to. To connect to a file that is not there makes it,
      # of the user who runs this; to one that is empty may write to it.
      def there?(database)
        path = file(ActiveRecordPools.configuration(database.pool))
        return true if path.nil? || File.size?(path)

        @steps.skip("the database #{database}", "there is nothing in #{path}")
        false
      end

      # Returns the path; nil for a database that is no file. In memory there is nothing to be learned.
      def file(configuration)
        return unless configuration[:adapter].to_s.match?(FILES) && configuration[:database]

        path = configuration[:database].to_s
        path = path.delete_prefix("file:").sub(/\?.*/m, "").sub(%r{\A//[^/]*/}, "/") if path.start_with?("file:")
        File.expand_path(path, ::Rails.root.to_s)
      end

      # Closes all: what is open while a process forks, some libraries close in the fork, and say so.
      def close_connections
        ActiveRecordPools.connected.each(&:disconnect!)
      end

      # Asks in the fork, which disconnects: a server may log those who do not, and SQLite leaves files behind.
      def ask(database)
        model = database.models.first
        Databases.connection(model).data_source_exists?(model.table_name)
        model.connection_pool.disconnect!
      end

      def sound?(database, failure)
        return true unless failure

        @steps.skip("the database #{database}", failure.start_with?(Trial::LATE) ? "it has not answered for #{SECONDS} s" : failure)
        false
      end
    end
  end
end
