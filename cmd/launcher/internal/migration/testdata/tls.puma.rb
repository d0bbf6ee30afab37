root = File.expand_path("..", __dir__)
directory root
rackup File.join(root, "web.ru")
tag "shop"
workers 4
threads 1, 1
bind "unix://#{root}/tmp/sockets/puma.sock?umask=0117&backlog=512"
ssl_bind "0.0.0.0", "8443", cert: "/etc/ssl/shop.pem", key: "/etc/ssl/private/shop.key", verify_mode: "none"
stdout_redirect "#{root}/log/puma.out", "#{root}/log/puma.err", true
state_path "#{root}/tmp/pids/puma.state"
activate_control_app "unix://#{root}/tmp/sockets/pumactl.sock", no_token: true
http_content_length_limit 10 * 1024 * 1024
fork_worker 400
nakayoshi_fork
force_shutdown_after 30
log_requests
worker_timeout File.read("/etc/shop/timeout").to_i
