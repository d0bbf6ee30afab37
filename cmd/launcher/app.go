//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
	exitFound = 3 // of the doctor
)

// usageError is a mistake in the command line: exit status 2.
type usageError struct {
	text, try string
}

func (e *usageError) Error() string { return e.text }
func (e *usageError) Hint() string  { return e.try }

func usageErrorf(try, format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...), try: try}
}

// run is the whole program but for the exit.
func run(args []string, stdout, stderr *os.File) int {
	app := newApp(stdout, stderr)
	err := app.Run(permute(app, args))
	if err == nil {
		return exitOK
	}
	if status, told := isChildStatus(err); told {
		return status
	}
	if errors.Is(err, errFound) {
		return exitFound
	}
	printError(stderr, err)
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitError
}

func newApp(stdout, stderr *os.File) *cli.App {
	return &cli.App{
		Name:      "launcher",
		Usage:     "run a Rails or Rack application as forked FastCGI workers that share their memory",
		ArgsUsage: "NUM",
		UsageText: "launcher [options] NUM          run NUM workers of the application in this folder\n" +
			"launcher config [options] NUM   print the web server's configuration for them\n" +
			"launcher status [options]       say what a running launcher and its workers do\n" +
			"launcher doctor [options]       say what stands in the way of forking this application\n" +
			"launcher experiment [options]   measure what forking saves for this application",
		Description: "Loads the application once, forks NUM workers from it, and gives each a socket of its own,\n" +
			"log/fastcgi.socket-0 and so on, for lighttpd or any other FastCGI web server. The configuration for\n" +
			"lighttpd is printed on standard output and kept beside the sockets; logs go to standard error.\n\n" +
			"Signals: TERM and INT let the workers finish what they do and stop, a second one kills; HUP loads the\n" +
			"application anew and moves the workers over one by one.\n" +
			"Exit status: 0 stopped as asked, 1 failed, 2 a mistake in the command line.",
		Flags:                  runFlags(),
		Commands:               []*cli.Command{configCommand(stdout), statusCommand(stdout), doctorCommand(stdout), experimentCommand(stdout, stderr)},
		HideVersion:            true,
		HideHelpCommand:        true,
		Writer:                 stdout,
		ErrWriter:              stderr,
		UseShortOptionHandling: false,
		// A comma is part of a header and of a path.
		DisableSliceFlagSeparator: true,
		Action:                    func(ctx *cli.Context) error { return runWorkers(ctx, stdout, stderr) },
		OnUsageError:              onUsageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // run alone decides about the exit
	}
}

func onUsageError(_ *cli.Context, err error, _ bool) error {
	return usageErrorf("launcher --help", "read options: %v", err)
}

// printError says what is wrong and, where an error of the chain knows, what to do.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "launcher: %v\n", err)
	var hint interface{ Hint() string }
	if errors.As(err, &hint) && hint.Hint() != "" {
		fmt.Fprintf(w, "Try: %s\n", hint.Hint())
	}
}
