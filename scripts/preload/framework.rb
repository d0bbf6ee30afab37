# frozen_string_literal: true

module PreforkLauncher
  class Preload
    # What there is once in a Rails application.
    class Framework
      def initialize(application)
        @application = application
      end

      # From 8.0 on routes are not drawn before they are asked for.
      def routes
        if @application.respond_to?(:reload_routes_unless_loaded)
          @application.reload_routes_unless_loaded
        end
        @application.env_config
        set = @application.routes
        set.router.eager_load! if set.router.respond_to?(:eager_load!)
        set.url_helpers
        set.mounted_helpers
        recognize(set)
      end

      # Each key costs 1,000 rounds of PBKDF2 and more. They are made of the
      # session's own kinds of cookies.
      def secrets
        return unless defined?(::ActionDispatch::Request)
        jar = ::ActionDispatch::Request.new(@application.env_config.dup).cookie_jar
        jar.signed
        jar.encrypted
        @application.message_verifier("launcher")
      end

      # Of the default locale: a backend that reads its files one by one goes on
      # to do so, and an application may have a hundred of them.
      def translations
        return unless defined?(::I18n)
        ::I18n.t(:"date.formats.default", default: "")
        ::I18n.t(:"number.format.delimiter", default: "")
        ::Time.zone&.now
      end

      private

      # The automaton of the paths is built when the first one is looked up.
      def recognize(set)
        set.recognize_path("/")
      rescue ::ActionController::RoutingError
        nil # there is no page at the root
      end
    end
  end
end
