# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Which names of parameters an application gets, each as one String for all requests.
    module Names
      # HTTP_PROXY is a client's header "Proxy" that libraries take for the proxy of outgoing requests (CVE-2016-5385).
      # The two others come from "Content_Length" and "Content_Type", and Rack forbids them beside the real ones.
      DROPPED = ["", "HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"].freeze
      # Names that are remembered, and how long each may be: clients choose them.
      MAX = 1000
      BYTES_MAX = 64
      private_constant :DROPPED, :MAX, :BYTES_MAX

      # Returns a Hash of a name as it has come and as an application gets it, or nil where it does not.
      def self.known
        Hash.new do |known, name|
          kept = -name if kept?(name)
          if name.bytesize <= BYTES_MAX
            known.clear if known.size >= MAX
            known[name] = kept
          end
          kept
        end
      end

      # A name with a period belongs to Rack, its servers and applications; none comes from outside.
      def self.kept?(name)
        !name.include?(".") && !DROPPED.include?(name)
      end
      private_class_method :kept?
    end
  end
end
