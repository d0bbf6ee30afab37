# frozen_string_literal: true

module PreforkLauncher
  class RailsWarmup
    # Has each class of controllers and mailers find out what it does on its first request.
    class Controllers
      ASKED = %i[action_methods controller_path _prefixes view_context_class].freeze

      def initialize(steps)
        @steps = steps
      end

      def run
        classes = ::AbstractController::Base.descendants.reject { |controller| controller.name.nil? || controller.abstract? }
        @steps.each(classes) do |controller|
          ASKED.each { |name| controller.public_send(name) if controller.respond_to?(name) }
          compile_callbacks(controller)
        end
      end

      private

      # From 7.1 on there is a compiled chain for each kind of callbacks as well.
      def compile_callbacks(controller)
        chain = controller.respond_to?(:__callbacks) && controller.__callbacks[:process_action]
        return unless chain.respond_to?(:compile)

        chain.method(:compile).arity.zero? ? chain.compile : chain.compile(nil)
      end
    end
  end
end
