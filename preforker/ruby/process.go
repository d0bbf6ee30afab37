package ruby

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"launcher/preforker/linux"
	"launcher/scripts"
)

// Process is a Ruby that was started: a preloader, or a worker that loads the application by
// itself.
type Process struct {
	Child  *linux.Child
	Conn   *linux.PacketConn // also its life line
	Output *Output           // what it prints while it loads
}

// SignalGroup signals whatever the process has started and has not put into groups of their own.
// It leads its group until it is reaped: the number is its own.
func (p *Process) SignalGroup(signal syscall.Signal) error {
	return linux.SignalGroup(p.Child.Pid, signal)
}

// Launch starts Ruby with its program on descriptor 3, its end of a named pair of sockets on 4,
// the scoreboard on 5, the real standard error on 6 and more from 7 on (scripts/boot.rb). It gets
// a session of its own: a Ctrl-C at the terminal is the supervisor's to
// hear, and everything that boot starts can be ended together. Variables are for Ruby
// itself, and not for what it starts.
func (s Start) Launch(name string, settings map[string]string, variables []string, more ...*os.File) (*Process, error) {
	settings["variables"] = namesOf(variables)
	text, err := scripts.Program(settings)
	if err != nil {
		return nil, fmt.Errorf("build program: %w", err)
	}
	program, err := linux.MemoryFile("launcher-program", 0)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	if _, err := program.Write(text); err != nil {
		return nil, fmt.Errorf("write program: %w", err)
	}
	conn, theirs, err := linux.PacketPair(name)
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	read, write, err := os.Pipe()
	if err != nil {
		_ = conn.Close()
		return nil, os.NewSyscallError("pipe2", err)
	}
	defer write.Close()

	cmd := exec.Command(s.Program, "/dev/fd/3")
	cmd.Dir = s.App.Root
	cmd.Env = append(append(os.Environ(), s.App.Environment...), variables...)
	cmd.Stdout, cmd.Stderr = write, write
	cmd.ExtraFiles = append([]*os.File{program, theirs, s.Board, s.Stderr}, more...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child, err := follow(cmd)
	if err != nil {
		_ = conn.Close()
		_ = read.Close()
		return nil, err
	}
	process := &Process{Child: child, Conn: conn, Output: readOutput(read, s.Printed)}
	if s.Silent != nil {
		process.Output.whenSilent(silence, func() { s.Silent(child.Pid) })
	}
	return process, nil
}

// silence is from when on it is told that nothing is loading yet. CRuby takes some hundredths of a
// second.
const silence = 5 * time.Second

// follow starts a command and follows it by descriptor, as any other child.
func follow(cmd *exec.Cmd) (*linux.Child, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	child, err := linux.FollowChild(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return child, cmd.Process.Release()
}
