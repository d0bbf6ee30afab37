# frozen_string_literal: true

require_relative "lib/lines"

LINES = Lines.new(ENV.fetch("LINES_ADDRESS"))

run lambda { |env|
  [200, { "content-type" => "text/plain" }, [LINES.ask(env["PATH_INFO"].delete_prefix("/"))]]
}
