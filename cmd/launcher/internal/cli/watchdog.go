//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/preforker/linux"
)

// An experiment is two processes: the watchdog starts the one that measures, and ends the servers
// that this leaves behind if it is killed.

// scratchVariable tells the process that measures that it has a watchdog, and where its scratch
// folder is. It never reaches the servers.
const scratchVariable = "LAUNCHER_EXPERIMENT_SCRATCH"

// watchdogFD is the read end of a pipe in the process that measures. Its end of file says that the
// watchdog is gone.
const watchdogFD = 3

// reportedExit is the exit status of a child that has printed its own errors.
type reportedExit struct{ status int }

func (e *reportedExit) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// reportedStatus returns the exit status of a child that has said already what is wrong.
func reportedStatus(err error) (status int, reported bool) {
	var exit *reportedExit
	if errors.As(err, &exit) {
		return exit.status, true
	}
	return 0, false
}

// runWatched runs the experiment in a child, and when that has ended, however, ends what is left of
// its servers and removes its scratch folder. The experiment does both itself unless it is killed.
func runWatched(args []string, output string) error {
	if err := linux.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become the parent of servers: %w", err)
	}
	scratch, err := os.MkdirTemp("", "lx") // short: a socket's path is bounded
	if err != nil {
		return fmt.Errorf("make folder for sockets: %w", err)
	}
	defer os.RemoveAll(scratch)
	read, write, err := os.Pipe()
	if err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	defer write.Close()
	cmd := exec.Command("/proc/self/exe", args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Env = append(os.Environ(), scratchVariable+"="+scratch)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{read}
	signals := notifyStop()
	if err := cmd.Start(); err != nil {
		_ = read.Close()
		return fmt.Errorf("start the experiment: %w", err)
	}
	_ = read.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			// A terminal has sent it to the child too; that takes two for one.
			_ = cmd.Process.Signal(sig)
		case err := <-ended:
			return errors.Join(exitError(err, output), server.EndDescendants(server.Grace))
		}
	}
}

// exitError says how the child ended, where the child could not say so itself.
func exitError(err error, output string) error {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err
	}
	if exit.Exited() {
		return &reportedExit{exit.ExitCode()}
	}
	return fmt.Errorf("the experiment was ended by %v; its servers are stopped, and finished runs are in %s",
		exit.ProcessState, output)
}

// watched is what the process that measures knows of its watchdog.
type watched struct{ scratch string }

// readWatchdog reads the variable, and takes it and the pipe out of what children inherit. It
// returns nil where this process has no watchdog yet.
func readWatchdog(scratch string) (*watched, error) {
	if scratch == "" {
		return nil, nil
	}
	if err := os.Unsetenv(scratchVariable); err != nil {
		return nil, err
	}
	syscall.CloseOnExec(watchdogFD)
	if info, err := os.Stat(scratch); err != nil || !info.IsDir() {
		return nil, usageErrorf("unset "+scratchVariable, "run experiment: %s names no folder: %s", scratchVariable, scratch)
	}
	return &watched{scratch: scratch}, nil
}

// wait stops the experiment when the watchdog is gone.
func (w *watched) wait(stop context.CancelCauseFunc) {
	pipe := os.NewFile(watchdogFD, "watchdog")
	_, _ = io.Copy(io.Discard, pipe)
	stop(errors.New("stopped: its watchdog is gone"))
}
