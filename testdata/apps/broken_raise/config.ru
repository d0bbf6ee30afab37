# frozen_string_literal: true

require_relative "lib/settings"

puts "reading settings"
puts "connecting to the payment service"
run Settings.new.application
