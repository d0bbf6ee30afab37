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
