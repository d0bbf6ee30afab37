# frozen_string_literal: true

require "socket"

# What agents do that are started by a require: a thread that no worker will have,
# a thread that is marked as safe to lose, a TCP connection and a UNIX socket
# that all workers would share.
class Telemetry
  def initialize
    @server = TCPServer.new("127.0.0.1", 0)
    @client = TCPSocket.new("127.0.0.1", @server.addr[1])
    @left, @right = UNIXSocket.pair
    @thread = Thread.new { @right.gets }
    @thread.name = "telemetry"
    @safe = Thread.new { sleep }
    @safe.name = "harmless"
    @safe.thread_variable_set(:fork_safe, true)
  end

  # Threads other than the one that forks are dead in the child.
  def alive?
    @thread.alive?
  end
end
