package migration

import "strconv"

// Unicorn returns what stands for the settings of Unicorn, 5 and 6, in whose files those of Pitchfork look alike.
func Unicorn() []Rule {
	return []Rule{
		does("NUM, or `workers`; `auto` for as many as the CPUs and the memory have room for", func(p *Plan, call Call, text string) {
			switch n := number(call, 0); {
			case call.cpus(0):
				p.set(call, "workers", "auto", "")
			case n < 1:
				p.unreadable(call, text)
			default:
				p.set(call, "workers", strconv.Itoa(n), "")
			}
		}, "worker_processes"),
		does("FastCGI for the web server, with the include that `launcher` prints; or `--http`, at `unix:PATH` or a port, to which `proxy_pass` leads as to Unicorn (`umask` is `--socket-mode`; a `backlog` is as large as the kernel allows, and the `tcp_…` options are as is best)",
			(*Plan).address, "listen"),
		says("each address is one of `--http`", "listeners"),
		means("request-timeout", "`--request-timeout` (1 min): the backtrace is logged, the worker ends as soon as it can, and the request is answered 504 or 502", firstTime, "timeout"),
		says("always so: the application is loaded once, before workers are forked", "preload_app"),
		means("root", "`--root`, or the folder in which the launcher is started; a link that a deploy switches is followed at each restart", firstText, "working_directory"),
		means("pid-file", "`--pid-file`; `log/launcher.pid` is there anyway", firstPath, "pid"),
		means("log-file", "`--log-file`, for standard output too; `launcher reopen` or USR1 after a rotation", firstPath, "stderr_path"),
		says("`--log-file` has both", "stdout_path"),
		does("`--user` and `--group`: root binds the ports and becomes that user for good", func(p *Plan, call Call, why string) {
			name, group := text(call, 0), text(call, 1)
			if name == "" {
				p.unreadable(call, why)
				return
			}
			p.set(call, "user", name, "")
			if group != "" {
				p.set(call, "group", group, "")
			}
		}, "user"),
		says("`--log-format text` or `json`, `--log-level`", "logger"),
		does("`before_fork { … }` in config/launcher.rb, in the preloader, before each fork; without `server` and `worker`. Ending an older master there (`QUIT` to `.oldbin`) and `sleep` are not needed: `launcher restart` replaces workers one by one", (*Plan).hook, "before_fork"),
		does("`after_fork { |slot| … }` in config/launcher.rb; connections of ActiveRecord, Sequel and `Rails.cache` need none", (*Plan).hook, "after_fork"),
		says("none: the supervisor is no Ruby and runs no code of the application; the log and `launcher status` tell of it. What a worker does last is `at_exit { … }` within `after_fork`", "after_worker_exit", "after_worker_ready"),
		says("none: `launcher restart` loads the application with the Gemfile that the root has by then, and USR2 replaces the launcher itself", "before_exec"),
		says("not needed: memory is laid out anew by a refork", "worker_exec"),
		says("not needed: a body is there, and can be read again, before the application has the request", "rewindable_input", "client_body_buffer_size"),
		says("none: a request whose client has left is served to its end", "check_client_connection"),
		says("none: FastCGI cannot carry a response before the response", "early_hints"),
		says("none is added", "default_middleware"),
	}
}
