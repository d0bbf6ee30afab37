# frozen_string_literal: true

module PreforkLauncher
  class RailsWarmup
    # Builds what there is once in a Rails application.
    class Framework
      def initialize(application)
        @application = application
      end

      # Builds the router and the helpers of paths. From 8.0 on routes are not drawn before they are asked for.
      def routes
        if @application.respond_to?(:reload_routes_unless_loaded)
          @application.reload_routes_unless_loaded
        end
        set = @application.routes
        set.eager_load! if set.respond_to?(:eager_load!)
        set.url_helpers
        set.mounted_helpers
      end

      # Derives the keys of cookies. Each key costs 1,000 rounds of PBKDF2 and more. They are made of the
      # session's own kinds of cookies.
      def secrets
        return unless secret?

        @application.env_config
        return unless defined?(::ActionDispatch::Request)

        jar = ::ActionDispatch::Request.new(@application.env_config.dup).cookie_jar
        jar.signed
        jar.encrypted
      end

      # Loads those of the default locale: a backend that reads its files one by one goes on
      # to do so, and an application may have a hundred of them. Only backends of files are asked: others ask a database, or
      # note there what they do not have.
      def translations
        ::Time.zone&.now
        return unless defined?(::I18n)

        backends(::I18n.backend).grep(::I18n::Backend::Simple).each do |backend|
          backend.send(:lookup, ::I18n.default_locale, "date.formats.default")
        end
      end

      private

      # For development and test Rails makes a secret by itself when it is first asked for one, and writes it to a file.
      def secret?
        return true unless ::Rails.env.development? || ::Rails.env.test?

        %w[development_secret.txt local_secret.txt].any? { |name| File.exist?(::Rails.root.join("tmp", name)) }
      end

      def backends(backend)
        backend.respond_to?(:backends) ? backend.backends.flat_map { |inner| backends(inner) } : [backend]
      end
    end
  end
end
