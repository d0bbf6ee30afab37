package preforker

import (
	"fmt"
	"log/slog"
	"syscall"

	"launcher/preforker/internal/wire"
)

// load starts the next generation.
func (c *core) load() {
	c.generation++
	c.preloaders = append(c.preloaders, &preloader{generation: c.generation, since: c.now})
	c.do(startPreloader{c.generation})
	c.do(setTimer{timer{timerPreloaderBoot, wire.Key{Generation: c.generation}}, c.policy.bootTimeout})
}

func (c *core) preloader(generation int) *preloader {
	for _, p := range c.preloaders {
		if p.generation == generation {
			return p
		}
	}
	return nil
}

// source is the preloader that new workers come from: the newest that is ready.
func (c *core) source() *preloader {
	for i := len(c.preloaders) - 1; i >= 0; i-- {
		if c.preloaders[i].state == PreloaderReady {
			return c.preloaders[i]
		}
	}
	return nil
}

// loading is the preloader that is on its way, or nil.
func (c *core) loading() *preloader {
	for _, p := range c.preloaders {
		if p.state == PreloaderStarting || p.state == PreloaderLoading {
			return p
		}
	}
	return nil
}

func (c *core) movePreloader(p *preloader, to PreloaderState) {
	if err := change(preloaderTransitions, &p.state, to); err != nil {
		c.fault(fmt.Errorf("preloader gen=%d: %w", p.generation, err))
		return
	}
	p.since = c.now
}

func (c *core) preloaderHello(e preloaderHello) {
	p := c.preloader(e.generation)
	if p == nil || p.state != PreloaderStarting {
		return // it is being stopped already
	}
	c.movePreloader(p, PreloaderLoading)
	c.log(slog.LevelInfo, "preloader is loading the application",
		slog.Int(keyGeneration, p.generation), slog.Int(keyPid, e.hello.Pid), slog.String(keyRuby, e.hello.Ruby))
}

func (c *core) preloaderLoaded(e preloaderLoaded) {
	p := c.preloader(e.generation)
	if p == nil || p.state != PreloaderLoading {
		return
	}
	c.movePreloader(p, PreloaderReady)
	c.phase = phaseRunning
	c.do(tellLoaded{p.generation})
	attrs := []slog.Attr{slog.Int(keyGeneration, p.generation), slog.Int(keyPid, e.loaded.Pid),
		slog.Float64(keySeconds, e.loaded.Seconds)}
	for _, version := range []slog.Attr{slog.String(keyRuby, e.loaded.Ruby),
		slog.String(keyRails, e.loaded.Rails), slog.String(keyRack, e.loaded.Rack)} {
		if version.Value.String() != "" {
			attrs = append(attrs, version)
		}
	}
	c.log(slog.LevelInfo, "preloader loaded the application", attrs...)
	for _, thread := range e.loaded.Threads {
		c.log(slog.LevelWarn, "boot started a thread that no worker will have (start it in after_fork, config/launcher.rb)",
			slog.Int(keyGeneration, p.generation), slog.String(keyThread, thread))
	}
	for _, socket := range e.loaded.Sockets {
		c.log(slog.LevelWarn, "boot opened a socket that all workers would share (reconnect in after_fork, config/launcher.rb)",
			slog.Int(keyGeneration, p.generation), slog.String(keySocket, socket))
	}
	c.fill()
}

// preloaderExited: one that was told to go is done; one that never loaded is an
// error, fatal where nothing has loaded yet; one that had loaded is replaced.
func (c *core) preloaderExited(e preloaderExited) {
	p := c.preloader(e.generation)
	if p == nil {
		return
	}
	was, lived := p.state, c.now-p.since
	c.movePreloader(p, PreloaderExited)
	c.dropPreloader(p)
	c.loseSpawning(p.generation)
	switch {
	case c.phase == phaseStopping:
		c.log(slog.LevelInfo, "preloader exited", slog.Int(keyGeneration, p.generation), slog.String(keyExit, e.exit.String()))
		c.finishWhenDone()
		return
	case was == PreloaderRetiring && p.reason != ReasonBootTimeout:
		c.log(slog.LevelInfo, "preloader retired", slog.Int(keyGeneration, p.generation))
		c.fill()
		return
	case was == PreloaderReady:
		c.log(slog.LevelError, "preloader died; its workers serve on",
			slog.Int(keyGeneration, p.generation), slog.String(keyExit, e.exit.String()))
		if lived > youngLife {
			c.failures = 0
		}
	default:
		err := loadError(e, p.reason, c.policy.bootTimeout)
		if c.phase == phaseBooting {
			c.stop(err)
			return
		}
		c.log(slog.LevelError, "generation failed to load; the workers that are there serve on",
			slog.Int(keyGeneration, p.generation), slog.Any(keyError, err))
	}
	c.reloadLater(p.generation)
}

func (c *core) dropPreloader(gone *preloader) {
	for i, p := range c.preloaders {
		if p == gone {
			c.preloaders = append(c.preloaders[:i], c.preloaders[i+1:]...)
			return
		}
	}
}

// reloadLater plans the next load, unless another preloader can fork: then an
// operator asked for the one that failed, and asks again when it is mended.
func (c *core) reloadLater(gone int) {
	if c.source() != nil || c.loading() != nil {
		c.fill()
		return
	}
	c.failures++
	wait := loadBackoff.delay(c.failures, c.random())
	if wait == 0 {
		c.load()
		return
	}
	c.log(slog.LevelWarn, "the next load waits", slog.Int(keyGeneration, gone+1), slog.Duration(keyWait, wait))
	c.do(setTimer{timer{timerReload, wire.Key{Generation: gone}}, wait})
}

func (c *core) reload(gone int) {
	if c.phase == phaseRunning && c.generation == gone && c.loading() == nil {
		c.load()
	}
}

func (c *core) restartAsked(e restartAsked) {
	switch {
	case c.phase == phaseStopping || c.phase == phaseDone:
		c.log(slog.LevelWarn, "restart ignored: the launcher is stopping", slog.String(keySignal, e.by))
	case c.loading() != nil:
		c.log(slog.LevelWarn, "restart ignored: a generation is loading already", slog.String(keySignal, e.by))
	default:
		c.log(slog.LevelInfo, "restart asked for", slog.String(keySignal, e.by), slog.Int(keyGeneration, c.generation+1))
		c.load()
	}
}

// preloaderBootTimeout asks a preloader that still loads where it is, and kills it
// a little later, with whatever it started.
func (c *core) preloaderBootTimeout(generation int) {
	p := c.preloader(generation)
	if p == nil || (p.state != PreloaderStarting && p.state != PreloaderLoading) {
		return
	}
	p.reason = ReasonBootTimeout
	c.movePreloader(p, PreloaderRetiring)
	c.do(signalPreloader{generation: generation, signal: syscall.SIGQUIT})
	c.do(setTimer{timer{timerPreloaderKill, wire.Key{Generation: generation}}, killGrace})
}

func (c *core) preloaderKill(generation int) {
	if p := c.preloader(generation); p != nil {
		c.do(signalPreloader{generation: generation, signal: syscall.SIGKILL, group: p.reason == ReasonBootTimeout})
	}
}

func (c *core) retire(p *preloader, reason Reason) {
	if p.state == PreloaderRetiring {
		return
	}
	p.reason = reason
	if p.state == PreloaderReady {
		c.do(retirePreloader{p.generation})
	} else {
		c.do(signalPreloader{generation: p.generation, signal: syscall.SIGTERM, group: true})
	}
	c.movePreloader(p, PreloaderRetiring)
	c.do(setTimer{timer{timerPreloaderKill, wire.Key{Generation: p.generation}}, retireGrace})
}
