package preforker

import (
	"slices"
	"sync"
	"sync/atomic"

	"launcher/preforker/ident"
	"launcher/preforker/ruby"
)

// Line is one that a process has printed once the application was loaded.
type Line struct {
	Text      string
	By        string // byWorker, bySpare or byPreloader
	Slot      int    // of a worker
	Preloader string // its generation and refork
	Pid       int    // 0 where it is not known
}

// Who prints lines.
const (
	byWorker    = "worker"
	bySpare     = "spare"
	byPreloader = "preloader"
)

// lineOrigin says whose lines those of a process are. A spare's slot comes later.
type lineOrigin struct {
	slot      atomic.Int64 // -1 has none
	preloader string
	pid       int
}

func workerOrigin(key ident.Key, pid int) *lineOrigin {
	o := &lineOrigin{pid: pid}
	o.slot.Store(int64(key.Slot))
	return o
}

func (o *lineOrigin) line(text string) Line {
	slot := int(o.slot.Load())
	switch {
	case o.preloader != "":
		return Line{Text: text, By: byPreloader, Preloader: o.preloader, Pid: o.pid}
	case slot < 0:
		return Line{Text: text, By: bySpare, Slot: slot, Pid: o.pid}
	}
	return Line{Text: text, By: byWorker, Slot: slot, Pid: o.pid}
}

// outputsHeld bounds the pipes of processes that have ended, and that others hold which they have started. The one that
// was held first is closed.
const outputsHeld = 16

// outputs are the pipes that are read.
type outputs struct {
	mu   sync.Mutex
	all  map[*ruby.Captured]bool
	held []*ruby.Captured // their processes have ended, in the order of that
}

func (o *outputs) add(c *ruby.Captured) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[*ruby.Captured]bool{}
	}
	o.all[c] = true
}

func (o *outputs) remove(c *ruby.Captured) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, c)
	o.held = slices.DeleteFunc(o.held, func(h *ruby.Captured) bool { return h == c })
}

// hold keeps the pipe of a process that has ended, for what it has started.
func (o *outputs) hold(c *ruby.Captured) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.all[c] {
		return // the last that held it has ended by now
	}
	if o.held = append(o.held, c); len(o.held) > outputsHeld {
		o.held[0].Discard()
		o.held = o.held[1:]
	}
}

// discard closes all.
func (o *outputs) discard() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.all {
		c.Discard()
	}
}

// passOn returns what takes the lines of a process.
func (s *Supervisor) passOn(from *lineOrigin) func(string) {
	return func(text string) { s.config.Observer.Wrote(from.line(text)) }
}

// capture passes on what a process prints that was forked.
func (s *Supervisor) capture(c *ruby.Captured, from *lineOrigin) {
	s.outputs.add(c)
	s.tasks.Go(func() {
		defer s.outputs.remove(c)
		c.Follow(s.passOn(from))
	})
}

// followOutput begins with what a worker prints, once it is known who that is: until then it waits in the pipe.
func (s *Supervisor) followOutput(w *workerProcess, pid int) {
	if w.output == nil || w.origin != nil {
		return
	}
	w.origin = workerOrigin(w.key, pid)
	s.capture(w.output, w.origin)
}

// endOutput returns the last lines of a process that was forked and has ended, once all that it has printed is passed on.
func (s *Supervisor) endOutput(c *ruby.Captured) []string {
	lines, held := c.End()
	if held {
		s.outputs.hold(c)
	}
	return lines
}
