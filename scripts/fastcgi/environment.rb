# frozen_string_literal: true

require_relative "failure"
require_relative "location"

module PreforkLauncher
  module FastCGI
    # Makes a Rack environment (Rack 2 and 3) of FastCGI parameters. It changes and returns the given Hash. HTTP_* names come as Rack
    # wants them, so a header costs no work here.
    class Environment
      TOKEN = /\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z/n.freeze
      PROTOCOL = %r{\AHTTP/\d(?:\.\d)?\z}n.freeze
      # 18 digits are more than any disk holds, and stay a machine integer.
      LENGTH = /\A\d{1,18}\z/n.freeze
      # HTTP_PROXY is a client's header "Proxy" that libraries take for the proxy of outgoing requests (CVE-2016-5385). The two others
      # come from "Content_Length" and "Content_Type", and Rack forbids them beside the real ones.
      DROPPED = %w[HTTP_PROXY HTTP_CONTENT_LENGTH HTTP_CONTENT_TYPE].freeze
      private_constant :TOKEN, :PROTOCOL, :LENGTH, :DROPPED

      # Made after the application was loaded: which Rack it uses is known by then.
      def initialize(errors:, url_prefix:)
        @location = Location.new(url_prefix)
        @constants = {
          "rack.errors" => errors,
          "rack.multithread" => false,
          "rack.multiprocess" => true,
          "rack.run_once" => false,
          "rack.hijack?" => false
        }
        release = defined?(::Rack::RELEASE) ? ::Rack::RELEASE.to_i : nil
        @constants["rack.version"] = [1, 3].freeze if release && release < 3
        @constants.freeze
        @offers_finish = release.nil? || release >= 3
      end

      # Raises a Refusal for what no application can be given. rack.input is set once the body is there.
      def build(env)
        # A name with a period belongs to Rack, its servers and applications; nobody sets one from outside.
        env.delete_if { |name, _| name.include?(".") }
        DROPPED.each { |name| env.delete(name) }
        method = env["REQUEST_METHOD"]
        raise Refusal.new(400, "REQUEST_METHOD is no method: #{method.inspect}") unless method && TOKEN.match?(method)

        @location.apply(env)
        identify_server(env)
        env.delete("CONTENT_TYPE") if env["CONTENT_TYPE"] == ""
        env.update(@constants)
        env["rack.response_finished"] = [] if @offers_finish
        env
      end

      # The announced length of the body; nil if it has to be read to the end of the stream, which is how a web server hands on a
      # chunked request whose length it does not know. nginx sends an empty CONTENT_LENGTH when there is no body.
      def content_length(env)
        length = env["CONTENT_LENGTH"]
        if length.nil? || length.empty?
          env.delete("CONTENT_LENGTH")
          return env["HTTP_TRANSFER_ENCODING"] ? nil : 0
        end
        raise Refusal.new(400, "CONTENT_LENGTH is no length: #{length.inspect}") unless LENGTH.match?(length)

        length.to_i
      end

      # The body is complete. A length that nobody announced is known now, and the coding is undone.
      def attach(env, input)
        unless env.key?("CONTENT_LENGTH") || input.size.zero?
          env["CONTENT_LENGTH"] = input.size.to_s
          env.delete("HTTP_TRANSFER_ENCODING")
        end
        env["rack.input"] = input.stream
      end

      private

      def identify_server(env)
        secure = secure?(env)
        env["rack.url_scheme"] = secure ? "https" : "http"
        name = env["SERVER_NAME"]
        env["SERVER_NAME"] = host(env) if name.nil? || name.empty?
        port = env["SERVER_PORT"]
        env["SERVER_PORT"] = secure ? "443" : "80" if port.nil? || port.empty?
        protocol = env["SERVER_PROTOCOL"]
        protocol = env["SERVER_PROTOCOL"] = "HTTP/1.1" unless protocol && PROTOCOL.match?(protocol)
        # Applications of Rack 2 read HTTP_VERSION, Rack 3 wants it equal to SERVER_PROTOCOL; a client's header "Version" is neither.
        env["HTTP_VERSION"] = protocol
      end

      def secure?(env)
        https = env["HTTPS"]
        return !https.casecmp?("off") unless https.nil? || https.empty?

        env["REQUEST_SCHEME"] == "https"
      end

      def host(env)
        host = env["HTTP_HOST"].to_s[/\A(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d*)?\z/n, 1]
        host || "localhost"
      end
    end
  end
end
