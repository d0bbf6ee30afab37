# frozen_string_literal: true

require_relative "errors"
require_relative "input"
require_relative "location"
require_relative "names"
require_relative "params"
require_relative "repeated"

module PreforkLauncher
  module FastCGI
    # Makes a Rack environment (Rack 2 and 3) of FastCGI parameters. HTTP_* names come as Rack wants them, so a header costs
    # no work here.
    class Environment
      TOKEN = /\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z/n.freeze
      PROTOCOL = %r{\AHTTP/\d(?:\.\d)?\z}n.freeze
      # 18 digits are more than any disk holds, and stay a machine integer.
      LENGTH = /\A\d{1,18}\z/n.freeze
      # A name as it stands in a URL (RFC 3986, section 3.2.2), and one, or an address, with a port behind it.
      NAME = /\A(?:[0-9A-Za-z\-._~!$&'()*+,;=]|%\h\h)+\z/n.freeze
      HOST_AND_PORT = /\A(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d*)?\z/n.freeze
      # A part of an address, and its end where that is one of IPv4 (RFC 4291, section 2.2).
      GROUP = /\A\h{1,4}\z/n.freeze
      IPV4_END = /:(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\z)|\z)){4}\z/n.freeze
      PORT = /\A\d{1,5}\z/n.freeze
      # Where a body without a length needs no coding.
      FRAMED = %r{\AHTTP/[23]}n.freeze
      private_constant :TOKEN, :PROTOCOL, :LENGTH, :NAME, :HOST_AND_PORT, :GROUP, :IPV4_END, :PORT, :FRAMED

      # Made after the application was loaded: which Rack it uses is known by then.
      def initialize(errors:, url_prefix:)
        @location = Location.new(url_prefix)
        @names = Names.known
        @server = @host = nil # two names of a server as they have come
        @name = "localhost" # and what has been made of them; nil where that is the first one
        @port = "80" # the last one that is a port
        @constants = {
          "rack.errors" => errors,
          "rack.multithread" => false,
          "rack.multiprocess" => true,
          "rack.run_once" => false,
          # In Rack 3 it says that the header rack.hijack may be set, which holds here. In Rack 2 it offers the
          # connection as well.
          "rack.hijack?" => !rack2?
        }
        @constants["rack.version"] = [1, 3].freeze if rack2?
        @constants.freeze
      end

      # Returns the environment that the parameters of a request make. Raises Params::Malformed, and a Refusal as build does.
      def parse(bytes)
        pairs = Params.parse(bytes, env = {}, @names)
        if pairs > env.size
          Params.parse(bytes, repeated = Params::Values.new, @names)
          Repeated.resolve(env, repeated)
        end
        build(env)
      end

      # Changes the parameters to an environment without rack.input, which attach sets. Raises a Refusal for what no
      # application can be given.
      def build(env)
        method = env["REQUEST_METHOD"]
        raise Refusal.new(400, "REQUEST_METHOD is no method: #{method.inspect}") unless method && (method == "GET" || TOKEN.match?(method))

        @location.apply(env)
        env["REQUEST_PATH"] = env["SCRIPT_NAME"] + env["PATH_INFO"] # Puma's and Unicorn's
        identify_server(env)
        env.delete("CONTENT_TYPE") if env["CONTENT_TYPE"] == ""
        env.update(@constants)
        env["rack.after_reply"] = []
        env["rack.response_finished"] = []
        env
      end

      # Returns the announced length of the body; nil if it has to be read to the end of the stream. That is how a web
      # server passes on a body whose length it does not know: without CONTENT_LENGTH, or with -1 (Caddy). nginx sends
      # an empty one when there is no body.
      def content_length(env)
        length = env["CONTENT_LENGTH"]
        return 0 if length == "0"

        if length.nil? || length.empty? || length == "-1"
          env.delete("CONTENT_LENGTH")
          return length == "-1" || endless?(env) ? nil : 0
        end
        raise Refusal.new(400, "CONTENT_LENGTH is no length: #{length.inspect}") unless LENGTH.match?(length)

        length.to_i
      end

      # Adds the complete body. A length that was not announced is known now, and the coding is undone, also where the
      # web server has done so (nginx leaves the header). Nil is an empty one.
      def attach(env, input)
        env["CONTENT_LENGTH"] = input.size.to_s unless input.nil? || env["CONTENT_LENGTH"] || input.size.zero?
        env.delete("HTTP_TRANSFER_ENCODING") if env["HTTP_TRANSFER_ENCODING"]
        env["rack.input"] = input ? input.stream : Input.nothing
      end

      private

      def identify_server(env)
        secure = secure?(env)
        env["rack.url_scheme"] = secure ? "https" : "http"
        name_server(env, env["SERVER_NAME"], env["HTTP_HOST"])
        port = env["SERVER_PORT"]
        env["SERVER_PORT"] = secure ? "443" : "80" unless port == @port || port?(port)
        protocol = env["SERVER_PROTOCOL"]
        protocol = env["SERVER_PROTOCOL"] = "HTTP/1.1" unless protocol && (protocol == "HTTP/1.1" || PROTOCOL.match?(protocol))
        # Applications of Rack 2 read HTTP_VERSION, Rack 3 wants it equal to SERVER_PROTOCOL; a client's header
        # "Version" is neither.
        env["HTTP_VERSION"] = protocol
      end

      def secure?(env)
        https = env["HTTPS"]
        return !https.casecmp?("off") unless https.nil? || https.empty?

        env["REQUEST_SCHEME"] == "https"
      end

      def port?(port)
        return false unless PORT.match?(port.to_s)

        @port = port.dup
        true
      end

      # Sets a host without its port, the same as for the request before where that had the same names.
      def name_server(env, server, host)
        unless @server == server && @host == host
          @server = server&.dup
          @host = host&.dup
          @name = without_port(server.to_s, host.to_s)
          @name = nil if @name == server
        end
        env["SERVER_NAME"] = @name.dup if @name
      end

      # nginx has _ or a pattern for any name, HAProxy a port behind it.
      def without_port(server, host)
        return "[#{server}]" if ipv6?(server)

        [server, host].each do |one|
          name = one[HOST_AND_PORT, 1]
          return name if name && name != "_" && host?(name)
        end
        "localhost"
      end

      def host?(text)
        text.start_with?("[") ? ipv6?(text[1..-2]) : NAME.match?(text)
      end

      def ipv6?(text)
        return false unless text.count(":") > 1

        halves = text.sub(IPV4_END, ":0:0").split("::", -1)
        groups = halves.flat_map { |half| half.split(":", -1) }
        return false unless halves.size < 3 && groups.all? { |group| GROUP.match?(group) }

        halves.size == 2 ? groups.size < 8 : groups.size == 8
      end

      def endless?(env)
        return true if env["HTTP_TRANSFER_ENCODING"]

        FRAMED.match?(env["SERVER_PROTOCOL"]) && !%w[GET HEAD].include?(env["REQUEST_METHOD"])
      end

      def rack2?
        defined?(::Rack::RELEASE) ? ::Rack::RELEASE.to_i < 3 : false
      end
    end
  end
end
