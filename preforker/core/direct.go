package core

// With direct spawning every worker loads the application by itself. Its generation is
// starting until one of its workers says hello, loading until one has loaded the
// application, and ready from then on; a worker that ends before that ends the whole
// generation, as the end of a preloader that loads would.

func (c *Core) direct() bool { return c.policy.Method == SpawnDirect }

// loadingGeneration is the generation of a worker where nobody has loaded it yet, and
// nobody will tell that but its workers.
func (c *Core) loadingGeneration(w *worker) *preloader {
	if p := c.preloader(w.key.Origin()); c.direct() && p != nil && !p.loaded {
		return p
	}
	return nil
}

func (c *Core) workerHello(e WorkerHello) {
	_, w := c.worker(e.Key)
	if w == nil {
		return
	}
	w.pid = e.Hello.Pid
	if w.state != SpawningWorker {
		return // it is being stopped already
	}
	c.moveWorker(w, BootingWorker)
	if p := c.preloader(e.Key.Origin()); p != nil && p.state == StartingPreloader {
		c.movePreloader(p, LoadingPreloader)
	}
	c.do(WorkerLoads{Worker: w.name(), Ruby: e.Hello.Ruby})
}

func (c *Core) workerLoaded(e WorkerLoaded) {
	_, w := c.worker(e.Key)
	if w == nil {
		return
	}
	w.loaded = true
	p := c.loadingGeneration(w)
	if p != nil && p.state == RetiringPreloader && !w.leaving() {
		c.drain(w, ReasonBootFailed, false) // another one has taken too long, and the generation ends with it
	}
	if p == nil || p.state != LoadingPreloader {
		return
	}
	c.generationLoaded(p, w, e.Loaded)
	c.loadAgain()
}

// askWhereItLoads has a worker that loads for too long say where it is, and kills it a little later.
// Where nobody has loaded its generation, nobody more shall try.
func (c *Core) askWhereItLoads(w *worker) {
	w.reason = ReasonBootTimeout
	c.moveWorker(w, DrainingWorker)
	c.do(AskWorker{w.key})
	c.do(SetTimer{Timer{TimerWorkerDrain, w.key}, killGrace})
	if p := c.preloader(w.key.Origin()); p != nil && p.loads() {
		p.reason = ReasonBootTimeout
		c.movePreloader(p, RetiringPreloader)
	}
}

// firstLoadFailed ends a generation that nobody has loaded with a worker of it that is gone. Its slot
// does not wait: what else there is may be sound.
func (c *Core) firstLoadFailed(s *slot, w *worker, p *preloader, failure LoadFailure) {
	c.endGeneration(p)
	c.removeWorker(s, w, false, 0)
	for _, s := range c.slots {
		for _, other := range s.workers {
			if other.key.Origin() == p.origin && !other.leaving() {
				c.drain(other, ReasonBootFailed, false)
			}
		}
	}
	c.notLoaded(p, failure)
}

// endGeneration takes a generation without a process from the list.
func (c *Core) endGeneration(p *preloader) {
	c.movePreloader(p, ExitedPreloader)
	c.dropPreloader(p)
}

// workerLoadFailure is what a preloader's end would have been that ended in the same way. A worker that was told to
// leave because its generation was given up does not say why that was.
func (c *Core) workerLoadFailure(w *worker, p *preloader, e WorkerExited) LoadFailure {
	was, reason := LoadingPreloader, w.reason
	if w.pid == 0 { // it has not said hello
		was = StartingPreloader
	}
	if reason == ReasonBootFailed {
		reason = p.reason
	}
	return LoadFailure{Generation: w.key.Generation, Exit: e.Exit, Failed: e.Failed, Lines: e.Lines, Was: was, Reason: reason,
		Timeout: c.policy.BootTimeout, CPU: e.CPU}
}
