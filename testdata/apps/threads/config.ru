# frozen_string_literal: true

require_relative "lib/telemetry"

telemetry = Telemetry.new

run ->(_env) { [200, { "content-type" => "text/plain" }, ["#{telemetry.alive? ? 'thread' : 'no thread'}\n"]] }
