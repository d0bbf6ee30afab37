package ruby

import (
	"fmt"
	"strings"

	"launcher/preforker/internal/wire"
)

// LoadError is why an application has not loaded: how its process ended, the exception with the
// application's own frames first, what it printed last.
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

func section(b *strings.Builder, title string, lines []string, max int) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %s:", title)
	for i, line := range lines {
		if i == max {
			fmt.Fprintf(b, "\n    … %d more", len(lines)-max)
			break
		}
		fmt.Fprintf(b, "\n    %s", line)
	}
}

// Hint is what to do.
func (e *LoadError) Hint() string { return e.Try }

// FailureError is an exception in one line, with its first place in the application, and what to do
// where the machine has refused something.
func FailureError(f wire.Failure) error {
	where := ""
	if len(f.AppFrames) > 0 {
		where = " at " + f.AppFrames[0]
	}
	if hint := machineHint(f); hint != "" {
		where += " (" + hint + ")"
	}
	return fmt.Errorf("%s: %s%s", f.Class, f.Message, where)
}
