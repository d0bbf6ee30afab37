# A forum: one master, many workers, jobs beside them, a way out for workers that grow.
app_path = ENV["APP_ROOT"] || File.expand_path(File.dirname(__FILE__) + "/..")

worker_processes (ENV["UNICORN_WORKERS"] || 3).to_i
working_directory app_path

listen ENV["UNICORN_LISTENER"] || "#{(ENV["UNICORN_BIND_ALL"] ? "" : "127.0.0.1:")}#{(ENV["UNICORN_PORT"] || 3000).to_i}"
timeout 30

if ENV["RAILS_ENV"] == "production"
  logger Logger.new($stdout)
  stderr_path "#{app_path}/log/unicorn.stderr.log"
  stdout_path "#{app_path}/log/unicorn.stdout.log"
  pid ENV["UNICORN_PID_PATH"] || "#{app_path}/tmp/pids/unicorn.pid"
else
  timeout 120
end

preload_app true
check_client_connection false

started = false

before_fork do |server, worker|
  unless started
    started = true
    Rails.application.eager_load!
    server.logger.info "loaded"
  end
  ActiveRecord::Base.connection_handler.clear_all_connections!
  sleep 1
end

after_fork do |server, worker|
  Discovery.connect
end

def master_pid
  Process.ppid
end
