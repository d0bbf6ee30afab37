//go:build linux

package cli

import (
	"sync"
	"sync/atomic"
	"time"
)

// drain is the time that requests have which are in flight when a stop is asked for.
type drain struct {
	timeout time.Duration
	until   atomic.Pointer[time.Time] // nil: no stop was asked for

	hurry  chan struct{} // closed when nobody is to be waited for
	cutOff sync.Once
}

func newDrain(timeout time.Duration) *drain {
	return &drain{timeout: timeout, hurry: make(chan struct{})}
}

func (d *drain) begin(now time.Time) {
	until := now.Add(d.timeout)
	d.until.Store(&until)
}

// cut has it end now.
func (d *drain) cut() { d.cutOff.Do(func() { close(d.hurry) }) }

// awaitWorkless waits for the time at which the workers are to leave: when the front has ended or, once two thirds of the time have passed,
// when no request needs one any more. A slow download is the front's alone, and the workers are to have time for their exit handlers.
func (d *drain) awaitWorkless(ended <-chan struct{}, needed func() bool) {
	look := time.NewTimer(d.timeout - d.timeout/3)
	defer look.Stop()
	for unneeded := 0; unneeded < 2; { // one look may fall between a request and its handler
		select {
		case <-ended:
			return
		case <-look.C:
		}
		unneeded++
		if needed() {
			unneeded = 0
		}
		look.Reset(neededPause)
	}
}

// neededPause is the time from one look at that to the next.
const neededPause = 50 * time.Millisecond

// lastResponses is how long clients may take to read their responses when the last worker has left and the time is over.
const lastResponses = time.Second

// over returns a channel that has something when the time is over: at once where no stop was asked for by now.
func (d *drain) over() <-chan time.Time {
	until := d.until.Load()
	if until == nil {
		return time.After(0)
	}
	return time.After(time.Until(*until))
}

// awaitFront has the front refuse the requests that still wait for a worker, and waits for clients that read what there is. Where another
// launcher follows, everybody waits for that one, and signals are its own.
func (s *service) awaitFront(follows bool) {
	if s.http == nil {
		return
	}
	s.http.handler.Close()
	ended, served := make(chan struct{}), s.waitingServed()
	s.tasks.Go(func() {
		defer close(ended)
		<-s.frontEnded
		<-served
	})
	if !follows {
		select {
		case <-ended:
		case <-s.drain.hurry:
		case <-s.drain.over():
		}
	}
	select {
	case <-ended:
	case <-time.After(lastResponses):
	}
}
