package ruby

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// LoadEnd is how a Ruby ended before the application was loaded.
type LoadEnd struct {
	Start         error // it could not be started
	Exit          ident.ExitStatus
	Failed        *wire.Failed  // what it said last; nil: nothing
	Lines         []string      // the last ones that it printed
	Program       string        // its command; "": not known
	Silent        bool          // it has not said what it is
	TimedOut      bool          // it was ended because of that, or because it took long to load
	ChannelClosed bool          // it was ended because it had closed its channel
	Timeout       time.Duration // that it had
}

// Err is the report of it: a *LoadError.
func (e LoadEnd) Err() error {
	err := &LoadError{Lines: e.Lines, Try: anyError}
	switch {
	case e.Start != nil:
		err.Summary, err.Try = e.notStarted()
	case e.Silent:
		e.notARuby(err)
	default:
		e.notLoaded(err)
	}
	return err
}

func (e LoadEnd) notStarted() (summary, try string) {
	var user *hint.Error
	if errors.As(e.Start, &user) {
		return user.Error(), user.Try
	}
	return fmt.Sprintf("start Ruby: %v", e.Start), ofText(errnoHints, e.Start.Error(), "name the Ruby to run with --ruby")
}

// notARuby reports one that ended before it said what it is.
func (e LoadEnd) notARuby(err *LoadError) {
	what := e.Program
	if what == "" {
		what = "it"
	}
	switch {
	case e.TimedOut:
		err.Summary = fmt.Sprintf("start Ruby: %s has not said what it is within %v (--boot-timeout); is it a Ruby?", what, e.Timeout)
		err.Try = "name another Ruby with --ruby"
	case e.ChannelClosed:
		err.Summary = fmt.Sprintf("start Ruby: %s closed the descriptors that it was given", what)
		err.Try = "have what --ruby names keep descriptors from 3 on open, as exec does and sudo does not; or name Ruby itself"
	case e.Failed != nil:
		e.failed(err)
	default:
		err.Summary = fmt.Sprintf("start Ruby: %s ended before it said its version (%v); is it a Ruby?", what, e.Exit)
		err.Try = ofExit(e.Exit, ofText(startHints, strings.Join(e.Lines, "\n"), "name another Ruby with --ruby"))
	}
}

// notLoaded reports one that ended while it loaded the application.
func (e LoadEnd) notLoaded(err *LoadError) {
	switch {
	case e.TimedOut && e.Failed != nil:
		err.Summary = fmt.Sprintf("load the application: not done within %v (--boot-timeout)", e.Timeout)
		err.Try = "raise --boot-timeout, or see where it hangs: the first line of its frames above"
		err.Failure = &e.Failed.Error
	case e.TimedOut:
		err.Summary = fmt.Sprintf("load the application: not done within %v (--boot-timeout), and it does not say where it is", e.Timeout)
		err.Try = "raise --boot-timeout, or see without the launcher where it hangs: it has code of its own for the signal QUIT, or a C extension does not return"
	case e.Failed != nil:
		e.failed(err)
	case e.ChannelClosed:
		err.Summary = "load the application: it replaced Ruby by another program (exec), or closed descriptors that are not its own"
	default:
		err.Summary = fmt.Sprintf("load the application: Ruby ended while it loaded: %v", e.Exit)
		err.Try = ofExit(e.Exit, anyError)
	}
}

// failed reports one that has said itself why it could not go on.
func (e LoadEnd) failed(err *LoadError) {
	failure := e.Failed.Error
	if e.Failed.Stage == stageRuby {
		err.Summary, err.Try = "start Ruby: "+failure.Message, "name another Ruby with --ruby"
		return
	}
	err.Failure = &e.Failed.Error
	err.Summary = fmt.Sprintf("load the application: %s: %s", failure.Class, strings.TrimSpace(failure.Message))
	err.Try = hintFor(failure)
	if failure.Class == "SystemExit" {
		err.Summary = fmt.Sprintf("load the application: it ended itself with exit (%s)", failure.Message)
		// It has told somebody why, as Rails does of a key that is missing.
		err.Try = hintFor(wire.Failure{Class: failure.Class, Message: strings.Join(e.Lines, "\n")})
	}
}
