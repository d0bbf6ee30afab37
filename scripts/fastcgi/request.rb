# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # A complete request, with its body in the environment.
    class Request
      SENDFILE = "LAUNCHER_SENDFILE"
      private_constant :SENDFILE

      # The path comes without the query, which may hold secrets: it is for logs, titles and the scoreboard.
      attr_reader :id, :env, :request_method, :path

      def initialize(id, keep, env)
        @id = id
        @keep = keep
        @env = env
        # Kept here, because middleware rewrites its environment.
        @request_method = env["REQUEST_METHOD"]
        @path = env["REQUEST_PATH"].dup
        @ranged = !env["HTTP_RANGE"].nil?
        @resolve_files = !env.delete(SENDFILE).nil?
      end

      # Whether the peer wants the connection kept (FCGI_KEEP_CONN).
      def keep?
        @keep
      end

      def head?
        request_method == "HEAD"
      end

      # Whether links in names of files are to be followed: the web server compares the names that it is to send with
      # those of folders, links followed, and decodes them before. The launcher's configuration of lighttpd sets it.
      def resolve_files?
        @resolve_files
      end

      # Whether the client wants a part.
      def ranged?
        @ranged
      end

      def to_s
        "#{request_method} #{path}"
      end
    end
  end
end
