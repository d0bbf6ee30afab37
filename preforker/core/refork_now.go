package core

import "launcher/preforker/ident"

// An operator may want the next preloader to be forked now: before a measurement, or where nothing has been reforked for long. What
// only saves requests is passed over then, how many were served and what it would gain; what makes it safe is not.

// ReforkNowAsked asks for it.
type ReforkNowAsked struct{ By string }

func (ReforkNowAsked) isEvent() {}

// NoRefork is why no worker can be asked to fork a preloader now.
type NoRefork string

// Why none can.
const (
	NoReforkStops    NoRefork = "the launcher stops"
	NoReforkDirect   NoRefork = "each worker loads the application by itself (--spawn-method direct)"
	NoReforkOff      NoRefork = "it is switched off (--refork-after never)"
	NoReforkLoads    NoRefork = "the application is being loaded"
	NoReforkSource   NoRefork = "there is no preloader, and the next load waits"
	NoReforkPrepares NoRefork = "the preloader still prepares what keeps memory shared"
	NoReforkUnderWay NoRefork = "one is under way already"
	NoReforkChanges  NoRefork = "the slots are being filled from another preloader"
	NoReforkNoneWarm NoRefork = "no worker that could be asked has served a request"
	NoReforkDeclared NoRefork = "the application says of its workers that nothing is to be forked from them"
)

// ReforkEnd is how a refork has ended that somebody asked for.
type ReforkEnd string

// How it ends.
const (
	ReforkDone      ReforkEnd = "completed"  // all slots have forks of it
	ReforkNotForked ReforkEnd = "not forked" // there is no such preloader
	ReforkGivenBack ReforkEnd = "given up"   // it was there, and the slots have others
	ReforkStopped   ReforkEnd = "stopped"    // with the launcher
)

// reforkNow is one that somebody asked for, and that is under way.
type reforkNow struct {
	origin    ident.Origin
	ready     bool // it could fork
	completed bool
}

func (c *Core) reforkNowAsked(e ReforkNowAsked) {
	source := c.newestSource()
	if why := c.whyNoRefork(source); why != "" {
		c.do(ReforkNowRefused{By: e.By, Why: why})
		return
	}
	w := c.busiestWorker(source.origin, 1)
	origin := ident.Origin{Generation: source.origin.Generation, Refork: c.reforksOf(source.origin.Generation).last + 1}
	c.reforkNow = &reforkNow{origin: origin}
	c.do(ReforkNowBegan{By: e.By, Origin: origin, Worker: w.name(), Served: w.served, Slots: c.unparked()})
	c.askToRefork(source, w)
}

// whyNoRefork says why no worker can be asked to fork the next preloader, or "".
func (c *Core) whyNoRefork(source *preloader) NoRefork {
	switch {
	case c.phase >= PhaseStopping:
		return NoReforkStops
	case c.direct():
		return NoReforkDirect
	case !c.reforks():
		return NoReforkOff
	case c.loading() != nil:
		return NoReforkLoads
	case source == nil:
		return NoReforkSource
	case source.preparing:
		return NoReforkPrepares
	case c.reforkNow != nil || c.reforking(source):
		return NoReforkUnderWay
	case !c.mayRefork(source):
		return NoReforkChanges
	case c.busiestWorker(source.origin, 1) != nil:
		return ""
	case c.reforksOf(source.origin.Generation).declared:
		return NoReforkDeclared
	}
	return NoReforkNoneWarm
}

// reforking says whether a preloader of this generation is on its way, or takes slots.
func (c *Core) reforking(source *preloader) bool {
	for _, p := range c.preloaders {
		if p.origin.Generation == source.origin.Generation && p.origin.Refork > 0 && (p.loads() || p.state == ReadyPreloader && p == source && c.announced != p.origin) {
			return true
		}
	}
	return false
}

// followReforkNow tells how the refork has ended that somebody asked for, once that is so. It is called after each event.
func (c *Core) followReforkNow() {
	r := c.reforkNow
	if r == nil {
		return
	}
	p := c.preloader(r.origin)
	r.ready = r.ready || p != nil && p.state == ReadyPreloader
	end := ReforkEnd("")
	switch {
	case c.phase >= PhaseStopping:
		end = ReforkStopped
	case r.completed:
		end = ReforkDone
	case p != nil && (p.loads() || p.state == ReadyPreloader):
		return
	case r.ready:
		end = ReforkGivenBack
	default:
		end = ReforkNotForked
	}
	c.reforkNow = nil
	c.do(ReforkNowEnded{Origin: r.origin, End: end})
}
