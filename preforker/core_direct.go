package preforker

import "log/slog"

// With direct spawning every worker loads the application by itself. Its generation is
// starting until one of its workers says hello, loading until one has loaded the
// application, and ready from then on; a worker that ends before that ends the whole
// generation, as the end of a preloader that loads would.

func (c *core) direct() bool { return c.policy.method == SpawnDirect }

// unloaded is the generation of a worker where nobody has loaded it yet, and
// nobody will tell that but its workers.
func (c *core) unloaded(w *worker) *preloader {
	if p := c.preloader(w.key.Origin()); c.direct() && p != nil && !p.loaded {
		return p
	}
	return nil
}

func (c *core) workerHello(e workerHello) {
	_, w := c.worker(e.key)
	if w == nil {
		return
	}
	w.pid = e.hello.Pid
	if w.state != WorkerSpawning {
		return // it is being stopped already
	}
	c.moveWorker(w, WorkerBooting)
	if p := c.preloader(e.key.Origin()); p != nil && p.state == PreloaderStarting {
		c.movePreloader(p, PreloaderLoading)
	}
	c.log(slog.LevelInfo, "worker is loading the application", w.attrs(slog.String(keyRuby, e.hello.Ruby))...)
}

func (c *core) workerLoaded(e workerLoaded) {
	_, w := c.worker(e.key)
	if w == nil {
		return
	}
	w.loaded = true
	p := c.preloader(e.key.Origin())
	if p == nil || p.state != PreloaderLoading {
		return
	}
	c.generationLoaded(p, "worker loaded the application", w.attrs(), e.loaded)
	c.loadAgain()
}

// askWhere has a worker that loads for too long say where it is, and kills it a little later.
// Where nobody has loaded its generation, nobody more shall try.
func (c *core) askWhere(w *worker) {
	w.reason = ReasonBootTimeout
	c.moveWorker(w, WorkerDraining)
	c.do(askWorker{w.key})
	c.do(setTimer{timer{timerWorkerDrain, w.key}, killGrace})
	if p := c.preloader(w.key.Origin()); p != nil && p.loads() {
		p.reason = ReasonBootTimeout
		c.movePreloader(p, PreloaderRetiring)
	}
}

// firstLoadFailed: a worker is gone, and with it its generation, which nobody has loaded. Its slot
// does not wait: what else there is may be sound.
func (c *core) firstLoadFailed(s *slot, w *worker, p *preloader, err error) {
	c.endGeneration(p)
	c.bury(s, w, false, 0)
	for _, s := range c.slots {
		for _, other := range s.workers {
			if other.key.Origin() == p.origin && !other.leaving() {
				c.drain(other, ReasonBootFailed, false)
			}
		}
	}
	c.notLoaded(p, err)
}

// endGeneration takes a generation without a process from the list.
func (c *core) endGeneration(p *preloader) {
	c.movePreloader(p, PreloaderExited)
	c.dropPreloader(p)
}

// workerLoadError is the report of a preloader that ended in the same way.
func (c *core) workerLoadError(w *worker, e workerExited) error {
	was := PreloaderLoading
	if w.state == WorkerSpawning {
		was = PreloaderStarting
	}
	return loadError(preloaderExited{exit: e.exit, failed: e.failed, lines: e.lines}, was, w.reason, c.policy.bootTimeout)
}
