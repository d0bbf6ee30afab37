package hint

import (
	"errors"
	"fmt"
)

// Error is an error that its reader can mend. The command line prints the hint below it, as
// "Try: …".
type Error struct {
	Err error  // what went wrong
	Try string // what to do: an imperative in lower case, no full stop
}

// Errorf makes an Error of a format, as fmt.Errorf does: %w wraps.
func Errorf(try, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Try: try}
}

// Error is the text without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what to do.
func (e *Error) Hint() string { return e.Try }

// Of returns the hint of an error or of one that it wraps, "" where there is none.
func Of(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
