//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

// commandGrace is the time that what a command has left running has to end by itself.
const commandGrace = time.Second

// RunCommand runs a shell command of the user's in the application's folder, with the environment that servers have, and returns when
// it has ended. Nothing of it is there then, neither what it has left running nor, where the context ends before it, the command
// itself. The error has the last lines of what it printed. What it prints goes to a file in dir meanwhile: a pipe would stay open with
// what it leaves running.
func RunCommand(ctx context.Context, app experiment.App, command, dir string) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	log, err := os.CreateTemp(dir, "command-")
	if err != nil {
		return fmt.Errorf("make file for what a command prints: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close(), os.Remove(log.Name())) }()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir, cmd.Env = app.Root, commandEnviron(app)
	cmd.Stdout, cmd.Stderr = log, log
	group := newProcessGroup()
	shell, err := group.start(cmd)
	if err != nil {
		return fmt.Errorf("run command: %w", err)
	}
	select {
	case err = <-shell.exited:
		if err = unlessSuccess(err); err != nil {
			err = fmt.Errorf("%w%s", err, indented(tail(log.Name())))
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return errors.Join(err, endCommand(group, shell))
}

// endCommand ends what is left of a command.
func endCommand(group *processGroup, shell *leader) error {
	left, err := group.members()
	if err != nil {
		return err
	}
	for _, p := range left {
		identityOf(p).signal(syscall.SIGTERM)
	}
	if err := end(group.members, func(pid int) bool { return pid == shell.pid }, commandGrace); err != nil {
		return fmt.Errorf("end what a command has left: %w", err)
	}
	return nil
}

// commandEnviron returns the environment of a command: its temporary files are where the user wants them.
func commandEnviron(app experiment.App) []string {
	environ := appEnviron(app)
	if dir := os.Getenv("TMPDIR"); dir != "" {
		environ = append(environ, "TMPDIR="+dir)
	}
	return environ
}

// unlessSuccess returns how a leader has ended, nil where that is well.
func unlessSuccess(exited error) error {
	if exited.Error() == success {
		return nil
	}
	return exited
}

func indented(lines []string) (text string) {
	for _, line := range lines {
		text += "\n  " + line
	}
	return strings.TrimRight(text, " ")
}
