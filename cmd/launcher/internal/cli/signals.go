//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// stopSignals end a program. SIGHUP ends no service, but what a terminal runs.
var stopSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// endSignals are those of them that end a service.
var endSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT}

// signalsAtOnce may wait for who takes them.
const signalsAtOnce = 16

// notifyStop returns a channel of the signals that end a program. They have no other effect until the process ends: one in its last
// moments does not take its exit status.
func notifyStop() <-chan os.Signal {
	channel := make(chan os.Signal, signalsAtOnce)
	signal.Notify(channel, stopSignals...)
	return channel
}

// verbSignals ask a service for something, and never for its end.
var verbSignals = []os.Signal{syscall.SIGHUP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2}

// pendingVariable has the names of the signals that have come while one launcher took the place of another in its process, and that are
// the latter's.
const pendingVariable = "LAUNCHER_PENDING_SIGNALS"

// notifyService returns a channel of the signals that a service takes, those first that have come before it.
func notifyService() <-chan os.Signal {
	signals := make(chan os.Signal, signalsAtOnce)
	signal.Notify(signals, slices.Concat(stopSignals, verbSignals)...)
	for name := range strings.SplitSeq(os.Getenv(pendingVariable), ",") {
		for _, sig := range slices.Concat(stopSignals, verbSignals) {
			if signalName(sig) == name && len(signals) < signalsAtOnce/2 {
				signals <- sig
				break
			}
		}
	}
	_ = os.Unsetenv(pendingVariable)
	return signals
}

// untilSignal returns a context that ends with the first signal, whose name is the cause; just before, it calls
// stopping. Further signals have no effect until end is called.
func untilSignal(parent context.Context, stopping func()) (running context.Context, stop context.CancelCauseFunc, end func()) {
	running, stop = context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, stopSignals...)
	go func() {
		select {
		case sig := <-signals:
			stopping()
			stop(fmt.Errorf("stopped by %s", signalName(sig)))
		case <-running.Done():
		}
	}()
	return running, stop, func() {
		signal.Stop(signals)
		stop(nil)
	}
}

// signalName returns a signal's name without SIG, as kill(1) takes it.
func signalName(sig os.Signal) string {
	switch sig {
	case syscall.SIGTERM:
		return "TERM"
	case syscall.SIGINT:
		return "INT"
	case syscall.SIGQUIT:
		return "QUIT"
	case syscall.SIGHUP:
		return "HUP"
	case syscall.SIGTTIN:
		return "TTIN"
	case syscall.SIGTTOU:
		return "TTOU"
	case syscall.SIGUSR1:
		return "USR1"
	case syscall.SIGUSR2:
		return "USR2"
	default:
		return sig.String()
	}
}
