package ruby

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

func TestFailureError(t *testing.T) {
	failure := wire.Failure{Class: "KeyError", Message: "no key"}
	if got := FailureError(failure).Error(); got != "KeyError: no key" {
		t.Errorf("%q", got)
	}
	failure.AppFrames = []string{"lib/a.rb:1", "lib/b.rb:2"}
	if got := FailureError(failure).Error(); got != "KeyError: no key at lib/a.rb:1" {
		t.Errorf("%q", got)
	}
}

func TestLoadError(t *testing.T) {
	failed := func(stage, class, message string) *wire.Failed {
		return &wire.Failed{Stage: stage, Error: wire.Failure{Class: class, Message: message, AppFrames: []string{"config.ru:1"}}}
	}
	for name, test := range map[string]struct {
		end  LoadEnd
		says string
		try  string
	}{
		"not started": {end: LoadEnd{Start: fs.ErrPermission, Silent: true},
			says: "start Ruby: permission denied", try: "--ruby"},
		"no Ruby": {end: LoadEnd{Exit: ident.ExitStatus{Code: 3}, Silent: true},
			says: "start Ruby: it ended before it said its version (exit status 3)", try: "--ruby"},
		"wrong Ruby": {end: LoadEnd{Failed: failed(stageRuby, "", "it is too old"), Silent: true},
			says: "start Ruby: it is too old", try: "--ruby"},
		"silent": {end: LoadEnd{Exit: ident.ExitStatus{Signal: 9}, TimedOut: true},
			says: "load the application: not done within 1m0s (--boot-timeout)", try: "raise --boot-timeout"},
		"hangs": {end: LoadEnd{Failed: failed("boot timeout", "RuntimeError", "still loading"), TimedOut: true},
			says: "load the application: not done within 1m0s (--boot-timeout)\n  in the application:\n    config.ru:1", try: "raise --boot-timeout"},
		"raises": {end: LoadEnd{Failed: failed("load", "KeyError", "no key\n")},
			says: "load the application: KeyError: no key\n  in the application:\n    config.ru:1", try: "bin/rails runner 1"},
		"exits": {end: LoadEnd{Failed: failed("load", "SystemExit", "status 3")},
			says: "load the application: it ended itself with exit (status 3)", try: "bin/rails runner 1"},
		"gem": {end: LoadEnd{Failed: failed("load", "Bundler::GemNotFound", "no rack")},
			says: "load the application: Bundler::GemNotFound: no rack", try: "bundle install"},
		"killed": {end: LoadEnd{Exit: ident.ExitStatus{Signal: 9}, Lines: []string{"one", "two"}},
			says: "load the application: Ruby ended while it loaded: signal SIGKILL\n  the last lines that it printed:\n    one\n    two", try: "memory was short"},
		"replaced": {end: LoadEnd{Exit: ident.ExitStatus{Signal: 9}, ChannelClosed: true},
			says: "load the application: it replaced Ruby by another program (exec), or closed descriptors that are not its own", try: "bin/rails runner 1"},
		"a wrapper": {end: LoadEnd{Exit: ident.ExitStatus{Signal: 9}, Program: "/bin/wrapper", Silent: true, ChannelClosed: true},
			says: "start Ruby: /bin/wrapper closed the descriptors that it was given", try: "--ruby"},
		"silent, says not where": {end: LoadEnd{Exit: ident.ExitStatus{Signal: 9}, TimedOut: true},
			says: "load the application: not done within 1m0s (--boot-timeout), and it does not say where it is", try: "has code of its own for the signal QUIT"},
	} {
		t.Run(name, func(t *testing.T) {
			test.end.Timeout = time.Minute
			err := test.end.Err()
			var user interface{ Hint() string }
			if !errors.As(err, &user) || !strings.Contains(user.Hint(), test.try) || !strings.HasPrefix(err.Error(), test.says) {
				t.Errorf("%q, want %q; %q", err, test.says, test.try)
			}
		})
	}
}

// TestLoadErrorIsBounded: the application's frames come first, and what is left out is counted.
func TestLoadErrorIsBounded(t *testing.T) {
	failure := &wire.Failure{}
	for n := range 30 {
		failure.AppFrames = append(failure.AppFrames, fmt.Sprintf("app %d", n))
		failure.Backtrace = append(failure.Backtrace, fmt.Sprintf("gem %d", n))
	}
	lines := strings.Split((&LoadError{Summary: "it failed", Failure: failure}).Error(), "\n")
	if len(lines) != 1+1+framesShown+1+1+framesShown/2+1 || lines[1] != "  in the application:" || lines[2] != "    app 0" ||
		lines[2+framesShown] != "    … 20 more" || lines[4+framesShown] != "    gem 0" || lines[len(lines)-1] != "    … 25 more" {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
}
