package lighttpd

import "fmt"

// hintError is an error that the user can mend, with the way to do it. The rest of the program has
// such an error in preforker/hint; this package imports nothing of the program, and the method Hint
// is all that who prints an error asks for.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// Hint says what to do about the error. The command line prints it after
// "Try: ".
func (e *hintError) Hint() string { return e.hint }

// failf makes a hinted error from a format in the manner of fmt.Errorf.
func failf(hint, format string, args ...any) error {
	return &hintError{err: fmt.Errorf(format, args...), hint: hint}
}
