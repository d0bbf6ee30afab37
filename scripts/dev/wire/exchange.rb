# frozen_string_literal: true

require "socket"

module BenchWire
  # A request on a connection of its own, and what is wrong with the response, if anything is.
  class Exchange
    class Failed < StandardError; end

    BLOCK = 262_144 # bytes
    PATIENCE = 60 # seconds without a byte
    HEAD_MAX = 16_384
    ERRORS = [Failed, SystemCallError, IOError].freeze

    def initialize(port, kind, folder)
      @port = port
      @kind = kind
      @expected = kind.body_file(folder)
    end

    # Makes the request and reads the response. Returns how many bytes it had, its head among them.
    def make(&block)
      socket = TCPSocket.new("127.0.0.1", @port)
      socket.write(@kind.request)
      head, rest = read_head(socket)
      raise Failed, "status #{head[%r{\AHTTP/1\.[01] (\d+)}, 1] || head[0, 40].inspect}" unless head.match?(%r{\AHTTP/1\.[01] 200 })

      length = head[/^content-length: *(\d+)\r$/i, 1] || raise(Failed, "no Content-Length")
      raise Failed, "#{length} bytes, not #{File.size(@expected)}" unless length.to_i == File.size(@expected)

      read_body(socket, length.to_i, rest, &block)
      head.bytesize + length.to_i
    ensure
      socket&.close
    end

    # The same, and compares the body with what it has to be.
    def check
      File.open(@expected, "rb") do |file|
        make { |part| raise Failed, "another body" unless file.read(part.bytesize) == part }
      end
    end

    private

    def read_head(socket)
      head = +"".b
      until (finish = head.index("\r\n\r\n"))
        raise Failed, "no head" if head.bytesize > HEAD_MAX

        head << read(socket, +"".b)
      end
      [head.byteslice(0, finish + 4), head.byteslice(finish + 4, head.bytesize)]
    end

    def read_body(socket, left, part)
      buffer = +"".b
      until part.bytesize >= left
        yield part if block_given? && !part.empty?
        left -= part.bytesize
        part = read(socket, buffer)
      end
      raise Failed, "more than its length" if part.bytesize > left

      yield part if block_given? && !part.empty?
    end

    def read(socket, buffer)
      part = socket.read_nonblock(BLOCK, buffer, exception: false)
      return part if part.is_a?(String)
      raise Failed, "cut off" if part.nil?
      raise Failed, "nothing for #{PATIENCE} s" unless IO.select([socket], nil, nil, PATIENCE)

      read(socket, buffer)
    end
  end
end
