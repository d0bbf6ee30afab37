# frozen_string_literal: true

require_relative "lib/remote_settings"

puts "asking the settings server"
$stdout.flush
run RemoteSettings.new.application
