# frozen_string_literal: true

# A worker's responder without a supervisor, for inputs by the million: ruby -Iscripts responder.rb SOCKET serves one connection
# after the other, and ends with status 3 as soon as it does what it must not: log a failure of its own, leave a connection
# open, return that it cannot be trusted any more, or give the application an environment that is none.
require "socket"
require "rack"
require "fastcgi/responder"

PreforkLauncher::FastCGI.require_libraries

# What a responder may log of a peer's faults.
class Log
  EXPECTED = /\Alauncher: (?:closed a FastCGI connection: |refused a FastCGI request with 4\d\d: )[[:print:]]*\n\z/.freeze

  def write(text)
    fault("it has logged: #{text}") unless EXPECTED.match?(text)
  end

  def flush; end

  def fault(text)
    warn text, caller.first(20)
    exit!(3)
  end
end

# Reads what it is given, and returns a part of it in one of the forms that a body can have.
class Application
  TYPE = { "content-type" => "text/plain" }.freeze

  def call(env)
    path = env["PATH_INFO"]
    text = "#{env["REQUEST_METHOD"]} #{path} #{env["rack.input"].read.bytesize}"
    case path.bytesize % 64
    when 29 then [200, TYPE.dup, File.open(__FILE__)]
    when 30 then [200, TYPE.dup, [text, LONG, text, LONG]]
    when 31 then [200, TYPE.dup, [text, LONG, text, LONG].each]
    else short(path, text)
    end
  end

  def short(path, text)
    case path.bytesize % 4
    when 0 then [200, TEXT_LENGTH.call(text), [text]]
    when 1 then [200, TYPE.dup, [text.byteslice(0, 3), text.byteslice(3, text.bytesize)].each]
    else [200, TYPE.dup, [text]]
    end
  end

  LONG = ("x" * 150_000).freeze

  TEXT_LENGTH = ->(text) { TYPE.merge("content-length" => text.bytesize.to_s) }
end

LOG = Log.new
LIMITS = PreforkLauncher::FastCGI::Limits.new(drain_seconds: 0.01, memory_bytes: 200, head_seconds: 30, body_seconds: 30, write_seconds: 30)
# Rack::Lint wants an authority in HTTP_HOST, which is the client's: web servers refuse others.
lint = Rack::Lint.new(Application.new)
checked = ->(env) { lint.call(env.merge("HTTP_HOST" => "localhost")) }
responder = PreforkLauncher::FastCGI::Responder.new(checked, errors: LOG, limits: LIMITS)
server = UNIXServer.new(ARGV.fetch(0))
server.listen(64)
puts "ready"
$stdout.flush
Thread.new do
  $stdin.read
  exit!(0) # the test is over
end
loop do
  socket = server.accept
  trusted = responder.serve(socket)
  LOG.fault("it is not to be trusted any more") unless trusted
  LOG.fault("it has left a connection open") unless socket.closed?
end
