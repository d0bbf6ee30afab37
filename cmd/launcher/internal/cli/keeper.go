//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/preforker/linux"
)

// keptVariable tells the process that makes an experiment that it is kept, and where its
// scratch folder is. It never reaches the servers.
const keptVariable = "LAUNCHER_EXPERIMENT_SCRATCH"

// lifeLine is the descriptor whose end of file says that the keeper is gone.
const lifeLine = 3

// childStatus is the exit status of a child that has printed its own errors.
type childStatus struct{ code int }

func (e *childStatus) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// keep makes the experiment in a child, and when that has ended, however, ends what is left
// of its servers and removes its scratch folder. The experiment does both itself; this
// is for the day when it is killed.
func keep(args []string, output string) error {
	if err := linux.AdoptOrphans(); err != nil {
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
	cmd.Env = append(os.Environ(), keptVariable+"="+scratch)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{read}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
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
			// At a terminal the child has had it too; it takes two for one.
			_ = cmd.Process.Signal(sig)
		case err := <-ended:
			return errors.Join(lastRites(err, output), server.EndDescendants(server.Grace))
		}
	}
}

// lastRites says how the child ended, where it could not say so itself.
func lastRites(err error, output string) error {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err
	}
	if exit.Exited() {
		return &childStatus{exit.ExitCode()}
	}
	return fmt.Errorf("the experiment was ended by %v; its servers are stopped, and finished runs are in %s",
		exit.ProcessState, output)
}

// kept is what the child knows of its keeper.
type kept struct{ scratch string }

// keptBy reads the variable, and takes it and the life line out of what children inherit.
// It is nil where nobody keeps this process yet.
func keptBy(scratch string) (*kept, error) {
	if scratch == "" {
		return nil, nil
	}
	if err := os.Unsetenv(keptVariable); err != nil {
		return nil, err
	}
	syscall.CloseOnExec(lifeLine)
	if info, err := os.Stat(scratch); err != nil || !info.IsDir() {
		return nil, usageErrorf("unset "+keptVariable, "keep experiment: %s names no folder: %s", keptVariable, scratch)
	}
	return &kept{scratch: scratch}, nil
}

// watch stops the experiment when the keeper is gone.
func (k *kept) watch(stop context.CancelCauseFunc) {
	line := os.NewFile(lifeLine, "keeper")
	_, _ = io.Copy(io.Discard, line)
	stop(errors.New("stopped: the process that keeps it is gone"))
}
