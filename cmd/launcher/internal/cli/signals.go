//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// notifyStop has the signals that end a program sent to a channel, and others, until end is called.
func notifyStop(others ...os.Signal) (signals <-chan os.Signal, end func()) {
	channel := make(chan os.Signal, 16)
	signal.Notify(channel, append(others, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)...)
	return channel, func() { signal.Stop(channel) }
}

// notifyService is notifyStop with the signals that a service takes besides.
func notifyService() (signals <-chan os.Signal, end func()) {
	return notifyStop(syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2)
}

// untilSignal returns a context that ends with the first signal, whose name is the cause; just before, it calls
// stopping. Further signals have no effect until end is called.
func untilSignal(parent context.Context, stopping func()) (running context.Context, stop context.CancelCauseFunc, end func()) {
	running, stop = context.WithCancelCause(parent)
	signals, stopNotify := notifyStop()
	go func() {
		select {
		case sig := <-signals:
			stopping()
			stop(fmt.Errorf("stopped by %s", signalName(sig)))
		case <-running.Done():
		}
	}()
	return running, stop, func() {
		stopNotify()
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
