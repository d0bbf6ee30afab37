# frozen_string_literal: true

require "bundler/setup"

run ->(_env) { [200, { "content-type" => "text/plain" }, ["not reached\n"]] }
