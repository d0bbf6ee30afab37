package experiment

import (
	"time"

	"launcher/cmd/launcher/internal/experiment/mix"
)

// Config says what is measured and how. All of it is set.
type Config struct {
	Methods   []Method
	Processes []int // numbers of processes, each at least 1

	App      App
	Launcher string // path of this program
	// BeforeRun is a shell command that is run in the application's folder before each run, so that each begins with the same data; "": none.
	BeforeRun string
	Scratch   string // folder for sockets and logs; whoever made it removes it

	Paths       []string
	Mix         []mix.Request // in the place of paths; nil: those are requested in turn
	MixFile     string        // its name
	Requests    int
	UntilSteady bool // end a load sooner, once throughput and memory are steady
	Connections int
	Repeat      int     // rounds: how often each run is made
	Rate        float64 // requests a second, 0: as fast as responses come
	// Straight sends the requests to each server itself, with no web server between.
	Straight bool

	// Reserve is what must stay available of the machine's memory, in bytes.
	Reserve        uint64
	BootTimeout    time.Duration
	RequestTimeout time.Duration

	Command []string // as the user typed it
	// Keep is called after each run with what there is so far. Its error ends the experiment.
	Keep     func(*Results) error
	Observer Observer
}

// Observer shows the progress of an experiment. Its methods are
// called in turn, by one goroutine at a time.
type Observer interface {
	// Planned says how many runs there will be, before the first.
	Planned(runs int)
	// Working says what a run does now.
	Working(method Method, processes int, what string)
	// Requested says how far the load is.
	Requested(done, failed, of int)
	// Finished says that a run has ended, how many are ahead and how long they will take.
	Finished(run Run, ahead int, left time.Duration)
	// LeftOut says that something will not be measured, and why.
	LeftOut(skipped Skipped)
	// Warned passes on what a reader of the results should know.
	Warned(text string)
}
