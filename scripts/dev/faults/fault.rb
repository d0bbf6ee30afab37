# frozen_string_literal: true

require "fileutils"
require "open3"

module Faults
  # What can go wrong, or is asked for, one at a time, once the one before has settled. Each leaves the server as it was found, and
  # returns what was done, for the log.
  class Fault
    # By name: the method.
    KINDS = {
      "worker SIGKILL" => :kill_worker, "worker SIGSEGV" => :crash_worker, "worker SIGSTOP" => :stop_worker,
      "preloader SIGKILL" => :kill_preloader, "restart" => :restart, "release that does not load" => :restart_not_loading,
      "release that answers 500" => :restart_refusing, "scale up" => :scale_up, "scale down" => :scale_down, "recycle" => :recycle,
      "log rotation" => :rotate, "disk full" => :fill_disk, "no descriptors" => :exhaust_descriptors, "sockets deleted" => :delete_sockets
    }.freeze
    WITHOUT_ROOM = 1.0 # second, with a full disk or without descriptors
    SLOTS_MIN = 2

    # In which a worker dies, which can have one request in hand.
    DEADLY = ["worker SIGKILL", "worker SIGSEGV", "disk full", "no descriptors"].freeze
    # What can be done to every server.
    OF_ALL = ["restart", "worker SIGKILL"].freeze

    class Impossible < StandardError; end

    def initialize(server, blog, random, disk:)
      @server = server
      @blog = blog
      @random = random
      @disk = disk
    end

    # The kinds that can be had here.
    def kinds
      return OF_ALL unless @server.is_a?(Launcher)

      @disk ? KINDS.keys : KINDS.keys - ["disk full"]
    end

    def run(kind)
      said = send(KINDS.fetch(kind))
      @server.settle
      said
    end

    private

    def kill_worker
      end_worker("KILL")
    end

    def crash_worker
      end_worker("SEGV")
    end

    # A worker that is asked to leave, as a monitor does that finds it too large.
    def recycle
      end_worker("TERM")
    end

    def end_worker(signal)
      signal_worker(signal) do |pid|
        @server.await_without(pid)
      end
    end

    # In a request. The launcher continues it after some seconds; one that nobody asks may be stopped for as long as anybody likes.
    def stop_worker
      @server.await("busy when it was stopped") { @server.busy_pids.any? { |pid| stops_in_request?(pid) } }
      pid = @stopped
      @server.await("running again") { Launch.stat(pid).first != "T" }
      "worker #{pid}"
    end

    def stops_in_request?(pid)
      Process.kill("STOP", pid)
      @server.await("stopped") { [nil, "T"].include?(Launch.stat(pid).first) }
      @stopped = pid
      return true if @server.busy_pids.include?(pid)

      Process.kill("CONT", pid)
      false
    rescue Errno::ESRCH
      false
    end

    def signal_worker(signal, pid = a_worker)
      Process.kill(signal, pid)
      yield pid if block_given?
      "worker #{pid}"
    rescue Errno::ESRCH
      "worker #{pid} has left meanwhile"
    end

    def a_worker
      @server.worker_pids.sample(random: @random)
    end

    def kill_preloader
      pid = @server.preloader_pids.sample(random: @random)
      return "none is there" unless pid

      Process.kill("KILL", pid)
      @server.await("loaded anew") { |found| found.fetch("generations").any? { |one| ready_preloader?(one, pid) } }
      "preloader #{pid}"
    rescue Errno::ESRCH
      "preloader #{pid} has left meanwhile"
    end

    def ready_preloader?(generation, old)
      generation.fetch("preloaders").any? { |one| one.fetch("state") == "ready" && one.fetch("pid") != old }
    end

    def restart
      @blog.release
      @server.restart
    end

    def restart_not_loading
      refused { @blog.release_not_loading }
    end

    def restart_refusing
      refused { @blog.release_refusing }
    end

    def refused
      before = @server.generation
      yield
      @server.signal("HUP")
      @server.await_refusal(before)
      restart
    end

    def scale_up
      scale("TTIN", @server.slots + 1) { |slots| slots <= @server.sockets.size }
    end

    def scale_down
      scale("TTOU", @server.slots - 1) { |slots| slots >= SLOTS_MIN }
    end

    def scale(signal, slots)
      return "it has #{@server.slots} slots" unless yield slots

      @server.signal(signal)
      @server.await("scaled") { |found| found.fetch("slots").size == slots }
      "#{slots} slots"
    end

    # Moves the application's log and the launcher's away, and has them opened anew.
    def rotate
      files = [File.join(@blog.log, "production.log"), @server.log_file]
      files.each { |file| File.rename(file, "#{file}.1") if File.exist?(file) }
      @server.signal("USR1")
      @server.await("writing its logs anew") { files.all? { |file| File.exist?(file) } }
      "#{files.size} files"
    end

    # Both logs have no room for a moment, in which a worker dies.
    def fill_disk
      @disk.fill
      signal_worker("KILL")
      sleep WITHOUT_ROOM
      @disk.folder
    ensure
      @disk.clear
    end

    # The launcher can open no more, while a worker dies. So it may take no connection that asks which ones there are.
    def exhaust_descriptors
      pid = a_worker
      before = limit
      open = Dir.children("/proc/#{@server.pid}/fd").size
      limit("#{open}:#{before.last}")
      said = signal_worker("KILL", pid)
      sleep WITHOUT_ROOM
      "#{open} of them, #{said}"
    ensure
      limit(before.join(":")) if before
    end

    def limit(value = nil)
      said, status = Open3.capture2e("prlimit", "--noheadings", "--output", "SOFT,HARD", "--pid", @server.pid.to_s,
                                     "--nofile#{"=#{value}" if value}")
      raise Impossible, "prlimit: #{said}" unless status.success?

      said.split
    end

    # Some of them, as a web server that finds none has nowhere to send a request to.
    def delete_sockets
      sockets = @server.sockets.select { |path| socket?(path) }
      sockets = sockets.sample(@random.rand(1...sockets.size), random: @random)
      FileUtils.rm_f(sockets)
      @server.await("listening anew") { sockets.all? { |path| socket?(path) } }
      "#{sockets.size} of them"
    end

    # Whether a slot's own is there: one that was taken away has a link to another one.
    def socket?(path)
      File.ftype(path) == "socket"
    rescue SystemCallError
      false
    end
  end
end
