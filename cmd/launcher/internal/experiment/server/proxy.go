//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"launcher/lighttpd"
)

// FindFront looks for lighttpd.
func FindFront(ctx context.Context) (Installed, error) {
	program, err := lighttpd.Locate()
	if err != nil {
		return Installed{}, err
	}
	version, err := lighttpd.Find(ctx, program)
	if err != nil {
		return Installed{}, err
	}
	return Installed{Program: program, Version: version.String()}, nil
}

const (
	frontConfig  = "lighttpd.conf"
	frontLog     = "lighttpd.log"
	frontUploads = "uploads"
	frontTimeout = 20 * time.Second
	frontGrace   = 5 * time.Second
	// frontTries is how often a port may be taken by others between its choice and
	// lighttpd's bind.
	frontTries = 10
)

var errPortTaken = errors.New("its port was taken")

// Front is a lighttpd of an experiment's own before a server.
type Front struct {
	address string
	log     string
	family  *family
	head    *head

	stop    sync.Once
	stopped error
}

// StartFront runs lighttpd on a free port of 127.0.0.1 and answers when it serves. The
// folder, which need not be there, gets its configuration, its errors and its uploads.
// Each request goes to a backend, those for static files too: they would otherwise be
// answered by one method's front and another's workers.
func StartFront(ctx context.Context, dir string, backends []Backend) (*Front, error) {
	installed, err := FindFront(ctx)
	if err != nil {
		return nil, err
	}
	version, err := lighttpd.ParseVersion(installed.Version)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, frontUploads), 0o700); err != nil {
		return nil, fmt.Errorf("start lighttpd: %w", err)
	}
	for try := 1; ; try++ {
		f, err := startFront(ctx, installed.Program, version, dir, backends)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, errPortTaken) && try < frontTries:
			continue
		default:
			return nil, fmt.Errorf("start lighttpd: %w", err)
		}
	}
}

func startFront(ctx context.Context, program string, version lighttpd.Version, dir string, backends []Backend) (*Front, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	pass := lighttpd.Pass{Server: lighttpd.Server{Port: port, UploadDir: filepath.Join(dir, frontUploads)}}
	for _, b := range backends {
		pass.FastCGI = b.FastCGI
		pass.Sockets = append(pass.Sockets, b.Socket)
	}
	text, err := pass.Config(version)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, frontConfig)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	// Each try has a log of its own: what is looked for in it must not be of the one before.
	log, err := os.OpenFile(filepath.Join(dir, frontLog), os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	f := &Front{address: net.JoinHostPort("127.0.0.1", number(port)), log: log.Name(), family: newFamily()}
	cmd := exec.Command(program, "-D", "-f", config)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), f.family.mark)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	f.family.begin(cmd.Process.Pid)
	f.head = newHead(cmd.Process.Pid, func(sig syscall.Signal) { _ = cmd.Process.Signal(sig) }, cmd.Wait)
	bounded, cancel := context.WithTimeoutCause(ctx, frontTimeout, fmt.Errorf("it does not serve after %v", frontTimeout))
	defer cancel()
	if err := f.await(bounded); err != nil {
		return nil, errors.Join(err, f.Stop())
	}
	return f, nil
}

// await waits for the line that says that it has bound its port.
func (f *Front) await(ctx context.Context) error {
	news, err := follow(f.log)
	if err != nil {
		return err
	}
	defer news.close()
	tick := time.NewTicker(startTick)
	defer tick.Stop()
	serves := false
	for {
		if err := news.lines(func(line string) error {
			serves = serves || strings.Contains(line, "server started")
			return nil
		}); err != nil {
			return err
		}
		if serves {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-f.head.exited:
			if strings.Contains(strings.Join(f.Tail(), "\n"), "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("it ended: %w\n  %s", err, strings.Join(f.Tail(), "\n  "))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Address is where it listens: 127.0.0.1 and a port.
func (f *Front) Address() string { return f.address }

// Pid is lighttpd's.
func (f *Front) Pid() int { return f.head.pid }

// Tail answers the last lines of its log of errors.
func (f *Front) Tail() []string { return tail(f.log) }

// Stop ends it, and returns when it is gone.
func (f *Front) Stop() error {
	f.stop.Do(func() {
		f.head.signal(syscall.SIGTERM)
		f.stopped = end(f.family.members, func(pid int) bool { return pid == f.head.pid }, frontGrace)
	})
	return f.stopped
}

// freePort is one that nobody has right now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
