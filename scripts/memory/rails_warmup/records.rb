# frozen_string_literal: true

require_relative "databases"

module PreforkLauncher
  class RailsWarmup
    # Has each model learn what it does of its table when it is first used: columns, types,
    # defaults, attribute methods. The queries are those that the first request
    # would make; no row is read, and nothing is noted of a table that is not there.
    class Records
      def initialize(steps)
        @steps = steps
        @asked = {}
        @found = {} # which database has been asked for a row
      end

      def run
        unlogged do
          @steps.each(Databases.new(@steps).answering(models)) do |model|
            next unless table?(model)

            learn(model)
            relate(model)
            find(model)
          end
        end
      end

      private

      def models
        found = ::ActiveRecord::Base.descendants.reject { |model| model.abstract_class? || model.name.nil? }
        found.select(&:table_name)
      end

      # table_exists? would keep for the application what may be wrong a moment later: before the first
      # migration, for instance.
      def table?(model)
        key = [model.connection_pool, model.table_name]
        @asked.fetch(key) { @asked[key] = Databases.connection(model).data_source_exists?(model.table_name) }
      end

      def learn(model)
        model.columns_hash
        model.column_defaults
        model.attribute_types
        model.define_attribute_methods
        model.primary_key
        model.inheritance_column
        model._default_attributes if model.respond_to?(:_default_attributes)
        model.attributes_builder if model.respond_to?(:attributes_builder)
        model.unscoped.to_sql # a default scope is the application's code, and may want to know who asks
      end

      # The class of a polymorphic association is each row's own affair.
      def relate(model)
        model.reflect_on_all_associations.each do |association|
          next if association.polymorphic?

          association.klass
          association.foreign_key
          association.inverse_of
        end
      end

      # A query for a row: for each model it is built, and for each database sent once. No row is read, since none
      # has no key where that is a number.
      def find(model)
        key = model.primary_key
        return unless key.is_a?(String) && model.columns_hash[key]&.type == :integer

        rows = model.unscoped.where(key => nil).limit(1)
        rows.to_sql
        @found[model.connection_pool] ||= rows.load
      end

      # The log of the application's queries is about its own.
      def unlogged
        logger = ::ActiveRecord::Base.logger
        ::ActiveRecord::Base.logger = nil
        yield
      ensure
        ::ActiveRecord::Base.logger = logger
      end
    end
  end
end
