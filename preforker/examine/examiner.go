package examine

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"launcher/preforker/internal/wire"
	"launcher/preforker/ruby"
)

// endReason is why a Ruby was ended that was examined.
type endReason int

const (
	endedItself endReason = iota
	endedLate             // the boot timeout was over
	endedClosed           // it had closed its channel
)

// examiner follows the one process of an examination. Its goroutines read and wait; what they
// learn is read after they have ended.
type examiner struct {
	config   Config
	ruby     *ruby.Process
	silent   bool // it has not said what it is
	failed   *wire.Failed
	loaded   wire.Loaded
	examined *wire.Examined
	broken   error // it talked nonsense
}

func (e *examiner) run(ctx context.Context) (*Result, error) {
	read, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		e.read()
	}()
	var awaited error
	go func() {
		defer close(ended)
		awaited = e.ruby.Child.Await()
	}()
	why := e.wait(ctx, ended, read)
	_ = e.ruby.SignalGroup(syscall.SIGTERM)
	e.ruby.Conn.Finish()
	<-read
	lines := e.ruby.Output.Lines()
	exit, err := e.ruby.Child.Reap()
	_ = e.ruby.Conn.Close()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case e.broken != nil:
		return nil, fmt.Errorf("hear what the examination found: %w", e.broken)
	case awaited != nil:
		return nil, fmt.Errorf("wait for Ruby: %w", awaited)
	case err != nil:
		return nil, fmt.Errorf("reap Ruby: %w", err)
	case e.examined == nil:
		return nil, ruby.LoadEnd{Exit: exit, Failed: e.failed, Lines: lines, Program: e.config.Ruby, Silent: e.silent,
			TimedOut: why == endedLate, ChannelClosed: why == endedClosed, Timeout: e.config.BootTimeout}.Err()
	}
	return &Result{Ruby: e.loaded.Ruby, Rails: e.loaded.Rails, Rack: e.loaded.Rack, Seconds: e.loaded.Seconds,
		Findings: e.examined.Findings, Measured: e.examined.Measured}, nil
}

// wait waits for the end of Ruby, and sees to it. Past the boot timeout it is asked where it is;
// one that says nothing more and stays has become another program; whoever does not want to know
// any more has it ended.
func (e *examiner) wait(ctx context.Context, ended, closed <-chan struct{}) endReason {
	timeout := time.NewTimer(e.config.BootTimeout)
	defer timeout.Stop()
	for {
		var reason endReason
		select {
		case <-ended:
			return endedItself
		case <-closed:
			if closed = nil; e.examined != nil {
				continue
			}
			reason = endedClosed
		case <-ctx.Done():
			_ = e.ruby.SignalGroup(syscall.SIGTERM)
		case <-timeout.C:
			reason = endedLate
			_ = e.ruby.Child.Signal(syscall.SIGQUIT)
		}
		return e.end(reason, ended)
	}
}

// killGrace is what a process gets between being asked to end and being killed.
const killGrace = time.Second

// end gives Ruby a moment to end by itself, and says why it is ended.
func (e *examiner) end(reason endReason, ended <-chan struct{}) endReason {
	grace := time.NewTimer(killGrace)
	defer grace.Stop()
	select {
	case <-ended:
		if reason == endedClosed {
			return endedItself // how it has ended says more
		}
	case <-grace.C:
		_ = e.ruby.SignalGroup(syscall.SIGKILL)
		<-ended
	}
	return reason
}

func (e *examiner) read() {
	for {
		message, err := ruby.Receive(e.ruby.Conn)
		if err != nil {
			if !ruby.IsEnd(err) {
				e.broken = err
				_ = e.ruby.Child.Signal(syscall.SIGKILL)
			}
			return
		}
		switch m := message.(type) {
		case wire.Hello:
			if e.failed = ruby.CheckHello(m, e.config.Ruby); e.failed != nil {
				_ = e.ruby.Child.Signal(syscall.SIGKILL)
				continue
			}
			e.ruby.Output.Admit()
			e.silent = false
		case wire.Loaded:
			e.loaded = m
		case wire.Failed:
			e.failed = &m
		case wire.Examined:
			e.examined = &m
		}
	}
}
