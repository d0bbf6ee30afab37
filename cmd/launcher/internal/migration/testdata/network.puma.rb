# A large application behind nginx: a socket or a port, workers by a variable, hooks that connect again.
persistent_timeout ENV.fetch("KEEPALIVE_SECONDS") { 20 }.to_i

pool = ENV.fetch("MAX_THREADS") { 5 }.to_i
threads pool, pool

if ENV["SOCKET"]
  bind "unix://#{ENV["SOCKET"]}"
else
  bind "tcp://#{ENV.fetch("BIND", "127.0.0.1")}:#{ENV.fetch("PORT", 3000)}"
end

environment ENV.fetch("RAILS_ENV") { "development" }
workers ENV.fetch("WEB_CONCURRENCY") { 2 }.to_i
worker_boot_timeout 120
worker_shutdown_timeout 45

if ENV["EXPORTER_ENABLED"] == "true"
  require "prometheus_exporter"
  before_fork { PrometheusExporter::Instrumentation::Puma.start }
end

preload_app!

on_worker_boot do
  ActiveSupport.on_load(:active_record) { ActiveRecord::Base.establish_connection }
end

lowlevel_error_handler { |error| [500, {}, ["down: #{error.class}\n"]] }
plugin :tmp_restart
$stdout.sync = true
set_remote_address header: "X-Real-IP"
frobnicate 3
