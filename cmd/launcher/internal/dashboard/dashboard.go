package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"launcher/preforker/control"
)

// Launcher is the one that is shown. Both functions may be called by many goroutines at once.
type Launcher struct {
	Status  func(context.Context) (control.Status, error)
	Restart func(context.Context) error
	// EventsFrom returns the events from a place on, and the place of the next one; nil: deaths are known by the status alone.
	EventsFrom func(place uint64) (lines []json.RawMessage, next uint64)
	// Kill ends the worker of a slot, if it is the one with this pid; nil: the page has no button for it.
	Kill func(ctx context.Context, slot, pid int) error
}

// Dashboard keeps the history, and makes the page. Make it with New and end it with Close.
type Dashboard struct {
	launcher Launcher
	ctx      context.Context // ends with Close
	end      context.CancelFunc
	tasks    sync.WaitGroup
	now      func() time.Time

	fresh, period, patience time.Duration // of a status, between two looks, of who reads

	mu       sync.Mutex
	lasting  bool      // the history is kept whoever looks
	wanted   time.Time // when somebody has looked last
	sampling bool
	history  history
	since    time.Time // when the history began

	shown  chan struct{} // has a place for whoever asks for the status
	status control.Status
	at     time.Time // of it
}

// New makes a dashboard, which does nothing until somebody looks.
func New(launcher Launcher) *Dashboard {
	ctx, end := context.WithCancel(context.Background())
	return &Dashboard{launcher: launcher, ctx: ctx, end: end, now: time.Now, shown: make(chan struct{}, 1), fresh: fresh, period: streamPeriod, patience: streamTime}
}

// Keep has the history kept from now on, whoever looks.
func (d *Dashboard) Keep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lasting = true
	d.sample()
}

// Close ends what goes on, and waits for that.
func (d *Dashboard) Close() {
	d.mu.Lock()
	d.end() // with the lock: no history begins any more
	d.mu.Unlock()
	d.tasks.Wait()
}

// look notes that somebody looks.
func (d *Dashboard) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = d.now()
	d.sample()
}

// sample begins the history, unless that goes on already. It is called with the lock.
func (d *Dashboard) sample() {
	if d.sampling || d.ctx.Err() != nil {
		return
	}
	d.sampling, d.since, d.history = true, d.now(), history{marks: marks{events: d.launcher.EventsFrom != nil}}
	d.tasks.Go(d.keepHistory)
}

// sampleShare bounds what samples cost: one that has taken 10 ms is followed by a second of rest at least.
const sampleShare = 100

// keepHistory takes samples until nobody has looked for as long as they are kept.
func (d *Dashboard) keepHistory() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		status, err := d.launcher.Status(d.ctx)
		if !d.keep(status, err) {
			return
		}
		timer.Reset(max(samplePeriod, sampleShare*time.Since(began)))
	}
}

// keep adds a sample, and says whether there is to be another one.
func (d *Dashboard) keep(status control.Status, err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.lasting && d.now().Sub(d.wanted) > span {
		d.sampling, d.history = false, history{}
		return false
	}
	if err == nil {
		d.history.add(status)
		d.noteEvents()
	}
	return true
}

// noteEvents takes what has happened since the last time. It is called with the lock.
func (d *Dashboard) noteEvents() {
	m := &d.history.marks
	if d.launcher.EventsFrom == nil {
		return
	}
	var lines []json.RawMessage
	lines, m.place = d.launcher.EventsFrom(m.place)
	m.noteEvents(lines, d.now())
}

// fresh is how old a status may be that is shown: many who look at once cost no more than one.
const fresh = 900 * time.Millisecond

// current returns the status of now.
func (d *Dashboard) current(ctx context.Context) (control.Status, error) {
	select {
	case d.shown <- struct{}{}:
		defer func() { <-d.shown }()
	case <-ctx.Done():
		return control.Status{}, fmt.Errorf("wait for the status: %w", ctx.Err())
	}
	if now := d.now(); now.Sub(d.at) < d.fresh && !d.at.IsZero() {
		return d.status, nil
	}
	status, err := d.launcher.Status(ctx)
	if err != nil {
		return status, err
	}
	d.status, d.at = status, d.now()
	return status, nil
}

// view returns what the page shows now.
func (d *Dashboard) view(ctx context.Context) (view, error) {
	d.look()
	status, err := d.current(ctx)
	if err != nil {
		return view{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.history.marks.note(status)
	d.noteEvents()
	v := viewOf(status, &d.history)
	if !d.lasting || d.now().Sub(d.since) < span {
		v.Since = "Kept since " + clock(d.since)
		if !d.lasting {
			v.Since += ", when this page was first asked for; with --dashboard from the start."
		}
	}
	return v, nil
}
