package core

import "slices"

// Who asks for a restart wants to know how it ends: when the new generation serves all slots, or why it does not. One is under way
// at a time. A later one takes its place, and the load of the first is given up.

// RestartEnd is how a restart has ended.
type RestartEnd string

// How a restart ends.
const (
	RestartServed    RestartEnd = "served"     // the new generation serves all slots
	RestartNotLoaded RestartEnd = "not loaded" // it has not loaded, and the one before serves on
	RestartHeld      RestartEnd = "held back"  // it has loaded, and is held back
	RestartNotUp     RestartEnd = "not up"     // it has loaded, and its workers die early; they are tried further
	RestartReplaced  RestartEnd = "replaced"   // somebody has asked for another one
	RestartStopped   RestartEnd = "stopped"    // the launcher stops
)

// restart is one that is under way.
type restart struct {
	number     int
	generation int // that it has loaded last, or loads; 0: that of another one is under way
	deaths     int // early ones of workers of this generation, with no request in hand
}

// Of restarts.
type (
	// RestartBegan says that a generation is loaded because somebody asked for it.
	RestartBegan struct {
		fact
		By         string
		Number     int // of the restart, from 1
		Generation int
		Slots      int // that there are
	}
	// RestartNoted says that the application is loaded once more after the load that is under way.
	RestartNoted struct {
		fact
		By     string
		Number int
		Slots  int // that there are
	}
	// RestartIgnored says that a restart comes too late.
	RestartIgnored struct {
		fact
		By        string
		Succeeded bool // by another launcher, which loads the application anyway
	}
	// RestartEnded says how a restart has ended. It comes once for each that has begun or was noted.
	RestartEnded struct {
		fact
		Number     int
		Generation int // the last one that it has loaded; 0: it has begun none
		End        RestartEnd
		Slots      int // that there are
		Deaths     int // early ones of its workers
	}
)

// restartDeaths is how many workers die early until a restart comes to nothing, unless more slots than that have a worker of it.
const restartDeaths = 5

func (c *Core) restartAsked(e RestartAsked) {
	c.unprepared = false // it may be mended
	if c.phase == PhaseStopping || c.phase == PhaseDone {
		c.do(RestartIgnored{By: e.By, Succeeded: c.succeeded})
		return
	}
	c.forgetFailedLoads()
	c.forgetCrashes()
	c.endRestart(RestartReplaced)
	c.restarts++
	c.restart = &restart{number: c.restarts}
	c.giveUpLoad()
	if c.loading() != nil || c.givenUp() {
		c.again = true
		c.do(RestartNoted{By: e.By, Number: c.restarts, Slots: len(c.slots)})
	} else {
		c.makeRoom()
		c.do(RestartBegan{By: e.By, Number: c.restarts, Generation: c.generation + 1, Slots: len(c.slots)})
		c.load()
	}
	if c.phase == PhaseRunning {
		c.fill() // slots that had failed are tried
	}
}

// giveUpLoad ends the load of a release that nobody wants any more, so that the next one need not wait for it: it may hang. The next one
// begins when it has ended, so that two do not load at once.
func (c *Core) giveUpLoad() {
	if l := c.loading(); l != nil && !c.direct() && c.phase == PhaseRunning && !c.unserved() {
		c.retire(l, ReasonSuperseded)
	}
}

// givenUp says whether a load that was given up has yet to end.
func (c *Core) givenUp() bool {
	return slices.ContainsFunc(c.preloaders, func(p *preloader) bool {
		return p.state == RetiringPreloader && !p.loaded && p.reason == ReasonSuperseded
	})
}

// restartLoads notes that the newest generation is what a restart has asked for, also where it is loaded once more because its
// preloader has died.
func (c *Core) restartLoads() {
	if c.restart != nil {
		c.restart.generation, c.restart.deaths = c.generation, 0
	}
}

// endRestartOf ends the restart that has loaded a generation.
func (c *Core) endRestartOf(generation int, how RestartEnd) {
	if c.restart != nil && c.restart.generation == generation {
		c.endRestart(how)
	}
}

func (c *Core) endRestart(how RestartEnd) {
	if r := c.restart; r != nil {
		c.restart = nil
		c.do(RestartEnded{Number: r.number, Generation: r.generation, End: how, Slots: len(c.slots), Deaths: r.deaths})
	}
}

// noteRestartDeath takes an early death, where no request was in hand.
func (c *Core) noteRestartDeath(w *worker) {
	r := c.restart
	if r == nil || r.generation != w.key.Generation {
		return
	}
	r.deaths++
	if r.deaths >= max(restartDeaths, 1+c.readyOf(r.generation)) {
		c.endRestart(RestartNotUp)
	}
}

// readyOf counts the slots that have a worker of a generation.
func (c *Core) readyOf(generation int) (n int) {
	for _, s := range c.slots {
		if w := s.serving(); w != nil && w.state == ReadyWorker && w.key.Generation == generation {
			n++
		}
	}
	return n
}
