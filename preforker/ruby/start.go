package ruby

import (
	"os"
	"strconv"
	"time"

	"launcher/preforker/linux"
)

// Start is what every Ruby of one application is started with.
type Start struct {
	App     App
	Program string // path of the interpreter
	// BootTimeout and DrainTimeout are what the Ruby side is told of them.
	BootTimeout, DrainTimeout time.Duration
	LogJSON                   bool // each line of the log is a JSON object
	// Allow are the addresses that connections to a worker may come from, as the Ruby side reads them; "": whichever.
	Allow string

	Board  *os.File // the scoreboard
	Stderr *os.File // what it writes to once it has loaded
	// Printed takes each line that it prints while it loads; other goroutines call it.
	Printed func(line string)
	// Silent is told of one that does not say what it is for some seconds; nil: nobody is.
	Silent func(pid int)
}

// Settings are what every Ruby process is told (scripts/settings.rb). The application is looked for
// anew.
func (s Start) Settings(generation int) (map[string]string, error) {
	app, err := s.App.again()
	if err != nil {
		return nil, err
	}
	settings := map[string]string{
		"root": app.Root, "generation": strconv.Itoa(generation),
		"entry": app.Entry, "url_prefix": app.URLPrefix, "mounted_by": string(app.MountedBy), "hooks": app.Hooks,
		"boot_seconds": strconv.FormatFloat(s.BootTimeout.Seconds(), 'f', 3, 64),
	}
	settings["supervisor"] = strconv.Itoa(os.Getpid()) // whose end its processes leave with
	if score, err := linux.OOMScore(); err == nil {
		settings["oom_score"] = strconv.Itoa(score)
	}
	settings["drain_timeout"] = strconv.FormatFloat(s.DrainTimeout.Seconds(), 'f', -1, 64)
	if s.LogJSON {
		settings["log_format"] = "json"
	}
	if s.Allow != "" {
		settings["allow"] = s.Allow
	}
	if app.Probe != "" {
		settings["probe"] = app.Probe
	}
	if app.PassengerEvents {
		settings["passenger_events"] = "yes"
	}
	return settings, nil
}
