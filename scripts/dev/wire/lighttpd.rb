# frozen_string_literal: true

require_relative "server"

module BenchWire
  # One lighttpd in front of all servers, each at a port of its own. It hands on every request, as lighttpd.Pass of the experiment does.
  # Without ranges all responses of a kind have the same length: the header Accept-Ranges comes and goes with what has arrived.
  class Lighttpd
    READY = 30 # seconds
    TRIES = 10

    attr_reader :pid

    def self.version
      "lighttpd #{Server.version(Server.program('lighttpd'), '-v')}"
    end

    # Ports that nobody listens at right now.
    def self.free_ports(count)
      listeners = Array.new(count) { TCPServer.new("127.0.0.1", 0) }
      listeners.map { |listener| listener.addr[1] }
    ensure
      listeners&.each(&:close)
    end

    def initialize(setting)
      @program = Server.program("lighttpd")
      @bodies = setting.bodies
      @folder = Dir.mktmpdir("lighttpd", setting.folder)
      Dir.mkdir(@uploads = File.join(@folder, "uploads"))
    end

    # Gives each server its port, and serves. A port may be taken by others between its choice and the bind.
    def start(servers)
      bound = (1..TRIES).any? { |n| try(n, servers) }
      raise Child::Failed, "lighttpd found no free port" unless bound
    end

    def pids
      [@child.pid]
    end

    def stop
      @child&.stop("TERM")
    end

    private

    # Returns whether it serves; false where a port was taken.
    def try(number, servers)
      own, *ports = Lighttpd.free_ports(servers.size + 1)
      servers.zip(ports) { |server, port| server.port = port }
      File.write(config = File.join(@folder, "lighttpd.conf"), text(own, servers))
      @child = Child.new([@program, "-D", "-f", config], log: File.join(@folder, "log#{number}"))
      @child.await(READY, "lighttpd") { @child.tail.include?("server started") }
      true
    rescue Child::Failed
      raise unless @child.tail.include?("Address already in use")
    end

    def text(port, servers)
      <<~CONFIG + servers.reject(&:alone?).map { |server| site(server) }.join
        server.bind = "127.0.0.1"
        server.port = #{port}
        server.document-root = "/var/empty"
        server.upload-dirs = ( "#{@uploads}" )
        server.max-keep-alive-requests = 65535
        server.max-keep-alive-idle = 120
        server.range-requests = "disable"
        server.stream-request-body = 0
        server.stream-response-body = 1
        server.modules = ( "mod_fastcgi", "mod_proxy" )
        fastcgi.balance = "least-connection"
        proxy.balance = "least-connection"
      CONFIG
    end

    def site(server)
      options = %("check-local" => "disable", "x-sendfile" => "enable", "x-sendfile-docroot" => ( "#{@bodies}" ))
      options += ', "fix-root-scriptname" => "enable"' if server.protocol == "fastcgi"
      backends = server.sockets.map.with_index { |socket, n| %("w#{n}" => ( "socket" => "#{socket}", #{options} )) }
      %($SERVER["socket"] == "127.0.0.1:#{server.port}" {\n  #{server.protocol}.server = ( "/" => ( #{backends.join(', ')} ) )\n}\n)
    end
  end
end
