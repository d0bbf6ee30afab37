package front

import (
	"context"
	"sync"
	"time"

	"launcher/fcgi"
)

// disconnect is what follows for the worker when a client disconnects.
//
// The end of what a client sends ends its context. Most clients have gone then, but one that has only
// closed its sending side still reads. Which of them it is shows with the second thing that is written to it:
// that fails where it has gone. So the worker is told then, or when nothing was written for a while.
//
// The worker's part of a request outlives the client for a while: closing the
// connection would not make a worker stop, and its socket would look idle.
type disconnect struct {
	call    fcgi.Call
	unwatch func() bool

	mu      sync.Mutex
	over    bool          // nothing follows any more
	wrote   bool          // something was written to the client after it had ended what it sends
	changed chan struct{} // of these; nil until the client has ended what it sends
}

// watch watches a client while a worker has its request. It costs nothing until the client disconnects.
func (h *Handler) watch(client context.Context) *disconnect {
	d := &disconnect{}
	d.unwatch = context.AfterFunc(client, func() { d.follow(h.config.AbortAfter, h.config.AbandonLimit) })
	return d
}

// end says that whatever becomes of the client does not matter to the worker any more.
func (d *disconnect) end() {
	d.unwatch()
	d.mu.Lock()
	d.over = true
	d.mu.Unlock()
	d.notify()
}

// abortWorker has the worker told that nobody waits for its response.
func (d *disconnect) abortWorker() {
	d.call.Abort()
	d.notify()
}

// aborted tells whether the worker was told.
func (d *disconnect) aborted() bool { return d.call.Aborted() }

// noteWrite notes that something was written to the client.
func (d *disconnect) noteWrite(client context.Context) {
	if client.Err() == nil {
		return
	}
	d.mu.Lock()
	d.wrote = true
	d.mu.Unlock()
	d.notify()
}

func (d *disconnect) notify() {
	d.mu.Lock()
	changed := d.changed
	d.mu.Unlock()
	if changed != nil {
		signal(changed)
	}
}

// follow tells the worker once nothing was written for a while, and gives it up once it was told and goes on for longer than it may.
func (d *disconnect) follow(silence, abandon time.Duration) {
	d.mu.Lock()
	d.changed = make(chan struct{}, 1)
	d.mu.Unlock()
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for told := false; ; {
		over, wrote := d.news()
		switch {
		case over:
			return
		case !told && d.aborted():
			told = true
			timer.Reset(abandon)
		case !told && wrote:
			timer.Reset(silence)
		}
		select {
		case <-d.changed:
		case <-timer.C:
			if told {
				d.call.GiveUp(errAbandoned)
				return
			}
			d.call.Abort()
		}
	}
}

// news returns what is known, and whether something was written since it was asked last.
func (d *disconnect) news() (over, wrote bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wrote, d.wrote = d.wrote, false
	return d.over, wrote
}
