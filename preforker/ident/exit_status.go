package ident

import "fmt"

// ExitStatus is how a process ended: by a signal, or with an exit code. The zero value is a
// process that has left in good order.
type ExitStatus struct {
	Signal Signal `json:"signal"` // 0: it exited
	Code   int    `json:"code"`
	Core   bool   `json:"core"` // it left a core dump
}

// String says it as an operator would: "exit status 3", "signal SIGKILL".
func (s ExitStatus) String() string {
	switch {
	case s.Signal == 0:
		return fmt.Sprintf("exit status %d", s.Code)
	case s.Core:
		return fmt.Sprintf("signal %s (core dumped)", s.Signal)
	default:
		return fmt.Sprintf("signal %s", s.Signal)
	}
}

// Signal is the number of a signal of Linux.
type Signal int

// String is its name, or its number where it has none: those of real time.
func (s Signal) String() string {
	if s > 0 && int(s) < len(signalNames) && signalNames[s] != "" {
		return signalNames[s]
	}
	return fmt.Sprint(int(s))
}

// signalNames are those of signal(7), with the numbers that they have on amd64 and arm64.
var signalNames = [...]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
	9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 16: "SIGSTKFLT", 17: "SIGCHLD",
	18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU", 23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM",
	27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO", 30: "SIGPWR", 31: "SIGSYS"}
