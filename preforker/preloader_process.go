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

	"launcher/preforker/internal/wire"
	"launcher/preforker/sys"
	"launcher/scripts"
)

// preloaderProcess is the supervisor's view of a preloader.
type preloaderProcess struct {
	generation int
	pid        int
	child      *sys.Child
	conn       *sys.PacketConn
	output     *output
	failed     *wire.Failed // written by its reader, read after its exit
}

// oldestRuby is the first whose GC.compact and pattern of keyword arguments the
// Ruby side relies on.
const oldestRuby = "2.7"

func (s *Supervisor) startPreloader(generation int) event {
	s.config.Observer.Loading(generation)
	p, err := s.launchRuby(generation)
	if err != nil {
		return preloaderExited{generation: generation, startError: err}
	}
	s.preloaders[generation] = p
	s.tasks.Go(func() { s.followPreloader(p) })
	return nil
}

// launchRuby starts Ruby with its program on descriptor 3, its control socket on 4,
// the scoreboard on 5 and the real standard error on 6 (scripts/boot.rb). It gets
// a session of its own: a Ctrl-C at the terminal is the supervisor's to
// hear, and everything that boot starts can be ended together.
func (s *Supervisor) launchRuby(generation int) (*preloaderProcess, error) {
	app := s.config.App
	variables := s.rubyVariables()
	settings := map[string]string{
		"root": app.Root, "generation": strconv.Itoa(generation),
		"entry": app.Entry, "url_prefix": app.URLPrefix, "hooks": app.Hooks,
		"without": joinLevers(s.config.Without, "\n"), "variables": namesOf(variables),
	}
	s.config.Warmup.addTo(settings)
	text, err := scripts.Program(settings)
	if err != nil {
		return nil, fmt.Errorf("build program: %w", err)
	}
	program, err := sys.MemoryFile("launcher-program", 0)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	if _, err := program.Write(text); err != nil {
		return nil, fmt.Errorf("write program: %w", err)
	}
	conn, theirs, err := sys.PacketPair(fmt.Sprintf("control gen=%d", generation))
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
	cmd.Dir = app.Root
	cmd.Env = append(append(os.Environ(), app.Environment...), variables...)
	cmd.Stdout, cmd.Stderr = write, write
	cmd.ExtraFiles = []*os.File{program, theirs, s.board, s.config.Stderr}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child, err := start(cmd)
	if err != nil {
		_ = conn.Close()
		_ = read.Close()
		return nil, err
	}
	return &preloaderProcess{generation: generation, pid: child.Pid, child: child, conn: conn,
		output: readOutput(read, s.config.Observer.Printed)}, nil
}

// start starts a command and follows it by descriptor, as any other child.
func start(cmd *exec.Cmd) (*sys.Child, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	child, err := sys.FollowChild(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return child, cmd.Process.Release()
}

// followPreloader posts what a preloader says, and last of all its end.
func (s *Supervisor) followPreloader(p *preloaderProcess) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.readPreloader(p)
		s.post(preloaderMute{p.generation})
	}()
	if err := p.child.Await(); err != nil {
		s.log.Error("preloader could not be waited for", keyGeneration, p.generation, keyError, err)
	}
	p.conn.Finish()
	<-read
	s.post(preloaderEnded{p, p.output.lines()})
}

// preloaderEnded is the process's end; the loop makes preloaderExited of it once it
// has let go of the process.
type preloaderEnded struct {
	process *preloaderProcess
	lines   []string
}

func (preloaderEnded) isEvent() {}

func (s *Supervisor) readPreloader(p *preloaderProcess) {
	for {
		message, err := receive(p.conn)
		if err != nil {
			if !isEnd(err) {
				s.log.Error("preloader sent nonsense", keyGeneration, p.generation, keyError, err)
			}
			return
		}
		switch m := message.(type) {
		case wire.Hello:
			if failed := checkHello(m, s.config.Ruby); failed != nil {
				p.failed = failed
				_ = p.child.Signal(syscall.SIGKILL)
				continue
			}
			s.post(preloaderHello{p.generation, m})
		case wire.Loaded:
			s.rememberHeap(m)
			s.post(preloaderLoaded{p.generation, m})
		case wire.Failed:
			p.failed = &m
		case wire.Spawned:
			s.post(workerSpawned{m.Key, m.Pid})
		case wire.SpawnFailed:
			s.post(workerSpawnFailed{m.Key, m.Error})
		}
	}
}

// rememberHeap is for the next start. It is no harm where the folder of the sockets
// cannot be written to.
func (s *Supervisor) rememberHeap(m wire.Loaded) {
	if len(m.Slots) == 0 {
		return
	}
	if err := s.heap.write(m.Ruby, m.Slots); err != nil {
		s.log.Debug("the size of the Ruby heap could not be kept", keyError, err)
	}
}

// preloaderGone lets go of a preloader that has ended, for the core to decide.
func (s *Supervisor) preloaderGone(e preloaderEnded) event {
	p := e.process
	exit, err := p.child.Reap()
	if err != nil {
		s.log.Error("preloader could not be reaped", keyGeneration, p.generation, keyError, err)
	}
	delete(s.preloaders, p.generation)
	_ = p.conn.Close()
	s.reapStrangers()
	return preloaderExited{generation: p.generation, exit: exit, failed: p.failed, lines: e.lines}
}

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

func (s *Supervisor) tellPreloader(generation int, message any, files ...*os.File) {
	p := s.preloaders[generation]
	if p == nil {
		return // it has ended; the core hears of it next
	}
	if err := send(p.conn, message, files...); err != nil {
		s.log.Warn("preloader could not be told", keyGeneration, generation, keyError, err)
	}
}

func (s *Supervisor) signalPreloader(a signalPreloader) {
	p := s.preloaders[a.generation]
	if p == nil {
		return
	}
	if err := p.child.Signal(a.signal); err != nil {
		s.log.Warn("preloader could not be signalled", keyGeneration, a.generation, keyError, err)
	}
	if !a.group {
		return
	}
	// It leads its group until this goroutine reaps it: the number is its own.
	if err := sys.SignalGroup(p.pid, a.signal); err != nil {
		s.log.Warn("preloader's group could not be signalled", keyGeneration, a.generation, keyError, err)
	}
}

func send(conn *sys.PacketConn, message any, files ...*os.File) error {
	packet, err := wire.Encode(message)
	if err != nil {
		return err
	}
	return conn.Send(packet, files...)
}

func receive(conn *sys.PacketConn) (any, error) {
	packet, err := conn.Receive()
	if err != nil {
		return nil, err
	}
	return wire.Decode(packet)
}

// isEnd says whether a reading ended because the other end, or this one, is closed.
func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) }
