# frozen_string_literal: true

require_relative "wire"

run Wire.new
