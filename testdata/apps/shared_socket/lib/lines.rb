# frozen_string_literal: true

require "socket"

# A client of a server that answers each line with a line, as clients of caches and
# queues are: connected from the start, one question after the other.
class Lines
  def initialize(address)
    @host, @port = address.split(":")
    connect
  end

  def ask(line)
    @socket.puts(line)
    @socket.gets.chomp
  end

  def reconnect
    @socket.close
    connect
  end

  private

  def connect
    @socket = TCPSocket.new(@host, @port)
  end
end
