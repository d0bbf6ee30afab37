# frozen_string_literal: true

require "digest"
require "json"
require "rack"
require "securerandom"

# What a Rack application without a framework may do, and rack's own helpers with it.
class Probes
  TEXT = { "content-type" => "text/plain; charset=utf-8" }.freeze
  FILES = File.expand_path("tmp/files", __dir__)
  VERSION = File.read(File.join(__dir__, "version"))

  def call(env)
    request = Rack::Request.new(env)
    name = request.path_info.split("/", 3)[1].to_s
    name = "index" if name.empty?
    return [404, TEXT.dup, ["not found\n"]] unless ROUTES.include?(name)

    send(name, request)
  end

  ROUTES = %w[index env echo upload files download stream raise crash pid cookies session form empty unchanged version].freeze

  private

  def text(body, headers = {})
    [200, TEXT.merge(headers), [body]]
  end

  def json(fields)
    [200, { "content-type" => "application/json" }, [JSON.generate(fields)]]
  end

  def index(_request)
    text("rack\n" * 1000)
  end

  def env(request)
    plain = request.env.select { |_, value| value.is_a?(String) }
    json(plain.transform_values { |value| value.dup.force_encoding("UTF-8").scrub })
  end

  def echo(request)
    body = request.body ? request.body.read.to_s : ""
    json("size" => body.bytesize, "sha256" => Digest::SHA256.hexdigest(body))
  end

  # Only names of files in the folder itself.
  def upload(request)
    file = request.params["file"]
    name = File.basename(file[:filename].dup.force_encoding("UTF-8"))
    Dir.mkdir(File.dirname(FILES)) unless Dir.exist?(File.dirname(FILES))
    Dir.mkdir(FILES) unless Dir.exist?(FILES)
    IO.copy_stream(file[:tempfile], File.join(FILES, name))
    json("size" => File.size(File.join(FILES, name)), "sha256" => Digest::SHA256.file(File.join(FILES, name)).hexdigest)
  end

  # Rack's own server of files knows ranges and conditions.
  def files(request)
    Rack::Files.new(FILES).call(request.env.merge("PATH_INFO" => request.path_info.sub(%r{\A/[^/]+}, "")))
  end
  alias download files

  def stream(request)
    gates = File.expand_path("tmp", __dir__)
    chunks = Enumerator.new do |out|
      request.params.fetch("chunks").to_i.times do |n|
        sleep 0.005 until n.zero? || File.exist?(File.join(gates, "#{request.params['gate']}.#{n}"))
        out << "chunk #{n}\n"
      end
    end
    [200, TEXT.dup, chunks]
  end

  def raise(_request)
    Kernel.raise "raised on purpose"
  end

  def crash(_request)
    Process.kill("KILL", Process.pid)
    sleep
  end

  def pid(_request)
    text("#{Process.pid}\n")
  end

  def cookies(_request)
    response = Rack::Response.new(["cookies\n"], 200, TEXT.dup)
    response.set_cookie("one", value: "1", path: "/")
    response.set_cookie("two", value: "2", path: "/", httponly: true)
    response.finish
  end

  def session(request)
    count = request.cookies["count"].to_i + 1
    response = Rack::Response.new(["#{count}\n"], 200, TEXT.dup)
    response.set_cookie("count", value: count.to_s, path: "/")
    response.finish
  end

  # The token of the form has to be that of the cookie.
  def form(request)
    if request.post?
      genuine = !request.cookies["token"].to_s.empty? && request.cookies["token"] == request.params["authenticity_token"]
      return genuine ? text("accepted #{request.params['title']}\n") : [403, TEXT.dup, ["forbidden\n"]]
    end
    token = SecureRandom.hex
    response = Rack::Response.new([%(<form method="post"><input type="hidden" name="authenticity_token" value="#{token}"></form>)])
    response.set_cookie("token", value: token, path: "/")
    response.finish
  end

  def empty(_request)
    [204, {}, []]
  end

  def unchanged(_request)
    text("changed\n", "etag" => '"probe"')
  end

  def version(_request)
    text(VERSION)
  end
end

use Rack::ConditionalGet
use Rack::Head
run Probes.new
