package ruby

import (
	"strconv"
	"strings"
)

// Warmup is the requests that a preloader sends to its own application before it
// forks. None are sent where there are no paths.
type Warmup struct {
	Paths   []string
	Host    string   // of the Host header
	Headers []string // "Name: value"
	Count   int      // of requests to each path
}

// AddTo passes it to the Ruby side. Nothing in it may hold the end of a line, which
// the caller has checked.
func (w Warmup) AddTo(settings map[string]string) {
	if len(w.Paths) == 0 {
		return
	}
	settings["warmup_paths"] = strings.Join(w.Paths, "\n")
	settings["warmup_host"] = w.Host
	settings["warmup_headers"] = strings.Join(w.Headers, "\n")
	settings["warmup_count"] = strconv.Itoa(w.Count)
}
