# frozen_string_literal: true

require "rbconfig"
require_relative "environment"
require_relative "error"

module LauncherRuby
  # The launcher's binary in this gem, which this process becomes.
  class Program
    FOLDER = File.expand_path("../../exe", __dir__)

    # Becomes the launcher with these arguments. Descriptors stay, since some may be sockets that systemd has bound.
    def self.become(arguments)
      root = Environment.root_of(arguments, ENV.to_h) || Dir.pwd
      new.become(arguments, Environment.new(root))
    end

    # Returns the platform as RubyGems writes it, whatever the C library: the binary needs none.
    def self.platform(config = RbConfig::CONFIG)
      "#{config["host_cpu"]}-#{config["host_os"][/\A[a-z]+/]}"
    end

    def initialize(folder: FOLDER, platform: Program.platform)
      @folder = folder
      @platform = platform
    end

    # Becomes the launcher: it has this process's pid, and nothing else of Ruby's. More are options of Kernel#exec.
    def become(arguments, environment, **more)
      program = path
      [$stdout, $stderr].each(&:flush) # exec drops what is still in their buffers
      exec(environment.to_h, [program, program], *arguments, unsetenv_others: true, **more)
    rescue SystemCallError => error
      raise Error.new("run #{program}: #{error.message}", "see who may execute it, and whether its disk is mounted with noexec")
    end

    # Returns the path of the binary for this platform.
    def path
      path = File.join(@folder, @platform, "launcher")
      return path if File.file?(path)

      raise Error.new("this gem has no launcher for #{@platform}, but for #{known}", hint)
    end

    private

    def known
      found = Dir.children(@folder).sort.select { |name| File.file?(File.join(@folder, name, "launcher")) }
      found.empty? ? "none: it is the one for platforms without one" : found.join(" and ")
    end

    def hint
      unless @platform.end_with?("-linux")
        return "use another server here, such as Puma (bin/rails server -u puma): the launcher runs on Linux alone"
      end
      return "build the launcher from its sources, with Go: make" unless %w[x86_64 aarch64].include?(@platform[/\A[^-]+/])

      "bundle lock --add-platform #{@platform}, then bundle install, without force_ruby_platform; " \
        "or gem install launcher-ruby --platform #{@platform}"
    end
  end
end
