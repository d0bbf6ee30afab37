# frozen_string_literal: true

require "socket"
require "timeout"

# The other side of the wire, for tests: writes records, well-formed or not, and reads what a responder returns. Written
# against the specification and not with the responder's own code, so that one mistake is not made on both sides.
class FastCGIClient
  BEGIN_REQUEST = 1
  ABORT_REQUEST = 2
  END_REQUEST = 3
  PARAMS = 4
  STDIN = 5
  STDOUT = 6
  STDERR = 7
  DATA = 8
  GET_VALUES = 9
  GET_VALUES_RESULT = 10
  UNKNOWN_TYPE = 11

  Record = Struct.new(:type, :id, :content) do
    def protocol_status
      content.getbyte(4)
    end
  end

  # complete says whether END_REQUEST came.
  Reply = Struct.new(:head, :body, :protocol_status, :complete, :records) do
    def status
      head[/\AStatus: (\d+)/, 1].to_i
    end

    def headers
      head.lines.drop(1).map { |line| line.chomp.split(": ", 2) }
    end

    def header(name)
      headers.select { |key, _| key.casecmp?(name) }.map(&:last)
    end
  end

  # Bytes.
  module Wire
    module_function

    def record(type, content = "", id: 1, padding: 0, version: 1, reserved: 0)
      [version, type, id, content.bytesize, padding, reserved].pack("CCnnCC") + content.b + ("\0" * padding).b
    end

    def begin_request(id: 1, role: 1, flags: 0, **options)
      record(BEGIN_REQUEST, [role, flags].pack("nC") + "\0" * 5, id: id, **options)
    end

    def length(size)
      size < 128 ? [size].pack("C") : [size | 0x8000_0000].pack("N")
    end

    def pair(name, value)
      length(name.bytesize) + length(value.bytesize) + name.b + value.b
    end

    def pairs(params)
      params.map { |name, value| pair(name, value) }.join.b
    end

    def params(params, id: 1)
      bytes = pairs(params)
      stream(PARAMS, bytes, id: id)
    end

    def stream(type, bytes, id: 1)
      records = String.new
      0.step(bytes.bytesize - 1, 65_535) { |offset| records << record(type, bytes.byteslice(offset, 65_535), id: id) }
      records << record(type, "", id: id)
    end

    def request(params, body = "", id: 1, flags: 0)
      begin_request(id: id, flags: flags) + params(params, id: id) + stream(STDIN, body, id: id)
    end
  end

  DEFAULTS = {
    "REQUEST_METHOD" => "GET", "REQUEST_URI" => "/", "SCRIPT_NAME" => "", "PATH_INFO" => "/", "QUERY_STRING" => "",
    "SERVER_NAME" => "localhost", "SERVER_PORT" => "80", "SERVER_PROTOCOL" => "HTTP/1.1", "REQUEST_SCHEME" => "http"
  }.freeze

  # Parameters as lighttpd sends them, for a URI and a body.
  def self.params(uri = "/", body = nil, **more)
    params = DEFAULTS.merge("REQUEST_URI" => uri, "PATH_INFO" => uri[/\A[^?]*/])
    params.update("REQUEST_METHOD" => "POST", "CONTENT_LENGTH" => body.bytesize.to_s) if body
    more.each { |name, value| params[name.to_s] = value }
    params.compact
  end

  attr_reader :socket

  def initialize(socket, seconds: 20)
    @socket = socket
    @seconds = seconds
    @unread = String.new
  end

  def send(bytes)
    @socket.write(bytes)
    self
  end

  def get(uri = "/", id: 1, flags: 0, **more)
    send(Wire.request(self.class.params(uri, **more), id: id, flags: flags))
    reply(id: id)
  end

  def post(uri, body, id: 1, flags: 0, **more)
    send(Wire.request(self.class.params(uri, body, **more), body, id: id, flags: flags))
    reply(id: id)
  end

  # The next record; nil at the end of the stream or after a reset.
  def record
    header = take(8) or return nil
    _version, type, id, length, padding = header.unpack("CCnnC")
    content = take(length + padding) or return nil
    Record.new(type, id, content.byteslice(0, length))
  end

  # Records until END_REQUEST of the request, or the end of the stream.
  def reply(id: 1)
    records = []
    while (one = record)
      records << one
      break if one.type == END_REQUEST && one.id == id
    end
    output = records.select { |each| each.type == STDOUT && each.id == id }.map(&:content).join.b
    head, body = output.split("\r\n\r\n", 2)
    last = records.last
    complete = !last.nil? && last.type == END_REQUEST
    Reply.new(head.to_s, body.to_s, complete ? last.protocol_status : nil, complete, records)
  end

  # The peer closed, and sent nothing more.
  def closed?
    take(1).nil? && @unread.empty?
  end

  def close
    @socket.close unless @socket.closed?
  end

  private

  def take(size)
    while @unread.bytesize < size
      raise Timeout::Error, "the responder sent nothing for #{@seconds} s" unless IO.select([@socket], nil, nil, @seconds)

      begin
        @unread << @socket.readpartial(65_536)
      rescue EOFError, Errno::ECONNRESET
        return nil
      end
    end
    @unread.slice!(0, size)
  end
end
