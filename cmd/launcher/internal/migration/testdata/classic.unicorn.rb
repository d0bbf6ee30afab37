worker_processes 8
user "shop", "www-data"
listen "/srv/shop/shared/unicorn.sock", backlog: 64, umask: 0007
listen 8080, tcp_nopush: true
timeout 120
pid "/srv/shop/shared/unicorn.pid"
stderr_path "/srv/shop/shared/log/unicorn.log"
preload_app true

before_exec { |_server| ENV["BUNDLE_GEMFILE"] = "/srv/shop/current/Gemfile" }

before_fork do |server, worker|
  old_pid = "#{server.config[:pid]}.oldbin"
  Process.kill("QUIT", File.read(old_pid).to_i) if File.exist?(old_pid) && server.pid != old_pid
end

after_worker_exit { |server, worker, status| server.logger.info(status) }
GC.copy_on_write_friendly = true if GC.respond_to?(:copy_on_write_friendly=)
