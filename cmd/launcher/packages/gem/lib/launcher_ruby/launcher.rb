# frozen_string_literal: true

require "fileutils"
require_relative "command_line"
require_relative "environment"
require_relative "program"

module LauncherRuby
  # What Rack calls to serve an application. This process becomes the launcher, which loads the application once more, from
  # its file: the object that Rack has made cannot go with it, and neither can the threads and connections of this process.
  module Launcher
    # Becomes the launcher. Rack 2.0 and 2.1 hand the options as a hash, the later ones as keywords.
    def self.run(_app, options = {}, **keywords)
      start(options.merge(keywords))
    rescue Error => error
      abort error.message
    end

    # Describes the options for "rackup -s launcher --help".
    def self.valid_options
      {
        "Host=HOST" => "Address to listen on (default: localhost)",
        "Port=PORT" => "Port to listen on (default: 9292)",
        "workers=NUM" => "Number of workers (default: WEB_CONCURRENCY, else auto, in development 2)",
        "NAME=VALUE" => "Any option of launcher NUM (launcher help), such as max-private=20MB"
      }
    end

    def self.start(options)
      root = root_of(options)
      Dir.chdir(root)
      environment = Environment.new(root, variables(options))
      arguments = CommandLine.new(options, root: root, environment: environment.to_h).to_a
      FileUtils.mkdir_p(File.join(root, "log")) if arguments.include?(CommandLine::LOG)
      Program.new.become(arguments, environment, close_others: true, **systemd_sockets)
    end
    private_class_method :start

    # The folder that the application was loaded in. Rack 2 leaves it when it goes into the background.
    def self.root_of(options)
      return Dir.pwd unless options[:daemonize] && Dir.pwd == "/"
      return ::Rails.root.to_s if defined?(::Rails.root) && ::Rails.root

      folder, file = ENV["PWD"].to_s, options[:config].to_s
      file.start_with?("#{folder.chomp("/")}/") ? folder : File.dirname(File.expand_path(file))
    end
    private_class_method :root_of

    # The environments that the application was loaded with, and the folders of "rackup --include".
    def self.variables(options)
      variables = Environment::ENVIRONMENTS.map { |name| [name, ENV[name]] }.to_h.compact
      variables["RACK_ENV"] = options[:environment].to_s if variables.empty? && options[:environment]
      folders = Array(options[:include]).map { |folder| File.expand_path(folder) }
      variables["RUBYLIB"] = [*folders, *ENV["RUBYLIB"]].join(File::PATH_SEPARATOR) unless folders.empty?
      variables
    end
    private_class_method :variables

    # What libraries in C have opened is closed; the sockets that systemd has bound are not.
    def self.systemd_sockets
      return {} unless ENV["LISTEN_PID"] == Process.pid.to_s

      Array.new(ENV["LISTEN_FDS"].to_i) { |index| [index + 3, index + 3] }.to_h
    end
    private_class_method :systemd_sockets
  end
end
