# frozen_string_literal: true

require_relative "../fastcgi/error_stream"

module PreforkLauncher
  # Decides by its address whether a peer may connect. The protocol has no other way: a peer says itself who the visitor is.
  class Guard
    NOTED_MAX = 16 # addresses that the log has

    # A prefix is the family, 4 or 6, and the bits that addresses begin with: "400001010" is 10.0.0.0/8.
    def initialize(prefixes, errors: $stderr)
      @prefixes = prefixes
      @errors = errors
      @noted = []
    end

    def admits?(socket)
      address = socket.remote_address
      bits = bits_of(address)
      return true if @prefixes.any? { |prefix| bits.start_with?(prefix) }

      note(address.ip_address)
      false
    rescue SystemCallError
      false # It has left.
    end

    private

    # Where a sockaddr_in and a sockaddr_in6 have them (ip(7), ipv6(7)).
    def bits_of(address)
      sockaddr = address.to_sockaddr
      address.ipv4? ? "4#{sockaddr.unpack1('@4B32')}" : "6#{sockaddr.unpack1('@8B128')}"
    end

    def note(address)
      return if @noted.size >= NOTED_MAX || @noted.include?(address)

      @noted << address
      FastCGI::ErrorStream.new(@errors).note("closed a connection from #{address}, which --listen-allow does not name")
    end
  end
end
