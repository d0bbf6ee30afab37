package linux

import "sync"

// Endings tells when children end, by one goroutine for all of them: one each would be a stack each, which every collection of garbage
// reads.
type Endings struct {
	poller *poller

	mu    sync.Mutex
	ended map[int]func() // by the pid, which nobody else has before the child is reaped
}

// NewEndings makes one that knows of no child.
func NewEndings() (*Endings, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &Endings{poller: p, ended: map[int]func(){}}, nil
}

// Follow has Wait call a function once the child has ended, which may be so already. It must not wait. Reap comes after that.
func (e *Endings) Follow(c *Child, ended func()) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.poller.ask(c.file, c.Pid); err != nil {
		return err
	}
	e.ended[c.Pid] = ended
	return nil
}

// Wait calls what Follow was given. It returns when Close is called.
func (e *Endings) Wait() error {
	return e.poller.wait(func(pid int) {
		e.mu.Lock()
		ended := e.ended[pid]
		delete(e.ended, pid)
		e.mu.Unlock()
		if ended != nil {
			ended()
		}
	})
}

// Close ends Wait.
func (e *Endings) Close() { e.poller.close() }
