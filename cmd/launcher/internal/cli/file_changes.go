//go:build linux

package cli

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/settings"
	"launcher/preforker/hint"
)

// keyFile and keyOptions are of the log.
const (
	keyFile    = "file"
	keyOptions = "options"
)

// logFileChanges says at a restart, which loads the application alone, what the file says otherwise than at the start.
func (l *commandLine) logFileChanges(logger *slog.Logger) {
	if l.filename == "" {
		return
	}
	now, err := settings.Read(l.filename)
	if errors.Is(err, fs.ErrNotExist) {
		now, err = nil, nil
	}
	if err != nil {
		logger.Error("the file of options cannot be read as it is now: the launcher would not start again", keyError, err, keyTry, hint.Of(err))
		return
	}
	changed := settings.Changes(l.file, now)
	if len(changed) == 0 {
		return
	}
	logger.Warn("the file of options has changed since the start; a restart loads the application, and what the file says holds from the next start on",
		keyFile, l.filename, keyOptions, strings.Join(changed, ", "), keyTry, "launcher config check, then USR2 or systemctl restart")
}

// checkAgain is an error where a launcher with these words would refuse its options by now, of the environment and of the file.
func checkAgain(words []string) error {
	app := newApp(os.Stdout, os.Stderr)
	line, err := readCommandLine(app, words)
	if err != nil {
		return err
	}
	command := app.Command(configCheckName)
	line.command = command
	command.Action = func(ctx *cli.Context) error {
		_, err := (&checkup{ctx: ctx}).read()
		return err
	}
	if err = line.readElsewhere(app, os.Environ()); err == nil {
		withoutVariables(command.Flags)
		app.Metadata = map[string]any{warningsKey: line.warnings, notesKey: line.notes, lineKey: &line}
		err = app.Run(line.words())
	}
	if err != nil {
		first := line.mistakes(err)[0]
		return hint.Errorf(first.try, "%s", first.text)
	}
	return nil
}
