# frozen_string_literal: true

require_relative "error"

module LauncherRuby
  # The launcher's command line for what Rack and Rails tell a handler.
  class CommandLine
    # What rackup and "rails server" tell handlers of themselves, or mean for others: none of it is an option of the launcher's.
    FOREIGN = %i[AccessLog DoNotReverseLookup Host Port app builder caching config daemonize debug early_hints environment
                 heapfile include log_stdout pid profile_file profile_mode quiet require restart_cmd server user_supplied_options
                 warn workers].freeze
    LOG = "log/launcher.log"

    # options are the handler's, root is the folder that the application was loaded in, environment that of the launcher.
    def initialize(options, root:, environment:)
      @options = options
      @root = root
      @environment = environment
    end

    def to_a
      check
      workers + http + rackup + pid_file + log + given
    end

    private

    # Refuses what only the application in this process has, for the workers load it once more.
    def check
      unless @options[:config] && !@options[:app]
        raise Error.new("the launcher loads the application from a file, and here it is an object alone",
                        "write a config.ru that runs it, and start with: rackup -s launcher")
      end
      if @options[:builder]
        raise Error.new("--builder has no file that the launcher could load",
                        "write the line to a file, and name it: rackup -s launcher FILE")
      end
      return if Array(@options[:require]).empty?

      raise Error.new("--require loads #{Array(@options[:require]).join(", ")} in this process alone", "require it in #{@options[:config]}")
    end

    # One worker could not serve a page and what the page asks for at once.
    def workers
      named = @options[:workers]
      return [named.to_s] unless named.nil?
      return [] unless @environment["WEB_CONCURRENCY"].to_s.strip.empty?

      [development? ? "2" : "auto"]
    end

    def development?
      (@environment["RAILS_ENV"] || @environment["RACK_ENV"]) == "development"
    end

    def http
      option?("http") ? [] : ["--http", address]
    end

    # Puma takes a URL as the host, so people write one.
    def address
      host, port = @options[:Host].to_s, @options[:Port].to_s
      return "unix:#{host[%r{\Aunix:(?://)?(.+)\z}, 1]}" if host.match?(/\Aunix:./)

      host = host.delete_prefix("tcp://").delete_prefix("http://").chomp("/")
      if host.include?("://")
        raise Error.new("the launcher cannot listen at #{host}",
                        "an address (127.0.0.1, ::1), or unix:///path/of/a.socket; for TLS: launcher --http, --tls-cert")
      end
      return host if host.match?(/\A(?:[^:]*|\[.*\]):\d+\z/) # which has its port

      host = "[#{host}]" if host.count(":") > 1 && !host.start_with?("[")
      "#{host}:#{port}"
    end

    # A path below the root, so that a release that a link leads to later has a file of its own.
    def rackup
      file = File.expand_path(@options[:config], @root)
      below = file.delete_prefix("#{@root.chomp("/")}/")
      below == "config.ru" || option?("rackup") ? [] : ["--rackup", below]
    end

    # Rack has written the file with this pid, and would have removed it at the end, which this process does not come to.
    def pid_file
      @options[:pid] && !option?("pid-file") ? ["--pid-file", @options[:pid]] : []
    end

    # In the background standard error leads to nowhere, unless it was kept on purpose.
    def log
      return [] if @options[:daemonize] != true || option?("log-file") || !@environment["LAUNCHER_LOG_FILE"].to_s.empty?

      ["--log-file", LOG]
    end

    # What "rackup -O name=value" has. Rails has no such option, and may tell handlers more in another version.
    def given
      return [] if @options.key?(:user_supplied_options)

      @options.reject { |name, value| FOREIGN.include?(name) || value.nil? }.map do |name, value|
        option = "--#{name.to_s.tr("_", "-")}"
        value == true ? option : "#{option}=#{value}"
      end
    end

    def option?(name)
      [name.to_sym, name.tr("-", "_").to_sym].any? { |key| @options.key?(key) } && !@options.key?(:user_supplied_options)
    end
  end
end
