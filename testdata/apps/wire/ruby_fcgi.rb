# frozen_string_literal: true

# The application by ruby-fcgi, the C extension of Debian's package: ruby ruby_fcgi.rb SOCKET WORKERS
# It has what a Rack application needs of an adapter, and nothing else.

require "fcgi"
require "io/nonblock"
require "socket"
require "stringio"
require_relative "wire"

abort("ruby-fcgi is here without its C extension") if FCGI.method(:each).source_location

CONSTANTS = { "rack.version" => [1, 3], "rack.errors" => $stderr, "rack.url_scheme" => "http", "rack.multithread" => false,
              "rack.multiprocess" => true, "rack.run_once" => false }.freeze

def serve(app, request)
  env = request.env.update(CONSTANTS)
  length = env["CONTENT_LENGTH"].to_i
  env["rack.input"] = StringIO.new(length.positive? ? request.in.read(length).to_s : +"")
  status, headers, body = app.call(env)
  out = request.out
  out << "Status: #{status}\r\n#{headers.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n"
  body.each { |part| out << part }
rescue FCGI::Stream::Error
  nil # the peer has left
ensure
  request.finish
end

socket, workers = ARGV
app = Wire.new
server = UNIXServer.new(socket)
server.listen(1024)
server.nonblock = false # two processes wait for the same connection, and the library takes an accept without one for its end
pids = Array.new(workers.to_i) do
  Process.fork do
    STDIN.reopen(server) # where the library looks for it
    FCGI.each { |request| serve(app, request) }
  end
end
begin
  Signal.trap("TERM") { exit }
  Process.wait
ensure
  pids.each do |pid|
    Process.kill("KILL", pid)
  rescue Errno::ESRCH
    nil # it is the one that was waited for
  end
end
abort("a worker ended")
