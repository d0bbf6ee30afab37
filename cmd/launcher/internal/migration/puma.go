package migration

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Puma returns what stands for the settings of Puma, 5.6 to 8.
func Puma() []Rule { return slices.Concat(pumaProcesses(), pumaTimes(), pumaHooks()) }

func pumaProcesses() []Rule {
	return []Rule{
		does("NUM, or `workers`: as many as Puma has threads in all, since a worker serves one request at a time; `auto` for as many as the CPUs and the memory have room for", (*Plan).pumaWorkers, "workers"),
		does("none: a worker serves one request at a time, so code need not be thread-safe; more workers take the place of threads, and share memory", (*Plan).pumaThreads, "threads"),
		says("always so: the application is loaded once, before workers are forked", "preload_app!"),
		says("not needed: a worker leaves its memory shared (see `launcher help`, `--without`)", "nakayoshi_fork"),
		does("`--refork-after`, whose default `auto` finds the moments by itself", func(p *Plan, call Call, text string) {
			if n := number(call, 0); n > 0 {
				text += fmt.Sprintf("; the same as here is --refork-after %d", n)
			}
			p.remark(call, text)
		}, "fork_worker"),
		does("FastCGI for the web server, with the include that `launcher` prints; or `--http`, which speaks HTTP as Puma does (`tcp://`, `unix://` and `ssl://`; `umask` and `mode` are `--socket-mode`; a `backlog` is as large as the kernel allows)",
			func(p *Plan, call Call, why string) { p.listen(call, text(call, 0), why) }, "bind"),
		does("`--http 0.0.0.0:PORT`; without any the variable `PORT` counts, as in the file that Rails makes", (*Plan).pumaPort, "port"),
		does("`--http` beside `--tls-cert` and `--tls-key`, and `http://HOST:PORT` for what speaks no TLS beside it; clients' certificates (`verify_mode`, `ca`) and lists of ciphers are the affair of a web server", (*Plan).pumaTLS, "ssl_bind"),
		says("write the whole address with `--http`", "set_default_host", "default_host"),
		says("one source of addresses holds: the command line, else the environment, else the file", "clear_binds!"),
		says("sockets that systemd passes on by the names `slot-0`… and `http` are taken (`launcher systemd --socket`)", "bind_to_activated_sockets"),
		means("environment", "`--environment`; its default is `production`, not `development`", firstText, "environment"),
		means("root", "`--root`, or the folder in which the launcher is started", firstText, "directory"),
		means("rackup", "`--rackup`", firstPath, "rackup"),
		says("a `config.ru`, perhaps named by `--rackup`", "app"),
		means("pid-file", "`--pid-file`; `log/launcher.pid` is there anyway", firstPath, "pidfile"),
		says("not needed: `launcher status` asks the launcher itself", "state_path", "state_permission"),
		says("always there: `log/launcher.sock`, for `launcher status`, `restart` and `scale`, and for `curl --unix-socket`; file permissions in the place of a token", "activate_control_app"),
		does("`tmp_restart` and `systemd` are built in; one that runs jobs (`solid_queue`) is a service of its own (`bin/jobs`); no others can be loaded", (*Plan).pumaPlugin, "plugin"),
		does("`--log-file`, for both; `launcher reopen` after a rotation", (*Plan).pumaRedirect, "stdout_redirect"),
		does("`--access-log -` beside `--http`; behind a web server it is that one's log", func(p *Plan, call Call, _ string) {
			if !off(call) {
				p.set(call, "access-log", "-", "")
			}
		}, "log_requests"),
		says("always so, unless `--access-log` says otherwise", "quiet"),
		says("`--log-format text` or `json`, `--log-level`", "log_formatter", "custom_logger"),
		says("`--log-level debug`", "debug"),
		says("not needed: what workers print is in the log at once, by line", "mutate_stdout_and_stderr_to_sync_on_write"),
	}
}

func pumaTimes() []Rule {
	return []Rule{
		means("boot-timeout", "`--boot-timeout`", firstTime, "worker_boot_timeout"),
		means("drain-timeout", "`--drain-timeout`", firstTime, "worker_shutdown_timeout", "force_shutdown_after"),
		says("`--request-timeout` (1 min) is of each request, with its backtrace in the log; Puma's is of a worker that says nothing, and no request of a thread ends by it", "worker_timeout"),
		says("not needed: a worker's state is in memory that the launcher sees", "worker_check_interval"),
		says("not needed: `launcher scale` takes the slots with the highest numbers", "worker_culling_strategy"),
		says("always so: what waits in the sockets is served before the end, or by the next launcher", "drain_on_shutdown"),
		says("`--queue-timeout` says how long a request to `--http` may wait; nothing else is to be chosen: each worker has a queue of its own, in the kernel", "queue_requests", "wait_for_less_busy_worker", "max_fast_inline", "io_selector_backend"),
		says("fixed in `--http` (fcgi/front/README.md); behind a web server it is that one's setting", "persistent_timeout", "first_data_timeout", "enable_keep_alives", "max_keep_alive"),
		says("with `--min` idle workers leave; the launcher stays, whose socket systemd may have as well", "idle_timeout"),
		does("`--max-body`, beside `--http`", func(p *Plan, call Call, text string) {
			if n := number(call, 0); n > 0 {
				p.set(call, "max-body", strconv.Itoa((n+1023)/1024)+"KB", "")
			} else {
				p.unreadable(call, text)
			}
		}, "http_content_length_limit"),
		says("all methods reach the application; a web server may refuse some", "supported_http_methods"),
		says("`X-Forwarded-Proto` of a `--trusted-proxy`, or TLS here", "rack_url_scheme"),
		says("`--trusted-proxy`: whose `X-Forwarded-For` is believed; the PROXY protocol is a web server's affair", "set_remote_address"),
		says("none: FastCGI cannot carry a response before the response", "early_hints"),
		says("a response of 500 and the backtrace in the log; what the application's own middleware catches stays the same", "lowlevel_error_handler", "raise_exception_on_sigterm"),
	}
}

func pumaHooks() []Rule {
	return []Rule{
		says("not needed: garbage is collected between requests anyway", "out_of_band"),
		does("`before_fork { … }` in config/launcher.rb, in the preloader, before each fork", (*Plan).hook, "before_fork", "on_worker_fork", "before_worker_fork"),
		does("`after_fork { |slot| … }` in config/launcher.rb; connections of ActiveRecord, Sequel and `Rails.cache` need none", (*Plan).hook, "on_worker_boot", "before_worker_boot"),
		does("`at_exit { … }` within `after_fork` in config/launcher.rb", (*Plan).hook, "on_worker_shutdown", "before_worker_shutdown"),
		does("`before_fork` and `after_fork`, which run around a refork as well", (*Plan).hook, "on_refork", "before_refork", "after_refork"),
		says("none: the supervisor is no Ruby and runs no code of the application; the log, `launcher status` and systemd's notices tell of it", "after_worker_fork", "after_worker_boot", "after_worker_shutdown", "on_booted", "after_booted", "on_stopped", "after_stopped"),
		says("none: a restart loads the application beside the one that serves (`launcher restart`), and nothing has to be closed before it", "on_restart", "before_restart", "restart_command"),
		says("none: no threads come and go; `after_fork` is the place", "on_thread_start", "before_thread_start", "on_thread_exit", "before_thread_exit", "clean_thread_locals"),
		says("not needed: the launcher itself loads no gem", "prune_bundler", "extra_runtime_dependencies"),
		says("none: processes are titled `launcher worker slot=0 gen=1` with the request in hand", "tag"),
		says("not needed", "silence_single_worker_warning", "silence_fork_callback_warning", "max_io_threads"),
		says("the backtrace of each request that is too slow or too late: `--slow-log`, `--request-timeout`", "shutdown_debug"),
		says("none: a worker serves its requests one after the other in the same fiber", "fiber_per_request"),
		says("none: workers are processes of their own, so what stands in the block of `cluster` holds (it is not read), and that of `single` does not", "single", "cluster"),
		says("none: headers with underscores do not reach the application through `--http`; a web server decides that for itself", "allow_underscore_headers"),
		says("read that file too: one file has all options", "load", "inject", "get"),
	}
}

func (p *Plan) pumaWorkers(call Call, text string) {
	n := number(call, 0)
	threads := max(p.threads, 1)
	switch {
	case call.cpus(0):
		p.set(call, "workers", "auto", "Puma has a worker for each CPU")
	case n < 0:
		p.unreadable(call, text)
	case n == 0:
		p.pumaThreads(call, text)
	default:
		why := ""
		if threads > 1 {
			why = fmt.Sprintf("Puma has %d workers of %d threads; as many as CPUs are enough where requests rather compute than wait", n, threads)
		}
		p.set(call, "workers", strconv.Itoa(min(n*threads, 1024)), why)
	}
	if threads > 1 && slices.Contains(call.Variables, "WEB_CONCURRENCY") {
		p.remark(call, "WEB_CONCURRENCY goes before this here, too, and is the number of workers, which serve one request each: where it is set, let it count the threads")
	}
}

// pumaThreads are the workers of a Puma that has none.
func (p *Plan) pumaThreads(call Call, text string) {
	if p.threads > 1 {
		text = fmt.Sprintf("up to %d requests at once in each process of Puma; here a worker serves one at a time, and workers share their memory", p.threads)
	}
	p.remark(call, text)
}

func (p *Plan) pumaPort(call Call, why string) {
	port, host := number(call, 0), text(call, 1)
	if port < 0 {
		p.unreadable(call, why)
		return
	}
	if host == "" {
		host = "0.0.0.0"
	}
	p.set(call, "http", plainScheme+net.JoinHostPort(host, strconv.Itoa(port)), "")
}

func (p *Plan) pumaTLS(call Call, why string) {
	host, port := text(call, 0), text(call, 1)
	if host == "" || port == "" {
		p.unreadable(call.of("0", "1"), why)
		return
	}
	p.set(call.of("0", "1"), "http", net.JoinHostPort(host, port), "")
	p.certificate(call, option(call, "cert"), option(call, "key"))
	if mode := option(call, "verify_mode"); strings.Contains(mode, "peer") {
		p.remark(call, "certificates of clients are not asked for: have a web server do that")
	}
}

func (p *Plan) pumaPlugin(call Call, rest string) {
	switch name := text(call, 0); name {
	case "tmp_restart":
		p.remark(call, "built in: touching tmp/restart.txt restarts")
	case "systemd":
		p.remark(call, "built in: launcher systemd prints a unit")
	case "solid_queue", "good_job", "sidekiq", "delayed_job":
		p.remark(call, name+" runs as a service of its own (bin/jobs, or what it has): workers end when they grow or are replaced, and jobs would with them")
	default:
		p.remark(call, rest)
	}
}

func (p *Plan) pumaRedirect(call Call, why string) {
	path, parts := text(call, 1), []string{"1"}
	if path == "" {
		path, parts = text(call, 0), []string{"0", "1"} // the first one's, as the other's is not known
	}
	if path == "" {
		p.unreadable(call, why)
		return
	}
	p.set(call.of(parts...), "log-file", p.below(path), "")
}

// hook is code, which belongs into another file.
func (p *Plan) hook(call Call, text string) {
	if call.Condition != nil {
		text += "; here only so: " + call.Condition.Text
	}
	p.remark(call, text)
}
