package examine

import (
	"context"
	"fmt"
	"os"
	"time"

	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
)

// Result is what was found in an application that has loaded.
type Result struct {
	Ruby, Rails, Rack string  // versions; "" without Rails
	Seconds           float64 // that loading took
	Findings          []Finding
	Measured          Measured
}

// Config is what an examination is told.
type Config struct {
	App         ruby.App
	Ruby        string // path of the interpreter
	BootTimeout time.Duration
	// Traced finds out where each socket was opened. It takes memory, which is measured
	// with the rest.
	Traced bool
}

// Run loads an application as a preloader would, and returns what stands in the way of forking it.
// What it prints is kept for the report of a failure. Whatever it has started is asked to end with
// it, as far as it is in the group of its process; the rest is the caller's.
func Run(ctx context.Context, config Config) (*Result, error) {
	board, err := linux.MemoryFile("launcher-scoreboard", scoreboard.Size(1))
	if err != nil {
		return nil, fmt.Errorf("create scoreboard: %w", err)
	}
	defer board.Close()
	// Ruby is started just as a supervisor does it, and nobody reads what it prints.
	start := ruby.Start{App: config.App, Program: config.Ruby, BootTimeout: config.BootTimeout, Board: board, Stderr: os.Stderr,
		Printed: func(string) {}}
	settings, err := start.Settings(1)
	if err != nil {
		return nil, err
	}
	settings["mode"] = "doctor"
	if config.Traced {
		settings["trace"] = "yes"
	}
	process, err := start.Launch("control doctor", settings, nil)
	if err != nil {
		return nil, ruby.LoadEnd{Start: err}.Err()
	}
	return (&examiner{config: config, ruby: process, silent: true}).run(ctx)
}
