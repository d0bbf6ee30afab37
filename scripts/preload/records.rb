# frozen_string_literal: true

module PreforkLauncher
  class Preload
    # What each model learns of its table when it is first used: columns, types,
    # defaults, attribute methods. The queries are those that the first request
    # would make; no row is read.
    class Records
      def initialize(steps)
        @steps = steps
      end

      def run
        @steps.each(models) do |model|
          next unless model.table_exists?
          learn(model)
          relate(model)
          find(model)
        end
      end

      private

      def models
        ::ActiveRecord::Base.descendants.reject { |model| model.abstract_class? || model.name.nil? }
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
        model.all.to_sql
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

      # The statement of find is kept by the class. No row has no key.
      def find(model)
        key = model.primary_key
        model.unscoped { model.find_by(key => nil) } if key.is_a?(String)
      end
    end
  end
end
