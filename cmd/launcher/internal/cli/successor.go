//go:build linux

package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"launcher/preforker"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// successor is the launcher that follows in this process, perhaps another version of it. It is an error, which has all that is to be
// cleaned up done before it comes.
type successor struct {
	program     string
	sockets     []preforker.Inherited
	front       *httpListener // that has had some of these
	environment []string      // besides that of this process
	signals     <-chan os.Signal
	stops       bool // it was asked to stop before it has come
}

func (s *successor) Error() string { return "another launcher follows" }

// successorTimeout bounds what a program may take to tell its version.
const successorTimeout = 10 * time.Second

// findSuccessor returns the program that is at a path by now, once it has told that it is a launcher.
func findSuccessor(ctx context.Context, program string) (*successor, error) {
	bounded, cancel := context.WithTimeout(ctx, successorTimeout)
	defer cancel()
	asked := exec.CommandContext(bounded, program, "version")
	asked.WaitDelay = time.Second // what it has started may hold its output
	output, err := asked.CombinedOutput()
	// Its end may have been taken by who reaps orphans: what it says counts.
	if bytes.HasPrefix(output, []byte("launcher ")) {
		return &successor{program: program}, nil
	}
	said, _, _ := strings.Cut(string(output), "\n")
	return nil, hint.Errorf("put a launcher there that runs on this machine", "run %s version: it is no launcher: %w", program, cmp.Or(err, errors.New(said)))
}

// thisProgram returns the path by which this program was called, which may lead to another one later.
func thisProgram() (string, error) {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return filepath.Abs(path)
}

// candidate is what is to follow, or why it cannot.
type candidate struct {
	next   *successor
	err    error
	signal string
}

// findNext looks for a launcher that follows, until the service ends. Signals are heard meanwhile.
func (s *service) findNext(ctx context.Context, name string) {
	if s.finding || !s.asked.IsZero() {
		s.log.Warn("signal ignored: the launcher is about to stop, or another one to follow it", keySignal, name)
		return
	}
	s.finding = true
	s.tasks.Go(func() {
		var next *successor
		err := checkAgain(os.Args[1:])
		if err == nil {
			next, err = findSuccessor(ctx, s.program)
		}
		s.found <- candidate{next, err, name}
	})
}

// upgrade stops as a signal does, and leaves the sockets to the launcher that follows in this process.
func (s *service) upgrade(f candidate) {
	s.finding = false
	if !s.asked.IsZero() {
		return
	}
	err := f.err
	if err == nil && s.http != nil {
		f.next.sockets, err = s.http.inherit()
	}
	if err != nil {
		s.log.Error("the launcher goes on as it is", keySignal, f.signal, keyError, err, keyTry, hint.Of(err))
		return
	}
	copies, err := s.monitor.inherit()
	if err != nil {
		s.log.Warn("the next launcher listens anew where this one tells of itself", keyError, err)
	}
	f.next.sockets = append(f.next.sockets, copies...)
	s.next, f.next.front = f.next, s.http
	s.supervisor.StopForSuccessor()
	s.stop(f.signal)
}

// untilSuccessor runs the service. The error is the launcher that follows, where one does.
func (s *service) untilSuccessor(signals <-chan os.Signal, environment []string) error {
	var err error
	if s.program, err = thisProgram(); err != nil {
		s.log.Warn("USR2 will not start another launcher", keyError, err)
	}
	s.pidFile.write(s.log)
	err = s.run(signals)
	inherited, follows := s.supervisor.Inherit()
	if err != nil || !follows {
		s.pidFile.remove(s.log)
		return err
	}
	s.next.sockets, s.next.environment = append(s.next.sockets, inherited...), environment
	s.next.signals, s.next.stops = signals, s.stopsNext
	return s.next
}

// inherit makes copies of the listening sockets, which are there when this process closes its own.
func (l *httpListener) inherit() (copies []preforker.Inherited, err error) {
	l.copies = nil
	for _, listener := range l.bound {
		socket, is := listener.(syscall.Conn)
		if !is {
			continue
		}
		fd, err := linux.Duplicate(socket)
		if err != nil {
			return nil, fmt.Errorf("copy the socket of %s: %w", listener.Addr(), err)
		}
		name := keptHTTP
		if l.others[listener] {
			name = givenHTTPName
		}
		copies = append(copies, preforker.Inherited{Name: name, FD: fd})
		if !l.others[listener] {
			l.copies = append(l.copies, copied{listener: listener, fd: fd})
		}
	}
	l.inherited = true
	for _, listener := range l.emptied {
		listener.Leave()
	}
	return copies, nil
}

// follow has it run in this process. It returns only where it cannot.
func (s *successor) follow(args []string) error {
	var names []string
	var fds []int
	for _, socket := range s.sockets {
		names, fds = append(names, socket.Name), append(fds, socket.FD)
	}
	signal.Ignore(verbSignals...) // else one that comes before the next launcher takes it would end the process
	signal.Reset(endSignals...)   // from here on one ends the process, and is not taken and forgotten
	environment := append(os.Environ(), s.environment...)
	if pending := s.pending(); len(pending) > 0 {
		environment = append(environment, pendingVariable+"="+strings.Join(pending, ","))
	}
	environment = append(environment, "LISTEN_PID="+strconv.Itoa(os.Getpid()), "LISTEN_FDS="+strconv.Itoa(len(fds)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	err := linux.Exec(s.program, args, environment, fds)
	runtime.KeepAlive(s.front) // else its copies could have been closed
	return fmt.Errorf("start %s: %w", s.program, err)
}

// pending are the names of the signals that this launcher has not carried out: the next one does.
func (s *successor) pending() (names []string) {
	if s.stops {
		names = append(names, signalName(syscall.SIGTERM))
	}
	for {
		select {
		case sig := <-s.signals:
			if name := signalName(sig); !slices.Contains(names, name) {
				names = append(names, name)
			}
		default:
			return names
		}
	}
}

// followed has the launcher follow that an error stands for.
func followed(err error, args []string) error {
	var next *successor
	if errors.As(err, &next) {
		return next.follow(args)
	}
	return err
}
