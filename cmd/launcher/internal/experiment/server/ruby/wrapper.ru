# frozen_string_literal: true

# The application with two headers, the same for every server: who has answered, and, for
# who asks, with what. A request to wake a worker does not reach the application. The
# working directory is the application's.

require "json"
require "rack"
require "rack/builder"

parsed = Rack::Builder.parse_file(File.expand_path("config.ru")) # [app, options] in Rack 2
app = parsed.is_a?(Array) ? parsed.first : parsed

versions = lambda do
  JSON.generate(
    "ruby" => RUBY_VERSION,
    "rails" => defined?(::Rails::VERSION::STRING) ? ::Rails::VERSION::STRING : "",
    "rack" => Rack.respond_to?(:release) ? Rack.release : ""
  )
end

run(lambda do |env|
  next [200, { "content-type" => "text/plain" }, ["awake\n"]] if env["HTTP_X_LAUNCHER_WAKE"]

  status, headers, body = app.call(env)
  headers = headers.dup if headers.frozen?
  headers["x-launcher-pid"] = Process.pid.to_s
  headers["x-launcher-versions"] = versions.call if env["HTTP_X_LAUNCHER_VERSIONS"]
  [status, headers, body]
end)
