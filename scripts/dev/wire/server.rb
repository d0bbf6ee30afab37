# frozen_string_literal: true

require "open3"
require "socket"
require_relative "child"
require_relative "../measured_launch"

module BenchWire
  # What all servers are told: folders, and how many workers each has.
  Setting = Struct.new(:folder, :bodies, :workers, keyword_init: true)

  # A server under measurement: behind lighttpd, by FastCGI or HTTP, or alone.
  class Server
    APP = File.join(HERE, "testdata/apps/wire")
    READY = 120 # seconds
    SETTLED = 0.5 # seconds
    ATTEMPTS = 120

    # The server cannot be had here.
    class Missing < StandardError; end

    # Where it is asked: a port of lighttpd's or its own.
    attr_accessor :port
    attr_reader :name

    def self.program(name)
      folders = ENV.fetch("PATH", "").split(File::PATH_SEPARATOR) + %w[/usr/sbin]
      found = folders.map { |folder| File.join(folder, name) }.find { |file| File.file?(file) && File.executable?(file) }
      found || raise(Missing, "no program #{name}")
    end

    # What the program says first, or the version of Debian's package.
    def self.version(*command)
      Open3.capture2e(*command).first[/\d+\.\d[\w.+~-]*/]
    rescue SystemCallError
      nil
    end

    def self.package(name)
      version("dpkg-query", "-W", "-f", "${Version}", name)
    end

    # Raises Missing where a program or a library is not there.
    def initialize(name, setting, alone: false)
      @name = name
      @setting = setting
      @alone = alone
      @folder = Dir.mktmpdir(nil, setting.folder)
      @log = File.join(@folder, "log")
    end

    def alone?
      @alone
    end

    # Whether it can have the file sent that an application names by X-Sendfile.
    def sendfile?
      !@alone
    end

    # What lighttpd needs to know, for a server that is not alone: fastcgi or proxy, and the sockets.
    def protocol
      "proxy"
    end

    def sockets
      [File.join(@folder, "socket")]
    end

    def start
      @child = Child.new(command, log: @log, env: environment, chdir: app)
      @child.await(READY, @name) { up? }
    end

    def stop
      @child&.stop(stop_signal)
    end

    # The pids of the processes that serve.
    def workers
      processes.drop(1)
    end

    # The pids of all that belong to it.
    def processes
      Launch.pids(@child.pid)
    end

    # Waits until no process has begun or ended for a moment. A launcher has its workers replaced after their first requests.
    def settle
      before = nil
      ATTEMPTS.times do
        return if before == (before = processes.sort) && workers.size == @setting.workers

        sleep SETTLED
      end
    end

    def tail
      @child ? @child.tail : ""
    end

    private

    # The application's folder.
    def app
      APP
    end

    def environment
      { "WIRE_FILES" => @setting.bodies, "RACK_ENV" => nil, "RAILS_ENV" => nil, "RUBYOPT" => nil }
    end

    def stop_signal
      "TERM"
    end

    def up?
      workers.size == @setting.workers && connected?
    end

    def connected?
      (@alone ? TCPSocket.new("127.0.0.1", @port) : UNIXSocket.new(sockets.first)).close
      true
    rescue SystemCallError
      false
    end

    def write(name, text)
      File.join(@folder, name).tap { |path| File.write(path, text) }
    end
  end
end
