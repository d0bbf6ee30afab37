# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Where in the application a request goes: SCRIPT_NAME, PATH_INFO and QUERY_STRING, made from REQUEST_URI alone, which is the one
    # thing that every web server and every recipe hands over untouched. PATH_INFO keeps its percent-encoding, as with the other Ruby
    # servers. The server's own SCRIPT_NAME and PATH_INFO only say where the application is mounted, and only if they fit the URI.
    # SCRIPT_NAME + PATH_INFO is always the path of the request, so no length is ever subtracted from another.
    class Location
      ROOT = "/"
      NOWHERE = ""
      SCRIPT_SUFFIX = ".fcgi"
      LIGHTTPD = "lighttpd"
      ABSOLUTE = %r{\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*}n.freeze
      # Everything but pchar and "/" (RFC 3986, section 3.3).
      ESCAPED = %r{[^A-Za-z0-9\-._~!$&'()*+,;=:@/]}n.freeze
      private_constant :ROOT, :NOWHERE, :SCRIPT_SUFFIX, :LIGHTTPD, :ABSOLUTE, :ESCAPED

      # url_prefix is where the operator mounted the application, nil if nobody said.
      def initialize(url_prefix)
        prefix = url_prefix.to_s.sub(%r{/+\z}, "")
        prefix = "/#{prefix}" unless prefix.empty? || prefix.start_with?(ROOT)
        @url_prefix = prefix.empty? ? nil : prefix.b.freeze
      end

      def apply(env)
        uri = env["REQUEST_URI"]
        uri = env["REQUEST_URI"] = synthesize(env) if uri.nil? || uri.empty?
        path, query = split(uri)
        script = mount(path, env["SCRIPT_NAME"], env["PATH_INFO"], env["SERVER_SOFTWARE"])
        env["SCRIPT_NAME"] = script
        env["PATH_INFO"] = script.empty? ? path : path.byteslice(script.bytesize, path.bytesize)
        env["QUERY_STRING"] = query
      end

      private

      # The path and the query of a request target (RFC 9112, section 3.2).
      def split(uri)
        uri = uri.byteslice(0, uri.index("#")) if uri.include?("#")
        target, _, query = uri.partition("?")
        return [target, query] if target.start_with?(ROOT)
        return [ROOT, query] if target == "*"

        absolute = ABSOLUTE.match(target)
        raise Refusal.new(400, "REQUEST_URI is no request target: #{uri.inspect}") unless absolute

        path = absolute.post_match
        [path.empty? ? ROOT : path, query]
      end

      def mount(path, script_name, path_info, software)
        # Nothing is guessed once the operator has spoken: lighttpd's key "/shop" matches /shopping too, and calls that a mount point.
        return below?(path, @url_prefix) ? @url_prefix : NOWHERE if @url_prefix
        return NOWHERE if script_name.nil? || script_name.empty? || script_name == ROOT

        if script_name.end_with?(SCRIPT_SUFFIX)
          # A rewrite or an error handler led here. The script is a fiction of the web server's; its folder is the mount point.
          folder = folder_of(script_name)
          below?(path, folder) ? folder : NOWHERE
        elsif software&.start_with?(LIGHTTPD)
          # It calls the key and the rest of its segment SCRIPT_NAME: for the key "/" the first segment of every path, which looks no
          # different from the key "/shop" (1.4.69). Where the application is mounted like that, url_prefix has to say so.
          NOWHERE
        else
          matching_start(path, script_name, path_info) || NOWHERE
        end
      end

      # The start of the raw path that is the (decoded) SCRIPT_NAME, if PATH_INFO is the rest of it. An empty PATH_INFO proves nothing:
      # servers that know no scripts put the whole path into SCRIPT_NAME, and then nothing is mounted anywhere.
      def matching_start(path, script_name, path_info)
        return nil if path_info.nil? || !path_info.start_with?(ROOT) || decode(path) != script_name + path_info

        stop = 0
        while (stop = path.index(ROOT, stop + 1))
          start = path.byteslice(0, stop)
          return start if decode(start) == script_name
        end
        nil
      end

      def below?(path, prefix)
        path.start_with?(prefix) && (path.bytesize == prefix.bytesize || path.getbyte(prefix.bytesize) == 0x2f)
      end

      def folder_of(script_name)
        script_name.byteslice(0, script_name.rindex(ROOT) || 0)
      end

      # A web server that does not send REQUEST_URI has decoded the path, so it is encoded again.
      def synthesize(env)
        script_name = env["SCRIPT_NAME"].to_s
        script_name = folder_of(script_name) if script_name.end_with?(SCRIPT_SUFFIX)
        path = script_name == ROOT ? env["PATH_INFO"].to_s : script_name + env["PATH_INFO"].to_s
        raise Refusal.new(400, "neither REQUEST_URI nor SCRIPT_NAME nor PATH_INFO") if path.empty? && env["SCRIPT_NAME"].to_s.empty?

        path = path.gsub(ESCAPED) { |byte| format("%%%02X", byte.ord) }
        path = ROOT + path unless path.start_with?(ROOT)
        query = env["QUERY_STRING"].to_s
        query.empty? ? path : "#{path}?#{query}"
      end

      def decode(path)
        return path unless path.include?("%")

        path.gsub(/%(\h\h)/n) { Regexp.last_match(1).hex.chr }
      end
    end
  end
end
