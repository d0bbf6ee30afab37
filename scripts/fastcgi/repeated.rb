# frozen_string_literal: true

require_relative "errors"

module PreforkLauncher
  module FastCGI
    # Resolves parameters that came more than once. Of those that are no header the last one holds: web servers send
    # what their administrators have set last. Headers are joined as CGI does it (RFC 3875, section 4.1.18), where the
    # web server has not.
    #
    # "X_Forwarded_For" and "X-Forwarded-For" are one name here, and so a client could replace, or precede, what a proxy
    # has set. lighttpd joins lines of one header itself, so a name that comes twice is always that (or an
    # administrator's own HTTP_ variable); nginx drops such names unless it is configured otherwise; with the others,
    # headers that have one value are known. A web server that hides its name (server.tag of lighttpd) may be any of
    # them.
    module Repeated
      HEADER = "HTTP_"
      SINGLE = /\AHTTP_(?:HOST|AUTHORIZATION|X_FORWARDED_(?!FOR\z).+|(?:X_)?(?:REAL|CLIENT|CLUSTER_CLIENT)_IP|TRUE_CLIENT_IP)\z/.freeze
      CHAIN = %w[HTTP_X_FORWARDED_FOR HTTP_FORWARDED].freeze
      private_constant :HEADER, :SINGLE, :CHAIN

      # Takes all values of each name.
      def self.resolve(env, repeated)
        software = env["SERVER_SOFTWARE"].to_s
        repeated.each do |name, values|
          next unless values.size > 1 && name.start_with?(HEADER)

          next env[name] = values.join(name == "HTTP_COOKIE" ? "; " : ", ") unless single?(name, software)

          different = values.uniq
          raise ambiguous(name, different) if different.size > 1
        end
      end

      def self.single?(name, software)
        return true if software.start_with?("lighttpd")
        return false if software.start_with?("nginx")

        SINGLE.match?(name) || (CHAIN.include?(name) && !software.start_with?("HAProxy"))
      end
      private_class_method :single?

      def self.ambiguous(name, values)
        shown = values.first(2).map { |value| value.byteslice(0, 80).inspect }.join(" and ")
        Refusal.new(400, "#{name} came more than once, as #{shown}; " \
                         "names of headers that differ by - and _ alone become one")
      end
      private_class_method :ambiguous
    end
  end
end
