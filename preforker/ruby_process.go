package preforker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
	"launcher/scripts"
)

// rubyProcess is a Ruby that the supervisor has started: a preloader, or a worker that
// loads the application by itself.
type rubyProcess struct {
	child  *linux.Child
	conn   *linux.PacketConn // also its life line
	output *output           // what it prints while it loads
}

// signalGroup signals whatever the process has started and has not put into groups of their own.
// It leads its group until the loop reaps it: the number is its own.
func (p *rubyProcess) signalGroup(signal syscall.Signal) error {
	return linux.SignalGroup(p.child.Pid, signal)
}

// settings are what every Ruby process is told (scripts/settings.rb).
func (s *Supervisor) settings(generation int) (map[string]string, error) {
	app, err := s.config.App.again()
	if err != nil {
		return nil, err
	}
	settings := map[string]string{
		"root": app.Root, "generation": strconv.Itoa(generation),
		"entry": app.Entry, "url_prefix": app.URLPrefix, "mounted_by": string(app.MountedBy), "hooks": app.Hooks,
		"boot_seconds": strconv.FormatFloat(s.config.BootTimeout.Seconds(), 'f', 3, 64),
	}
	settings["drain_timeout"] = strconv.FormatFloat(s.config.DrainTimeout.Seconds(), 'f', -1, 64)
	if s.config.LogJSON {
		settings["log_format"] = "json"
	}
	if app.PassengerEvents {
		settings["passenger_events"] = "yes"
	}
	return settings, nil
}

// launchRuby starts Ruby with its program on descriptor 3, its end of a named pair of sockets on 4,
// the scoreboard on 5, the real standard error on 6 and more from 7 on (scripts/boot.rb). It gets
// a session of its own: a Ctrl-C at the terminal is the supervisor's to
// hear, and everything that boot starts can be ended together. Variables are for Ruby
// itself, and not for what it starts.
func (s *Supervisor) launchRuby(name string, settings map[string]string, variables []string, more ...*os.File) (*rubyProcess, error) {
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

	cmd := exec.Command(s.config.Ruby, "/dev/fd/3")
	cmd.Dir = s.config.App.Root
	cmd.Env = append(append(os.Environ(), s.config.App.Environment...), variables...)
	cmd.Stdout, cmd.Stderr = write, write
	cmd.ExtraFiles = append([]*os.File{program, theirs, s.board, s.config.Stderr}, more...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child, err := start(cmd)
	if err != nil {
		_ = conn.Close()
		_ = read.Close()
		return nil, err
	}
	ruby := &rubyProcess{child: child, conn: conn, output: readOutput(read, s.config.Observer.Printed)}
	if s.log != nil {
		ruby.output.whenSilent(silenceOfRuby, func() {
			s.log.Warn("Ruby has not said yet what it is: one on a JVM starts slowly, and cannot fork", keyRuby, s.config.Ruby, keyPid, child.Pid)
		})
	}
	return ruby, nil
}

// silenceOfRuby is from when on it is told that nothing is loading yet. CRuby takes some hundredths of a second.
const silenceOfRuby = 5 * time.Second

// start starts a command and follows it by descriptor, as any other child.
func start(cmd *exec.Cmd) (*linux.Child, error) {
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

// oldestRuby is the first whose GC.compact and pattern of keyword arguments the
// Ruby side relies on.
const oldestRuby = "2.7"

// checkHello refuses a Ruby that the rest of the program cannot run on.
func checkHello(hello wire.Hello, ruby string) *wire.Failed {
	var message string
	switch {
	case hello.Version != wire.Version:
		message = fmt.Sprintf("the Ruby side speaks version %d, this launcher %d", hello.Version, wire.Version)
	case !hello.Fork:
		message = fmt.Sprintf("%s %s (%s) cannot fork; the launcher needs a Ruby that can: CRuby (MRI)", hello.Engine, hello.Ruby, ruby)
	case olderThan(hello.Ruby, oldestRuby):
		message = fmt.Sprintf("Ruby %s (%s) is too old; the launcher needs %s or later", hello.Ruby, ruby, oldestRuby)
	default:
		return nil
	}
	return &wire.Failed{Stage: stageRuby, Error: wire.Failure{Class: "unusable Ruby", Message: message}}
}

// stageRuby marks a failure that came before the application was touched.
const stageRuby = "ruby"

// olderThan compares dotted versions number by number. What is not a number counts
// as 0: "3.4.0-preview1" is not older than 3.4.
func olderThan(version, than string) bool {
	numbers := func(text string) (n []int) {
		for part := range strings.SplitSeq(text, ".") {
			i, _ := strconv.Atoi(part)
			n = append(n, i)
		}
		return n
	}
	return slices.Compare(numbers(version), numbers(than)) < 0
}

func send(conn *linux.PacketConn, message any, files ...*os.File) error {
	packet, err := wire.Encode(message)
	if err != nil {
		return err
	}
	return conn.Send(packet, files...)
}

func receive(conn *linux.PacketConn) (any, error) {
	packet, err := conn.Receive()
	if err != nil {
		return nil, err
	}
	return wire.Decode(packet)
}

// isEnd says whether a reading ended because the other end, or this one, is closed.
func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) }
