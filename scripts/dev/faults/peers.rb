# frozen_string_literal: true

require_relative "../wire/servers"

module Faults
  # Another server of the blog, behind the same lighttpd, of whose processes those of its group are known.
  module Peer
    SETTLED = 120 # seconds
    POLL = 0.1

    def initialize(name, setting, blog)
      super(name, setting)
      @blog = blog
    end

    def log_text
      File.exist?(@log) ? File.read(@log) : ""
    end

    def await_without(pid)
      await("rid of worker #{pid}") { worker_pids.none?(pid) }
    end

    # Waits until as many workers are there as should be.
    def settle
      await("settled") { worker_pids.size == @setting.workers && connected? }
    end

    def worker_pids
      group.select { |pid| self.class::WORKER.match?(title(pid)) }
    end

    private

    def await(what)
      deadline = now + SETTLED
      until yield
        raise Launcher::Unsettled, "#{name} is not #{what} after #{SETTLED} s:\n#{log_text.lines.last(20).join}" if now > deadline

        sleep POLL
      end
    end

    # The processes of its session, also after the first one has left.
    def group
      Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select { |pid| of_session?(*Launch.stat(pid)) }
    end

    def of_session?(state = "Z", _parent = nil, _group = nil, session = nil, *)
      state != "Z" && session.to_i == @child.pid
    end

    def up?
      worker_pids.size == @setting.workers && connected?
    end

    def title(pid)
      File.binread("/proc/#{pid}/cmdline").tr("\0", " ")
    rescue SystemCallError
      "" # it has ended meanwhile
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def app
      @blog.root
    end

    def environment
      super.merge("RAILS_ENV" => "production", "RACK_ENV" => "production")
    end
  end

  # Unicorn, which loads a second master beside the first one; its workers take the place of the older ones one at a time.
  class Unicorn < BenchWire::Unicorn
    include Peer

    WORKER = /unicorn worker\[\d+\]/n.freeze
    CONFIG = <<~RUBY
      preload_app true
      before_exec { |_server| %w[RUBYOPT RUBYLIB BUNDLE_GEMFILE].each { |name| ENV.delete(name) } } # Bundler's, of the release before
      before_fork do |server, worker|
        old = "\#{server.config[:pid]}.oldbin"
        if File.exist?(old) && server.pid != old
          begin
            Process.kill(worker.nr + 1 >= server.worker_processes ? :QUIT : :TTOU, File.read(old).to_i)
          rescue Errno::ENOENT, Errno::ESRCH
            nil
          end
        end
      end
    RUBY

    def restart
      before = worker_pids
      Process.kill("USR2", File.read(pid_file).to_i)
      await("restarted") { (worker_pids & before).empty? && worker_pids.size == @setting.workers && !File.exist?("#{pid_file}.oldbin") }
      "master #{File.read(pid_file).to_i}"
    end

    def stop
      Process.kill("QUIT", File.read(pid_file).to_i) if File.exist?(pid_file)
      await("stopped") { group.empty? }
    ensure
      super
    end

    private

    def pid_file
      File.join(@folder, "unicorn.pid")
    end

    def command
      config = write("unicorn.rb", "#{CONFIG}worker_processes #{@setting.workers}\npid #{pid_file.dump}\nworking_directory #{app.dump}\n")
      [@program, "-c", config, "-E", "production", "-l", sockets.first, File.join(app, "config.ru")]
    end
  end

  # Puma, whose workers each load the new release, one after the other.
  class Puma < BenchWire::Puma
    include Peer

    WORKER = /puma: cluster worker \d+:/n.freeze
    BOOTED = /- Worker \d+ \(PID: \d+\) booted/.freeze

    def restart
      seen = log_text.size
      Process.kill("USR1", @child.pid)
      await("restarted") { log_text[seen..].scan(BOOTED).size >= @setting.workers && worker_pids.size == @setting.workers }
      "#{@setting.workers} workers"
    end

    private

    def command
      config = write("puma.rb", "silence_single_worker_warning\ndirectory #{app.dump}\n")
      [@program, "-C", config, "-w", @setting.workers.to_s, "-t", "1:1", "-e", "production",
       "-b", "unix://#{sockets.first}", File.join(app, "config.ru")]
    end
  end

  # Passenger without a web server of its own; its free edition ends the older workers first.
  class Passenger < BenchWire::Server
    include Peer

    WORKER = /Passenger RubyApp: /n.freeze

    def self.version
      "Passenger #{BenchWire::Server.version('passenger', '--version')}"
    end

    def restart
      before = worker_pids
      said, status = Open3.capture2e({ "PASSENGER_INSTANCE_REGISTRY_DIR" => @folder }, "passenger-config", "restart-app", app)
      raise Launcher::Unsettled, "passenger-config: #{said}" unless status.success?

      await("restarted") { (worker_pids & before).empty? && worker_pids.size == @setting.workers }
      "#{@setting.workers} workers"
    end

    private

    # Its parts have sessions of their own.
    def group
      Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select { |pid| title(pid).include?(app) }
    end

    def command
      [BenchWire::Server.program("passenger"), "start", "--engine", "builtin", "--socket", sockets.first, "--environment", "production",
       "--app-type", "rack", "--startup-file", "config.ru", "--spawn-method", "smart", "--min-instances", @setting.workers.to_s,
       "--max-pool-size", @setting.workers.to_s, "--max-preloader-idle-time", "0", "--no-friendly-error-pages", "--disable-turbocaching",
       "--disable-security-update-check", "--disable-anonymous-telemetry", "--instance-registry-dir", @folder,
       "--pid-file", File.join(@folder, "passenger.pid"), "--log-file", @log]
    end
  end
end
