package fcgi

import (
	"context"
	"sync"
	"time"
)

// departure is what follows for the worker when a client goes away.
type departure struct {
	abort chan struct{} // closed when the worker is told
	once  sync.Once
	reads chan struct{} // the client took something after it had ended what it sends
	end   func()
}

// tell has the worker told that nobody waits for its response.
func (d *departure) tell() { d.once.Do(func() { close(d.abort) }) }

func (d *departure) told() bool {
	select {
	case <-d.abort:
		return true
	default:
		return false
	}
}

// took notes that something was written to the client.
func (d *departure) took(client context.Context) {
	if client.Err() == nil {
		return
	}
	select {
	case d.reads <- struct{}{}:
	default:
	}
}

// workerContext governs a worker's part of a request. It outlives the client for a while: closing the
// connection would not make a worker stop, and its socket would look idle.
//
// The end of what a client sends ends its context. Most clients have gone then, but one that has only
// closed its sending side still reads. Which of them it is shows with the second thing that is written to it:
// that fails where it has gone. So the worker is told then, or when nothing was written for a while.
func (f *Front) workerContext(client context.Context) (context.Context, *departure) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(client))
	d := &departure{abort: make(chan struct{}), reads: make(chan struct{}, 1)}
	unhook := context.AfterFunc(client, func() {
		if d.awaitSilence(ctx, f.config.AbortAfter) {
			d.tell()
		}
		abandon := time.NewTimer(f.config.AbandonLimit)
		defer abandon.Stop()
		select {
		case <-abandon.C:
			cancel(errAbandoned)
		case <-ctx.Done():
		}
	})
	d.end = func() {
		unhook()
		cancel(context.Canceled)
	}
	return ctx, d
}

// awaitSilence waits until nothing was written for a while, and says whether the worker is yet to be told.
func (d *departure) awaitSilence(ctx context.Context, silence time.Duration) bool {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for {
		select {
		case <-d.reads:
			timer.Reset(silence)
		case <-timer.C:
			return true
		case <-d.abort:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
