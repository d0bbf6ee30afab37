package preforker

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// load starts the next generation.
func (c *core) load() {
	c.generation++
	c.reloadAt = 0
	c.preloaders = append(c.preloaders, &preloader{origin: ident.Origin{Generation: c.generation}, since: c.now})
	c.do(tellLoading{c.generation})
	if c.direct() {
		c.fill()
		return
	}
	c.do(startPreloader{c.generation})
	c.do(setTimer{timer{timerPreloaderBoot, ident.Key{Generation: c.generation}}, c.policy.bootTimeout})
}

func (c *core) preloader(origin ident.Origin) *preloader {
	for _, p := range c.preloaders {
		if p.origin == origin {
			return p
		}
	}
	return nil
}

// source is the newest preloader that workers can be had of: slots roll to it.
func (c *core) source() *preloader { return c.newest(c.gives) }

// gives says whether workers can be had of a preloader.
func (c *core) gives(p *preloader) bool {
	return p.state == PreloaderReady || c.direct() && p.loads()
}

// loads says whether the application is on its way.
func (p *preloader) loads() bool {
	return p.state == PreloaderStarting || p.state == PreloaderLoading
}

// provenSource is the one that an empty slot is filled from: the newest whose workers
// have been seen to come up, so that a bad release does not take the slots whose old
// worker happens to die.
func (c *core) provenSource() *preloader {
	proven := c.newest(func(p *preloader) bool { return p.proven && c.gives(p) })
	if proven == nil {
		return c.source()
	}
	return proven
}

// attrs name a preloader in the log.
func (p *preloader) attrs(more ...slog.Attr) []slog.Attr {
	return append(originAttrs(p.origin), more...)
}

func originAttrs(origin ident.Origin) []slog.Attr {
	attrs := []slog.Attr{slog.Int(keyGeneration, origin.Generation)}
	if origin.Refork > 0 {
		attrs = append(attrs, slog.Int(keyRefork, origin.Refork))
	}
	return attrs
}

// key is a preloader's in its timers.
func (p *preloader) key() ident.Key {
	return ident.Key{Generation: p.origin.Generation, Refork: p.origin.Refork}
}

func (c *core) newest(fits func(*preloader) bool) *preloader {
	for i := len(c.preloaders) - 1; i >= 0; i-- {
		if fits(c.preloaders[i]) {
			return c.preloaders[i]
		}
	}
	return nil
}

// loading is the preloader of another generation that is on its way, or nil.
func (c *core) loading() *preloader {
	for _, p := range c.preloaders {
		if p.loads() && p.origin.Refork == 0 {
			return p
		}
	}
	return nil
}

func (c *core) movePreloader(p *preloader, to PreloaderState) {
	if err := change(preloaderTransitions, &p.state, to); err != nil {
		c.fault(fmt.Errorf("preloader %s: %w", p.origin, err))
		return
	}
	p.since = c.now
}

func (c *core) preloaderHello(e preloaderHello) {
	p := c.preloader(e.origin)
	if p == nil || p.state != PreloaderStarting {
		return // it is being stopped already
	}
	p.heard = true
	c.movePreloader(p, PreloaderLoading)
	c.log(slog.LevelInfo, "preloader is loading the application",
		slog.Int(keyGeneration, p.origin.Generation), slog.Int(keyPid, e.hello.Pid), slog.String(keyRuby, e.hello.Ruby))
}

func (c *core) preloaderLoaded(e preloaderLoaded) {
	p := c.preloader(e.origin)
	if p != nil && p.origin.Refork > 0 {
		c.reforkLoaded(p, e.loaded)
		return
	}
	if p == nil || p.state != PreloaderLoading {
		return
	}
	who := p.attrs(slog.Int(keyPid, e.loaded.Pid))
	c.generationLoaded(p, "preloader loaded the application", who, e.loaded)
	p.forked = c.now
	for _, finding := range e.loaded.Findings {
		c.warn(p.origin.Generation, finding)
	}
	c.loadAgain()
	c.fill()
}

// generationLoaded: the application is there, for the first time in this generation.
func (c *core) generationLoaded(p *preloader, text string, who []slog.Attr, loaded wire.Loaded) {
	c.movePreloader(p, PreloaderReady)
	p.loaded = true
	c.hasLoaded(p, loaded)
	c.phase = phaseRunning
	c.do(tellLoaded{p.origin.Generation})
	attrs := append(who, slog.Float64(keySeconds, loaded.Seconds))
	for _, version := range []slog.Attr{slog.String(keyRuby, loaded.Ruby),
		slog.String(keyRails, loaded.Rails), slog.String(keyRack, loaded.Rack)} {
		if version.Value.String() != "" {
			attrs = append(attrs, version)
		}
	}
	c.log(slog.LevelInfo, text, attrs...)
}

// loadAgain starts the load that was asked for while another was on its way, and
// says whether there was one.
func (c *core) loadAgain() bool {
	if !c.again || c.loading() != nil {
		return false
	}
	c.again = false
	c.load()
	return true
}

// preloaderExited: one that was told to go is done; one that never loaded is an
// error, fatal where nothing has loaded yet; one that had loaded is replaced.
func (c *core) preloaderExited(e preloaderExited) {
	p := c.preloader(e.origin)
	if p == nil {
		return
	}
	was, lived := p.state, c.now-p.since
	if p.reason == ReasonBootTimeout && !p.heard && !c.direct() && p.origin.Refork == 0 {
		was = PreloaderStarting
	}
	c.movePreloader(p, PreloaderExited)
	c.dropPreloader(p)
	c.loseSpawning(p.origin)
	switch {
	case c.phase == phaseStopping:
		c.log(slog.LevelInfo, "preloader exited", p.attrs(slog.String(keyExit, e.exit.String()))...)
		c.finishWhenDone()
		return
	case was == PreloaderRetiring && p.reason != ReasonBootTimeout:
		c.log(slog.LevelInfo, "preloader retired", p.attrs()...)
		c.fill()
		return
	case was == PreloaderReady:
		attrs := p.attrs(slog.String(keyExit, e.exit.String()))
		if e.failed != nil {
			attrs = append(attrs, slog.Any(keyError, failureError(e.failed.Error)))
		}
		c.log(slog.LevelError, "preloader died; its workers serve on", attrs...)
		c.reforkDied(p)
		if lived > youngLife {
			c.failures = 0
		}
	case p.origin.Refork > 0:
		c.notReforked(p, e)
		return
	default:
		c.notLoaded(p, loadError(e, was, p.reason, c.policy.bootTimeout))
		return
	}
	c.followed(p)
}

// notLoaded: a generation that is gone had not loaded the application.
func (c *core) notLoaded(gone *preloader, err error) {
	if c.phase == phaseBooting {
		c.stop(err)
		return
	}
	c.failedLoad = &failedLoad{gone.origin.Generation, c.now, err}
	attrs := []slog.Attr{slog.Int(keyGeneration, gone.origin.Generation), slog.Any(keyError, err)}
	var load *LoadError
	if errors.As(err, &load) && load.Try != "" {
		attrs = append(attrs, slog.String(keyAdvice, load.Try))
	}
	c.log(slog.LevelError, "generation failed to load; the workers that are there serve on", attrs...)
	c.do(tellSettled{})
	c.followed(gone)
}

// followed sees to what comes after a preloader that is gone.
func (c *core) followed(gone *preloader) {
	if !c.loadAgain() {
		c.reloadLater(gone)
	}
	c.fill()
}

func (c *core) dropPreloader(gone *preloader) {
	for i, p := range c.preloaders {
		if p == gone {
			c.preloaders = append(c.preloaders[:i], c.preloaders[i+1:]...)
			return
		}
	}
}

func (c *core) restartAsked(e restartAsked) {
	switch {
	case c.phase == phaseStopping || c.phase == phaseDone:
		c.log(slog.LevelWarn, "restart ignored: the launcher is stopping", slog.String(keySignal, e.by))
	case c.loading() != nil:
		c.again = true
		c.log(slog.LevelInfo, "restart noted: the application is loaded once more after this load", slog.String(keySignal, e.by))
	default:
		c.log(slog.LevelInfo, "restart asked for", slog.String(keySignal, e.by), slog.Int(keyGeneration, c.generation+1))
		c.load()
	}
}

// preloaderBootTimeout asks a preloader that still loads where it is, and kills it
// a little later, with whatever it started.
func (c *core) preloaderBootTimeout(origin ident.Origin) {
	p := c.preloader(origin)
	if p == nil || !p.loads() {
		return
	}
	p.reason = ReasonBootTimeout
	c.movePreloader(p, PreloaderRetiring)
	ask := syscall.SIGQUIT
	if origin.Refork > 0 {
		c.log(slog.LevelDebug, "refork takes too long", p.attrs(slog.Duration(keyTimeout, c.policy.bootTimeout))...)
		ask = syscall.SIGKILL // it runs no code of the application that it could tell of
	}
	c.do(signalPreloader{origin: origin, signal: ask})
	c.do(setTimer{timer{timerPreloaderKill, p.key()}, killGrace})
}

func (c *core) preloaderKill(origin ident.Origin) {
	if p := c.preloader(origin); p != nil {
		// What a load has started is of no use to anybody when it is given up; what a loaded
		// application has started may be.
		c.do(signalPreloader{origin: origin, signal: syscall.SIGKILL, group: !p.loaded})
	}
}

// preloaderMute: it has closed its control socket, or talks nonsense, and cannot be
// told to fork any more. One that is on its way out is let go. One that loads may be about to
// end, and how it ends is what the report says.
func (c *core) preloaderMute(e preloaderMute) {
	p := c.preloader(e.origin)
	switch {
	case p == nil || p.state == PreloaderRetiring:
	case p.loads() && p.origin.Refork == 0:
		c.do(setTimer{timer{timerPreloaderMute, p.key()}, killGrace})
	default:
		c.preloaderKill(e.origin)
	}
}

func (c *core) preloaderMuteTimeout(origin ident.Origin) {
	if p := c.preloader(origin); p != nil && p.loads() {
		p.reason = ReasonChannelClosed
		c.preloaderKill(origin)
	}
}

func (c *core) retire(p *preloader, reason Reason) {
	if c.direct() {
		c.endGeneration(p)
		return
	}
	if p.state == PreloaderRetiring {
		return
	}
	p.reason = reason
	switch {
	case p.state == PreloaderReady:
		c.do(retirePreloader{p.origin, !c.outlived(p)})
	case p.origin.Refork > 0:
		// The one that it comes from runs the exit handlers, which a signal that can be caught would, too.
		c.do(signalPreloader{origin: p.origin, signal: syscall.SIGKILL})
	default:
		c.do(signalPreloader{origin: p.origin, signal: syscall.SIGTERM, group: true})
	}
	c.movePreloader(p, PreloaderRetiring)
	c.do(setTimer{timer{timerPreloaderKill, p.key()}, retireGrace})
}
