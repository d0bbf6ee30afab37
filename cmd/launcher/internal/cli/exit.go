//go:build linux

package cli

import (
	"errors"
	"io/fs"
	"os/exec"
	"syscall"

	"launcher/preforker/hint"

	"github.com/urfave/cli/v2"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitFound  = 3 // of the doctor
)

// usageError is a mistake in the command line, or in the environment variable of an option. It
// decides about the exit status; its hint is that of the error in it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usageErrorf(try, format string, args ...any) error {
	return usageError{hint.Errorf(try, format, args...)}
}

// namedBy makes a mistake in the command line of an error where an option names a program that is not there.
func namedBy(ctx *cli.Context, option string, err error) error {
	missing := errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if missing && ctx.IsSet(option) {
		return usageError{err}
	}
	return err
}

// exitStatus returns the status to end with, and whether the error has been printed already.
func exitStatus(err error) (status int, printed bool) {
	if err == nil {
		return exitOK, true
	}
	if status, reported := reportedStatus(err); reported {
		return status, true
	}
	var usage usageError
	switch {
	case errors.Is(err, errFound):
		return exitFound, true
	case errors.Is(err, errNotConforming), errors.Is(err, errChecked):
		return exitFailed, true
	case errors.As(err, &usage):
		return exitUsage, false
	default:
		return exitFailed, false
	}
}
