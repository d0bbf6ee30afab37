package ident

import "testing"

func TestExitStatusNamesTheSignal(t *testing.T) {
	for want, status := range map[string]ExitStatus{
		"exit status 0":                {},
		"exit status 3":                {Code: 3},
		"signal SIGKILL":               {Signal: 9},
		"signal SIGSEGV (core dumped)": {Signal: 11, Core: true},
		"signal SIGCHLD":               {Signal: 17},
		"signal SIGSYS":                {Signal: 31},
		"signal 42":                    {Signal: 42},
		"signal -1":                    {Signal: -1},
	} {
		if got := status.String(); got != want {
			t.Errorf("%+v is %q, want %q", status, got, want)
		}
	}
}
