# frozen_string_literal: true

require "json"
require "rack"
require_relative "bodies"
require_relative "gate"

# A Rack application without a framework: one route for each thing that a server
# has to get right. It runs on Rack 2 and 3, so header names are lower case.
class Hello
  TEXT = "text/plain; charset=utf-8"

  ROUTES = {
    "/" => :index, "/env" => :environment, "/echo" => :echo, "/stream" => :stream,
    "/cookies" => :cookies, "/head" => :head, "/204" => :no_content, "/304" => :not_modified,
    "/raise" => :fail_on_purpose, "/exit" => :leave, "/big" => :big, "/pid" => :pid, "/hang" => :hang
  }.freeze

  def call(env)
    path = env["PATH_INFO"].to_s
    route = ROUTES[path.empty? ? "/" : path]
    return text("not found\n", 404) unless route

    send(route, env, Rack::Utils.parse_query(env["QUERY_STRING"]))
  rescue Gate::Refused => error
    text("#{error.message}\n", 400)
  end

  private

  def text(body, status = 200)
    [status, { "content-type" => TEXT, "content-length" => body.bytesize.to_s }, [body]]
  end

  def index(_env, _query)
    text("hello\n")
  end

  # All of the environment that is plain data: what the server said, and not the
  # objects that it passed.
  def environment(env, _query)
    plain = env.select { |_, value| [String, Integer, TrueClass, FalseClass].include?(value.class) }
    plain = plain.transform_values { |value| value.is_a?(String) ? value.dup.force_encoding("UTF-8").scrub : value }
    json = JSON.pretty_generate(plain.sort.to_h)
    [200, { "content-type" => "application/json" }, [json]]
  end

  # Rack 3 allows a request without a body object.
  def echo(env, _query)
    body = env["rack.input"] ? env["rack.input"].read.to_s : ""
    type = env["CONTENT_TYPE"].to_s
    type = "application/octet-stream" if type.empty?
    [200, { "content-type" => type, "content-length" => body.bytesize.to_s }, [body]]
  end

  # Sends chunk 0, then each further one when the gate "NAME.1", "NAME.2" … opens;
  # without a name it waits for nothing. body=call answers with a body that is
  # called with the stream, which only a server of Rack 3 has to understand.
  def stream(_env, query)
    chunks = query.fetch("chunks", "3").to_i.clamp(1, 1000)
    gates = (1...chunks).map { |n| Gate.new(ENV["HELLO_GATES"], "#{query['gate']}.#{n}") } if query["gate"]
    body = query["body"] == "call" ? CallableBody : EachBody
    [200, { "content-type" => TEXT }, body.new(chunks, gates)]
  end

  # Two cookies: an Array in Rack 3, lines of one String in Rack 2.
  def cookies(_env, _query)
    cookies = ["one=1; path=/", "two=2; path=/; httponly"]
    cookies = cookies.join("\n") if Rack.release.to_i < 3
    [200, { "content-type" => TEXT, "set-cookie" => cookies }, ["cookies\n"]]
  end

  # Answers HEAD like GET, body included: it is the server that must not send it.
  def head(_env, _query)
    text("not for HEAD\n")
  end

  def no_content(_env, _query)
    [204, {}, []]
  end

  def not_modified(_env, _query)
    [304, { "etag" => '"hello"' }, []]
  end

  def fail_on_purpose(_env, _query)
    raise "raised on purpose"
  end

  # exit by default, which is an exception and runs exit handlers; bang=1 for
  # exit!, signal=NAME for a death by signal.
  def leave(_env, query)
    return die_of(query["signal"]) if query["signal"]

    status = query.fetch("status", "1").to_i
    query["bang"] ? exit!(status) : exit(status)
  end

  def die_of(signal)
    return text("unknown signal\n", 400) unless Signal.list.key?(signal)

    Process.kill(signal, Process.pid)
    sleep # the signal ends it, unless it is one that the process handles
  end

  def big(_env, query)
    size = query.fetch("bytes", "1000000").to_i.clamp(0, 256 * 1024 * 1024)
    [200, { "content-type" => "application/octet-stream", "content-length" => size.to_s }, BigBody.new(size)]
  end

  # The first line is the pid alone.
  def pid(_env, _query)
    title = File.read("/proc/self/cmdline").tr("\0", " ").strip
    text("#{Process.pid}\ntitle #{title}\n")
  end

  # Blocks for ever without a gate.
  def hang(_env, query)
    sleep unless query["gate"]
    Gate.new(ENV["HELLO_GATES"], query["gate"]).wait
    text("released\n")
  end
end
