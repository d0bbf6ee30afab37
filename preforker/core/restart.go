package core

// Who asks for a restart wants to know how it ends: when the new generation serves all slots, or why it does not. One is under way
// at a time. A later one takes its place, also where the load of the first goes on.

// RestartEnd is how a restart has ended.
type RestartEnd string

// How a restart ends.
const (
	RestartServed    RestartEnd = "served"     // the new generation serves all slots
	RestartNotLoaded RestartEnd = "not loaded" // it has not loaded, and the one before serves on
	RestartHeld      RestartEnd = "held back"  // it has loaded, and is held back
	RestartReplaced  RestartEnd = "replaced"   // somebody has asked for another one
	RestartStopped   RestartEnd = "stopped"    // the launcher stops
)

// restart is one that is under way.
type restart struct {
	number     int
	generation int // that it has loaded last, or loads; 0: that of another one is under way
}

// Of restarts.
type (
	// RestartBegan says that a generation is loaded because somebody asked for it.
	RestartBegan struct {
		fact
		By         string
		Number     int // of the restart, from 1
		Generation int
	}
	// RestartNoted says that the application is loaded once more after the load that is under way.
	RestartNoted struct {
		fact
		By     string
		Number int
	}
	// RestartIgnored says that a restart comes too late.
	RestartIgnored struct {
		fact
		By string
	}
	// RestartEnded says how a restart has ended. It comes once for each that has begun or was noted.
	RestartEnded struct {
		fact
		Number     int
		Generation int // the last one that it has loaded; 0: it has begun none
		End        RestartEnd
	}
)

func (c *Core) restartAsked(e RestartAsked) {
	c.unprepared = false // it may be mended
	if c.phase == PhaseStopping || c.phase == PhaseDone {
		c.do(RestartIgnored{By: e.By})
		return
	}
	c.forgetFailedLoads()
	c.forgetCrashes()
	c.endRestart(RestartReplaced)
	c.restarts++
	c.restart = &restart{number: c.restarts}
	if c.loading() != nil {
		c.again = true
		c.do(RestartNoted{By: e.By, Number: c.restarts})
	} else {
		c.do(RestartBegan{By: e.By, Number: c.restarts, Generation: c.generation + 1})
		c.load()
	}
	if c.phase == PhaseRunning {
		c.fill() // slots that had failed are tried
	}
}

// restartLoads notes that the newest generation is what a restart has asked for, also where it is loaded once more because its
// preloader has died.
func (c *Core) restartLoads() {
	if c.restart != nil {
		c.restart.generation = c.generation
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
		c.do(RestartEnded{Number: r.number, Generation: r.generation, End: how})
	}
}
