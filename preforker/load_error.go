package preforker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
	"launcher/preforker/ruby"
)

// LoadError is why a generation has not come up: how its process ended, the
// exception with the application's own frames first, what it printed last.
type LoadError struct {
	Summary string
	Failure *wire.Failure // nil where Ruby could say nothing
	Lines   []string
	Try     string
}

// Error is a few lines for a person, the summary first.
func (e *LoadError) Error() string {
	var b strings.Builder
	b.WriteString(e.Summary)
	if e.Failure != nil {
		section(&b, "in the application", e.Failure.AppFrames, framesShown)
		section(&b, "called from", e.Failure.Backtrace, framesShown/2)
	}
	section(&b, "the last lines that it printed", e.Lines, len(e.Lines))
	return b.String()
}

// framesShown is enough to find the place; "Try" names the command that shows all.
const framesShown = 10

func section(b *strings.Builder, title string, lines []string, most int) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %s:", title)
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(b, "\n    … %d more", len(lines)-most)
			break
		}
		fmt.Fprintf(b, "\n    %s", line)
	}
}

// Hint is what to do.
func (e *LoadError) Hint() string { return e.Try }

func failureError(f wire.Failure) error {
	where := ""
	if len(f.AppFrames) > 0 {
		where = " at " + f.AppFrames[0]
	}
	if hint := ruby.MachineHint(f); hint != "" {
		where += " (" + hint + ")"
	}
	return fmt.Errorf("%s: %s%s", f.Class, f.Message, where)
}

// rubyEnd is how a Ruby ended before the application was there.
type rubyEnd struct {
	start    error // it could not be started
	exit     ident.ExitStatus
	failed   *wire.Failed  // what it said last; nil: nothing
	lines    []string      // the last ones that it printed
	program  string        // its command; "": not known
	silent   bool          // it has not said what it is
	timedOut bool          // it was ended because of that
	mute     bool          // it was ended because it had closed its channel
	timeout  time.Duration // that it had
}

// loadError is the report of it.
func loadError(e rubyEnd) error {
	err := &LoadError{Lines: e.lines, Try: ruby.AnyError}
	var user *hint.Error
	what := e.program
	if what == "" {
		what = "it"
	}
	switch {
	case errors.As(e.start, &user):
		err.Summary, err.Try = user.Error(), user.Try
	case e.start != nil:
		err.Summary = fmt.Sprintf("start Ruby: %v", e.start)
		err.Try = ruby.OfText(ruby.ErrnoHints, e.start.Error(), "name the Ruby to run with --ruby")
	case e.timedOut && e.silent:
		err.Summary = fmt.Sprintf("start Ruby: %s has not said what it is within %v (--boot-timeout); is it a Ruby?", what, e.timeout)
		err.Try = "name another Ruby with --ruby"
	case e.timedOut:
		err.Summary = fmt.Sprintf("load the application: not done within %v (--boot-timeout)", e.timeout)
		err.Try = "raise --boot-timeout, or see where it hangs: the first line of its frames above"
		if e.failed != nil {
			err.Failure = &e.failed.Error
		} else {
			err.Summary += ", and it does not say where it is"
			err.Try = "raise --boot-timeout, or see without the launcher where it hangs: it has code of its own for the signal QUIT, or a C extension does not return"
		}
	case e.mute && e.silent:
		err.Summary = fmt.Sprintf("start Ruby: %s closed the descriptors that it was given", what)
		err.Try = "have what --ruby names keep descriptors from 3 on open, as exec does and sudo does not; or name Ruby itself"
	case e.mute && e.failed == nil:
		err.Summary = "load the application: it replaced Ruby by another program (exec), or closed descriptors that are not its own"
	case e.failed != nil && e.failed.Stage == ruby.StageRuby:
		err.Summary = "start Ruby: " + e.failed.Error.Message
		err.Try = "name another Ruby with --ruby"
	case e.failed != nil:
		err.Failure = &e.failed.Error
		err.Summary = fmt.Sprintf("load the application: %s: %s", err.Failure.Class, strings.TrimSpace(err.Failure.Message))
		err.Try = ruby.HintFor(e.failed.Error)
		if err.Failure.Class == "SystemExit" {
			err.Summary = fmt.Sprintf("load the application: it ended itself with exit (%s)", err.Failure.Message)
			// It has told somebody why, as Rails does of a key that is missing.
			err.Try = ruby.HintFor(wire.Failure{Class: err.Failure.Class, Message: strings.Join(e.lines, "\n")})
		}
	case e.silent:
		err.Summary = fmt.Sprintf("start Ruby: %s ended before it said its version (%v); is it a Ruby?", what, e.exit)
		err.Try = ruby.OfExit(e.exit, ruby.OfText(ruby.StartHints, strings.Join(e.lines, "\n"), "name another Ruby with --ruby"))
	default:
		err.Summary = fmt.Sprintf("load the application: Ruby ended while it loaded: %v", e.exit)
		err.Try = ruby.OfExit(e.exit, ruby.AnyError)
	}
	return err
}
