//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// stopSignals end a program. SIGHUP ends no service, but what a terminal runs.
var stopSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// notifyStop returns a channel of the signals that end a program, and of others. They have no other effect until the process ends:
// one in its last moments does not take its exit status.
func notifyStop(others ...os.Signal) <-chan os.Signal {
	channel := make(chan os.Signal, 16)
	signal.Notify(channel, append(others, stopSignals...)...)
	return channel
}

// notifyService is notifyStop with the signals that a service takes besides.
func notifyService() <-chan os.Signal {
	return notifyStop(verbSignals...)
}

// verbSignals ask a service for something, and never for its end.
var verbSignals = []os.Signal{syscall.SIGHUP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2}

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
