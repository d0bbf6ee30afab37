// Package systemd speaks with a service manager as sd_notify(3), sd_listen_fds(3) and
// sd_pid_notify_with_fds(3) say, and writes units for it.
//
// What always holds: the variables that the service manager has set for this process are read once,
// and taken out of its environment: no child finds them. Nothing here waits for the service manager:
// one goroutine sends, behind a queue. The watchdog is fed by whoever calls Tell and by nobody else.
package systemd
