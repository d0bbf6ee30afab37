//go:build linux

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"launcher/preforker/printable"
)

// Run carries a command line out and returns the exit status. The build may have given it a version.
func Run(version string, args []string, stdout, stderr *os.File) int {
	unsetEmptyVariables()
	app := newApp(stdout, stderr)
	app.Version = thisVersion(version).String()
	line, err := readCommandLine(app, args[1:])
	switch {
	case err != nil:
	case line.version:
		_, err = io.WriteString(stdout, versionText(version))
	case line.help:
		err = printHelp(stdout, app, line.command, widthOfHelp(stdout, os.Getenv("COLUMNS")))
	default:
		err = followed(line.run(app, stderr), args)
	}
	status, printed := exitStatus(err)
	if !printed {
		line.report(stderr, err, line.command.Name == runName && line.wantedFormat(args[1:], os.Environ()) == formatJSON)
	}
	return status
}

// run calls the command.
func (l *commandLine) run(app *cli.App, stderr io.Writer) error {
	if err := l.readElsewhere(app, os.Environ()); err != nil {
		return err
	}
	for _, command := range app.Commands {
		withoutVariables(command.Flags)
	}
	app.Metadata = map[string]any{warningsKey: l.warnings, notesKey: l.notes, lineKey: l}
	if l.command.Name != runName && os.Getenv(scratchVariable) == "" { // whose watchdog has printed them
		warn(stderr, append(l.warnings, asRoot(l.command.Name)...))
	}
	return app.Run(l.words())
}

// warn prints warnings where there is no log.
func warn(w io.Writer, warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintf(w, "launcher: %s\n", printable.Escape(warning))
	}
}

// Where runWorkers finds the warnings of the command line, what else is to be said of it, for its log, and itself.
const (
	warningsKey = "warnings"
	notesKey    = "notes"
	lineKey     = "line"
)

func newApp(stdout, stderr *os.File) *cli.App {
	app := &cli.App{
		Name: "launcher",
		Commands: []*cli.Command{runCommand(stdout, stderr), configCommand(stdout), configShowCommand(stdout), configCheckCommand(stdout), systemdCommand(stdout), statusCommand(stdout),
			restartCommand(stdout), stopCommand(stdout), reopenCommand(stdout), scaleCommand(stdout), reforkCommand(stdout), killCommand(stdout),
			backtraceCommand(stdout), eventsCommand(stdout), doctorCommand(stdout), experimentCommand(stdout, stderr), conformanceCommand(stdout),
			completionCommand(stdout), manCommand(stdout)},
		HideVersion:     true,
		HideHelp:        true,
		HideHelpCommand: true,
		Writer:          stdout,
		ErrWriter:       stderr,
		// A comma is part of a header and of a path.
		DisableSliceFlagSeparator: true,
		OnUsageError:              onUsageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // Run decides about the exit
	}
	for _, command := range app.Commands {
		command.HideHelp, command.HideHelpCommand = true, true
	}
	return app
}

func onUsageError(_ *cli.Context, err error, _ bool) error {
	return usageErrorf("launcher --help", "read options: %v", err)
}

// report prints what is wrong, what to do, and where the value of an option came from.
func (l *commandLine) report(w io.Writer, err error, asJSON bool) {
	for _, one := range l.mistakes(err) {
		if asJSON {
			if logger, broken := newLogger(w, formatJSON, "info"); broken == nil {
				logger.Error("the launcher failed", keyError, errors.New(one.text), keyTry, one.try)
				continue
			}
		}
		fmt.Fprintf(w, "launcher: %s\n%s", printable.Escape(one.text), printable.Escape(one.excerpt))
		if one.try != "" {
			fmt.Fprintf(w, "Try: %s\n", printable.Escape(one.try))
		}
	}
}
