# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # A complete request: its body is here, and nothing of it is left to be waited for.
    class Request
      SENDFILE = "LAUNCHER_SENDFILE"
      private_constant :SENDFILE

      # The path comes without the query, which may hold secrets: it is for logs, titles and the scoreboard.
      attr_reader :id, :env, :input, :request_method, :path

      def initialize(id, keep, env, input)
        @id = id
        @keep = keep
        @env = env
        @input = input
        # Kept here, because middleware rewrites its environment.
        @request_method = env["REQUEST_METHOD"]
        @path = env["REQUEST_PATH"].dup
        @ranged = env.key?("HTTP_RANGE")
        @resolve_files = !env.delete(SENDFILE).nil?
      end

      # The peer asked for the connection to be kept (FCGI_KEEP_CONN).
      def keep?
        @keep
      end

      def head?
        request_method == "HEAD"
      end

      # The web server compares the names of files that it is to send with those of folders, links followed, and decodes them before.
      # The launcher's configuration of lighttpd says so.
      def resolve_files?
        @resolve_files
      end

      # A part was asked for.
      def ranged?
        @ranged
      end

      def to_s
        "#{request_method} #{path}"
      end
    end
  end
end
