# frozen_string_literal: true

require "socket"

module BenchWire
  # Sends requests of FastCGI, as they were recorded, to a socket, each on a connection of its own.
  class FastCGIClient
    class Failed < StandardError; end

    BLOCK = 262_144
    STDIN = 5
    STDOUT = 6
    private_constant :STDIN, :STDOUT

    # Yields type and content of each record that is whole.
    def self.each_record(bytes)
      offset = 0
      while offset + 8 <= bytes.bytesize
        _, type, _, length, padding = bytes.byteslice(offset, 8).unpack("CCnnC")
        break if offset + 8 + length + padding > bytes.bytesize

        yield type, bytes.byteslice(offset + 8, length)
        offset += 8 + length + padding
      end
    end

    # Whether a request has come to its end.
    def self.complete?(bytes)
      each_record(bytes) { |type, content| return true if type == STDIN && content.empty? }
      false
    end

    def initialize(path)
      @path = path
    end

    # Makes so many requests on so many connections at a time, and returns how many were made.
    def run(request, count, connections)
      each = (count.to_f / connections).ceil
      threads = Array.new(connections) { Thread.new { each.times { ask(request) } } }
      threads.each(&:value)
      each * connections
    ensure
      threads&.each(&:kill)
    end

    # Makes one request and raises Failed unless the response has this body.
    def check(request, body)
      stdout = +"".b
      FastCGIClient.each_record(ask(request, +"".b)) { |type, content| stdout << content if type == STDOUT }
      head, sent = stdout.split("\r\n\r\n", 2)
      raise Failed, "answered #{head.inspect}" unless head.to_s.match?(/^Status: 200/i)
      raise Failed, "answered another body" unless sent == body
    end

    private

    # Returns the whole answer where there is somewhere to keep it.
    def ask(request, kept = nil)
      socket = UNIXSocket.new(@path)
      socket.write(request)
      buffer = +"".b
      size = 0
      while socket.read(BLOCK, buffer)
        size += buffer.bytesize
        kept << buffer if kept
      end
      raise Failed, "answered nothing" if size.zero?

      kept
    ensure
      socket&.close
    end
  end
end
