# frozen_string_literal: true

require_relative "url_prefix"

module PreforkLauncher
  module FastCGI
    # Finds out where in the application a request goes: SCRIPT_NAME, PATH_INFO and QUERY_STRING, made from REQUEST_URI,
    # which is the one thing that every web server and every recipe passes on unchanged. PATH_INFO keeps its
    # percent-encoding, as with the other Ruby servers. The server's own SCRIPT_NAME and PATH_INFO only say where the
    # application is mounted, and only if they fit the URI. Where it is mounted, SCRIPT_NAME is the plain prefix,
    # however the client wrote it, since links and redirections begin with it ("//shop" would name a host). PATH_INFO is
    # the end of the path that follows it, so no length is ever subtracted from another.
    class Location
      ROOT = "/"
      SLASH = ROOT.ord
      NOWHERE = ""
      SCRIPT_SUFFIX = ".fcgi"
      LIGHTTPD = "lighttpd"
      INDEX = "index.html"
      ABSOLUTE = %r{\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*}n.freeze
      # Everything but pchar and "/" (RFC 3986, section 3.3).
      ESCAPED = %r{[^A-Za-z0-9\-._~!$&'()*+,;=:@/]}n.freeze
      UNTIDY = %r{%|//|/\.}n.freeze
      SLASHES = %r{/+}n.freeze
      private_constant :SLASHES, :ROOT, :SLASH, :NOWHERE, :SCRIPT_SUFFIX, :LIGHTTPD, :INDEX, :ABSOLUTE, :ESCAPED, :UNTIDY

      # url_prefix is where the operator mounted the application; nil: not known.
      def initialize(url_prefix)
        @prefix = url_prefix.is_a?(UrlPrefix) ? url_prefix : UrlPrefix.new(url_prefix)
        @mounted = !@prefix.path.empty?
        @script = nil # the last one that the launcher's own configuration of lighttpd has led to
      end

      def apply(env)
        uri = env["REQUEST_URI"]
        uri = env["REQUEST_URI"] = synthesize(env) if uri.nil? || uri.empty?
        return take_whole(env, uri) if at_root?(env, uri)

        path, query = rewritten(env, *split(uri))
        script, rest = mount(path, env["SCRIPT_NAME"], env["PATH_INFO"], env["SERVER_SOFTWARE"])
        script, rest = NOWHERE, script + rest if !script.empty? && @prefix.taken_by_app?(script)
        env["SCRIPT_NAME"] = script
        env["PATH_INFO"] = rest
        env["QUERY_STRING"] = query
      end

      private

      # Whether the whole path goes to the application, as nothing is mounted or rewritten. It says no where it would have to look closer.
      def at_root?(env, uri)
        return false if @mounted || uri.getbyte(0) != SLASH || uri.include?("#")

        script = env["SCRIPT_NAME"]
        target = env["REDIRECT_URI"]
        return target.nil? if script.nil? || script.empty? || script == ROOT

        (script == @script || script_at_root?(script)) && target == script + uri
      end

      # As the launcher's own configuration of lighttpd leads to it.
      def script_at_root?(script)
        return false unless script.end_with?(SCRIPT_SUFFIX) && script.rindex(ROOT)&.zero?

        @script = script.dup
        true
      end

      def take_whole(env, uri)
        mark = uri.index("?")
        env["SCRIPT_NAME"] = NOWHERE
        if mark
          env["PATH_INFO"] = uri.byteslice(0, mark)
          env["QUERY_STRING"] = uri.byteslice(mark + 1, uri.bytesize)
        else
          env["PATH_INFO"] = uri.dup unless env["PATH_INFO"] == uri
          env["QUERY_STRING"] = String.new unless env["QUERY_STRING"] == ""
        end
      end

      # Returns the path and the query of a request target (RFC 9112, section 3.2).
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

      # Returns path and query as rules of lighttpd's configuration have rewritten them. REDIRECT_URI has them as they
      # were led to the script, with the percent-encoding. What lighttpd only tidies up (url-normalize, the index of a
      # folder) is no rewriting, nor is a prefix that the recipe takes off or a query that it forgets.
      def rewritten(env, path, query)
        target, script = env.values_at("REDIRECT_URI", "SCRIPT_NAME")
        return [path, query] unless target && lighttpd?(env["SERVER_SOFTWARE"])

        led, _, new_query = without_script(target, script.to_s).partition("?")
        return [path, query] unless led.start_with?(ROOT)

        folder = script.to_s.end_with?(SCRIPT_SUFFIX) ? folder_of(script) : NOWHERE
        new_path = same?(path, led, folder) ? path : below_mount(path, led, folder)
        [new_path, new_path.equal?(path) && (new_query.empty? || decode(new_query) == decode(query)) ? query : new_query]
      end

      # Returns what follows the script's name. An error handler is called by its name alone.
      def without_script(target, script)
        return target unless script.end_with?(SCRIPT_SUFFIX)

        target.start_with?(script) ? target.byteslice(script.bytesize, target.bytesize) : NOWHERE
      end

      def same?(path, led, folder)
        mounts = [folder, NOWHERE, @prefix.path]
        return true if mounts.any? { |mount| mount.bytesize + led.bytesize == path.bytesize && mount + led == path }

        found = segments(path)
        mounts.uniq.any? { |mount| [led, led + INDEX].any? { |end_of_path| segments(mount + end_of_path) == found } }
      end

      # Returns the path below the mount point: the operator's, else the folder of the script if the client's path lies
      # in it.
      def below_mount(path, led, folder)
        return below(led, @prefix.path) ? led : @prefix.path + led unless @prefix.path.empty?

        below(path, folder) ? folder + led : led
      end

      # Returns SCRIPT_NAME and PATH_INFO.
      def mount(path, script_name, path_info, software)
        # Nothing is guessed where the operator has named a prefix: lighttpd's key "/shop" matches /shopping too, and
        # calls that a mount point.
        return below(path, @prefix.path) || [NOWHERE, path] unless @prefix.path.empty?

        # "//evil" names a host in links.
        script_name = script_name.gsub(SLASHES, ROOT) if script_name&.include?("//")
        return [NOWHERE, path] if script_name.nil? || !script_name.start_with?(ROOT) || script_name == ROOT

        if script_name.end_with?(SCRIPT_SUFFIX)
          # A rewrite or an error handler led here. The script exists in the web server's configuration alone; its
          # folder is the mount point.
          below(path, folder_of(script_name)) || [NOWHERE, path]
        elsif lighttpd?(software)
          # It calls the key and the rest of its segment SCRIPT_NAME: for the key "/" the first segment of every path,
          # which looks no different from the key "/shop" (1.4.69). Where the application is mounted like that,
          # url_prefix has to say so.
          [NOWHERE, path]
        else
          matching(path, script_name, path_info) || [NOWHERE, path]
        end
      end

      def lighttpd?(software)
        software&.start_with?(LIGHTTPD)
      end

      # Returns the mount point of a server that names it, if PATH_INFO is the rest of the path. Both are decoded, and
      # many servers have merged slashes and followed dots before. An empty PATH_INFO proves nothing: servers that know
      # no scripts put the whole path into SCRIPT_NAME, and then nothing is mounted anywhere.
      def matching(path, script_name, path_info)
        return nil if path_info.nil? || !path_info.start_with?(ROOT)

        script, rest = below(path, script_name.gsub(ESCAPED) { |byte| Kernel.format("%%%02X", byte.ord) })
        [script, rest] if script && segments(rest) == segments(path_info, decoded: true)
      end

      # Returns the prefix and what follows it in a path that leads below the prefix, in whatever way it is written;
      # else nil.
      def below(path, prefix)
        if path.start_with?(prefix)
          rest = path.byteslice(prefix.bytesize, path.bytesize)
          return [prefix, rest] if rest.empty? || rest.start_with?(ROOT)
        end
        return nil unless path.match?(UNTIDY)

        length = length_of(path, segments(prefix))
        [prefix, path.byteslice(length, path.bytesize)] if length
      end

      # Returns how many bytes of a path come to these segments: /shop, //shop, /%73hop and /x/../shop are one.
      def length_of(path, wanted)
        found = []
        stop = 0
        while stop < path.bytesize
          start = stop + 1
          stop = path.index(ROOT, start) || path.bytesize
          follow(found, decode(path.byteslice(start, stop - start)))
          return stop if found == wanted
        end
        nil
      end

      def segments(path, decoded: false)
        path = decode(path) unless decoded
        path.split(ROOT).each_with_object([]) { |segment, found| follow(found, segment) }
      end

      def follow(found, segment)
        case segment
        when "", "." then found
        when ".." then found.pop
        else found << segment
        end
      end

      def folder_of(script_name)
        script_name.byteslice(0, script_name.rindex(ROOT) || 0)
      end

      # Makes a REQUEST_URI for a web server that sends none. It has decoded the path, so the path is encoded again.
      def synthesize(env)
        script_name = env["SCRIPT_NAME"].to_s
        script_name = folder_of(script_name) if script_name.end_with?(SCRIPT_SUFFIX)
        path = script_name == ROOT ? env["PATH_INFO"].to_s : script_name + env["PATH_INFO"].to_s
        raise Refusal.new(400, "neither REQUEST_URI nor SCRIPT_NAME nor PATH_INFO") if path.empty? && env["SCRIPT_NAME"].to_s.empty?

        path = path.gsub(ESCAPED) { |byte| Kernel.format("%%%02X", byte.ord) }
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
