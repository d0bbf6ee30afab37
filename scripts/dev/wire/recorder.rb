# frozen_string_literal: true

require_relative "fastcgi_client"
require_relative "lighttpd"

module BenchWire
  # Records what the lighttpd that is installed sends for each kind of request. It is the server behind that lighttpd meanwhile.
  class Recorder
    ANSWER = "Status: 200\r\nContent-Length: 0\r\n\r\n"
    STDOUT = 6
    END_REQUEST = 3
    private_constant :ANSWER, :STDOUT, :END_REQUEST

    attr_accessor :port
    attr_reader :sockets

    def initialize(setting)
      @sockets = [File.join(setting.folder, "recorder")]
      @lighttpd = Lighttpd.new(setting)
    end

    def protocol
      "fastcgi"
    end

    def alone?
      false
    end

    # Returns the bytes of each kind, by its name.
    def record(kinds)
      listener = UNIXServer.new(@sockets.first)
      @lighttpd.start([self])
      kinds.to_h { |kind| [kind.name, record_one(kind, listener)] }
    ensure
      @lighttpd.stop
      listener&.close
    end

    private

    def record_one(kind, listener)
      client = TCPSocket.new("127.0.0.1", @port)
      client.write(kind.request)
      peer = listener.accept
      bytes = +"".b
      bytes << peer.readpartial(FastCGIClient::BLOCK) until FastCGIClient.complete?(bytes)
      peer.write(record_of(STDOUT, ANSWER) + record_of(STDOUT, "") + record_of(END_REQUEST, "\0" * 8))
      client.readpartial(FastCGIClient::BLOCK)
      bytes.freeze
    ensure
      [client, peer].compact.each(&:close)
    end

    def record_of(type, content)
      [1, type, 1, content.bytesize, 0].pack("CCnnCx") + content
    end
  end
end
