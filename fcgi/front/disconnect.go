package front

import (
	"context"
	"sync"
	"time"
)

// disconnect is what follows for the worker when a client disconnects.
type disconnect struct {
	abort chan struct{} // closed when the worker is to be told
	once  sync.Once
	wrote chan struct{} // something was written to the client after it had ended what it sends
	end   func()
}

// abortWorker has the worker told that nobody waits for its response.
func (d *disconnect) abortWorker() { d.once.Do(func() { close(d.abort) }) }

// aborted tells whether the worker was told.
func (d *disconnect) aborted() bool {
	select {
	case <-d.abort:
		return true
	default:
		return false
	}
}

// noteWrite notes that something was written to the client.
func (d *disconnect) noteWrite(client context.Context) {
	if client.Err() == nil {
		return
	}
	select {
	case d.wrote <- struct{}{}:
	default:
	}
}

// workerContext governs a worker's part of a request. It outlives the client for a while: closing the
// connection would not make a worker stop, and its socket would look idle.
//
// The end of what a client sends ends its context. Most clients have gone then, but one that has only
// closed its sending side still reads. Which of them it is shows with the second thing that is written to it:
// that fails where it has gone. So the worker is told then, or when nothing was written for a while.
func (h *Handler) workerContext(client context.Context) (context.Context, *disconnect) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(client))
	d := &disconnect{abort: make(chan struct{}), wrote: make(chan struct{}, 1)}
	unhook := context.AfterFunc(client, func() {
		if d.awaitSilence(ctx, h.config.AbortAfter) {
			d.abortWorker()
		}
		abandon := time.NewTimer(h.config.AbandonLimit)
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
func (d *disconnect) awaitSilence(ctx context.Context, silence time.Duration) bool {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for {
		select {
		case <-d.wrote:
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
