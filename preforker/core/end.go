package core

import (
	"time"

	"launcher/preforker/ident"
)

// Failure is an exception of Ruby, the application's own frames apart from the others.
type Failure struct {
	Class     string   `json:"class"`
	Message   string   `json:"message"`
	AppFrames []string `json:"app_frames"`
	Backtrace []string `json:"backtrace"`
}

// Failed is what a Ruby process said last, because it could not go on.
type Failed struct {
	Stage   string  `json:"stage"` // what it was doing: "load", "before_fork", "after_fork", …
	Failure Failure `json:"error"`
}

// StartError is why a process could not even be started.
type StartError struct {
	Text string `json:"text"`
	Try  string `json:"try"` // what to do; "" where that is not known
}

// LoadFailure is why a generation has not loaded the application.
type LoadFailure struct {
	Generation int
	Exit       ident.ExitStatus
	Failed     *Failed     // what it said last; nil: nothing
	StartError *StartError // nil: it was started
	Lines      []string    // the last ones that it printed
	Program    string      // its command; "" where it is not known
	Was        PreloaderState
	Reason     Reason // why it was ended; "" where it ended by itself
	Timeout    time.Duration
	CPU        time.Duration // that it took
}
