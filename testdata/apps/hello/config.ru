# frozen_string_literal: true

require_relative "lib/hello"

run Hello.new
