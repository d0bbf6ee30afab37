# frozen_string_literal: true

require_relative "server"

module BenchWire
  # libfcgi's responder in C: what the others are measured by.
  class CResponder < Server
    SOURCE = File.join(APP, "responder.c")

    def self.version
      "libfcgi #{Server.package('libfcgi-dev')}, gcc #{Server.version('gcc', '--version')}"
    end

    def initialize(name, setting)
      super
      @program = File.join(@folder, "responder")
      said, status = Open3.capture2e(Server.program("gcc"), "-O2", "-Wall", "-o", @program, SOURCE, "-lfcgi")
      raise Missing, "gcc: #{said.lines.grep(/error/).first.to_s.strip}" unless status.success?
    end

    def protocol
      "fastcgi"
    end

    private

    def command
      [@program, sockets.first, @setting.workers.to_s, @setting.bodies]
    end
  end

  # ruby-fcgi with its C extension, and forked workers. Debian 12 has an extension that cannot be loaded with its Ruby; with what it
  # lacks it can.
  class RubyFcgi < Server
    SOURCE = File.join(APP, "ruby_fcgi.rb")
    LACKING = File.join(APP, "ruby_fcgi.c")
    EXTENSION = 'require "fcgi"; exit(FCGI.method(:each).source_location.nil?)'

    def self.version
      "ruby-fcgi #{Server.package('ruby-fcgi')}"
    end

    def initialize(name, setting)
      super
      @loaded = {}
      return if extension?

      library = File.join(@folder, "lacking.so")
      Open3.capture2e(Server.program("gcc"), "-shared", "-fPIC", "-o", library, LACKING)
      @loaded = { "LD_PRELOAD" => library }
      raise Missing, @said.empty? ? "ruby-fcgi has no C extension" : @said.lines.last.strip unless extension?
    end

    def protocol
      "fastcgi"
    end

    private

    def extension?
      @said, status = Open3.capture2e(@loaded, RbConfig.ruby, "-W0", "-e", EXTENSION)
      status.success?
    end

    def environment
      super.merge(@loaded)
    end

    def command
      [RbConfig.ruby, "-W0", SOURCE, sockets.first, @setting.workers.to_s]
    end
  end

  # Unicorn with a preloaded application.
  class Unicorn < Server
    def self.version
      "Unicorn #{Server.version('unicorn', '--version')}"
    end

    def initialize(name, setting, alone: false)
      super
      @program = Server.program("unicorn")
    end

    private

    def command
      config = write("unicorn.rb", "preload_app true\nworker_processes #{@setting.workers}\n")
      [@program, "-c", config, "-E", "none", "-N", "-l", @alone ? "127.0.0.1:#{@port}" : sockets.first, File.join(APP, "config.ru")]
    end

    # TERM would cut requests off.
    def stop_signal
      "QUIT"
    end
  end

  # A cluster of Puma with a preloaded application and one thread a worker.
  class Puma < Server
    def self.version
      "Puma #{Server.version('puma', '--version')}"
    end

    def initialize(name, setting, alone: false)
      super
      @program = Server.program("puma")
    end

    private

    def command
      config = write("puma.rb", "preload_app!\nsilence_single_worker_warning\n")
      bind = @alone ? "tcp://127.0.0.1:#{@port}" : "unix://#{sockets.first}"
      [@program, "-C", config, "-w", @setting.workers.to_s, "-t", "1:1", "-e", "production", "-b", bind, File.join(APP, "config.ru")]
    end
  end

  # A launcher as it was built, with further options, or its embedded front.
  class Launcher < Server
    WORKER = /\Alauncher worker slot=/n.freeze

    def self.version(file)
      Open3.capture2e(file, "version").first.lines.first.to_s.strip
    end

    def initialize(name, setting, file:, options: [], alone: false)
      super(name, setting, alone: alone)
      @file = file
      @options = options
    end

    def sendfile?
      true
    end

    def protocol
      "fastcgi"
    end

    def sockets
      Array.new(@setting.workers) { |slot| File.join(@folder, "fastcgi.socket-#{slot}") }
    end

    def workers
      processes.select { |pid| WORKER.match?(title(pid)) }
    end

    private

    # Nothing that is set outside changes it; it runs as whoever measures.
    def environment
      super.merge(ENV.keys.grep(/\ALAUNCHER_/).to_h { |name| [name, nil] }, "LAUNCHER_ALLOW_ROOT" => "1")
    end

    def command
      front = @alone ? ["--http", "127.0.0.1:#{@port}", "--sendfile-dir", @setting.bodies] : []
      [@file, "--root", APP, "--socket-dir", @folder, *front, *@options, @setting.workers.to_s]
    end

    def up?
      File.read(@log).match?(Launch::READY_LINE)
    end

    def title(pid)
      File.binread("/proc/#{pid}/cmdline")
    rescue SystemCallError
      "" # it has ended meanwhile
    end
  end
end
