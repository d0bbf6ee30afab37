//go:build linux

package cli

import (
	"errors"
	"fmt"
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

// fileChanges returns the options that the file says otherwise than at the start. It is an error where a launcher would not start with it.
func (l *commandLine) fileChanges() ([]string, error) {
	if l.filename == "" {
		return nil, nil
	}
	now, err := settings.Read(l.filename)
	if errors.Is(err, fs.ErrNotExist) {
		now, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	changed := settings.Changes(l.file, now)
	if len(changed) > 0 && l.said(optUser) == "" { // who has become another user may not read what the next start reads
		err = checkAgain(os.Args[1:])
	}
	return changed, err
}

// What a restart, which loads the application alone, has to say of the file.
const (
	fileBroken  = "the file of options has a mistake by now: the launcher would not start again"
	fileChanged = "the file of options has changed since the start; a restart loads the application, and what the file says holds from the next start on"
	fileAdvice  = "launcher config check, then USR2 or systemctl restart"
)

// logFileChanges says at a restart what the file says otherwise than at the start.
func (l *commandLine) logFileChanges(logger *slog.Logger) {
	switch changed, err := l.fileChanges(); {
	case err != nil:
		logger.Error(fileBroken, keyError, err, keyTry, hint.Of(err))
	case len(changed) > 0:
		logger.Warn(fileChanged, keyFile, l.filename, keyOptions, strings.Join(changed, ", "), keyTry, fileAdvice)
	}
}

// fileNote is the same for whoever asks for the restart.
func (l *commandLine) fileNote() string {
	switch changed, err := l.fileChanges(); {
	case err != nil:
		return fmt.Sprintf("%s (%v; %s)", fileBroken, err, hint.Of(err))
	case len(changed) > 0:
		return fmt.Sprintf("%s (%s in %s; %s)", fileChanged, strings.Join(changed, ", "), l.filename, fileAdvice)
	}
	return ""
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
