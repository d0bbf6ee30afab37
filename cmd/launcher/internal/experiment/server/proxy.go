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

// FindProxy returns the lighttpd that is installed.
func FindProxy(ctx context.Context) (Installed, error) {
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
	proxyConfig  = "lighttpd.conf"
	proxyLog     = "lighttpd.log"
	proxyUploads = "uploads"
	proxyTimeout = 20 * time.Second
	proxyGrace   = 5 * time.Second
	// proxyTries is how often a port may be taken by others between its choice and
	// lighttpd's bind.
	proxyTries = 10
)

var errPortTaken = errors.New("its port was taken")

// Proxy is a lighttpd of the experiment's own in front of a server.
type Proxy struct {
	address string
	log     string
	group   *processGroup
	leader  *leader

	stop    sync.Once
	stopped error
}

// StartProxy runs lighttpd on a free port of 127.0.0.1 and returns when it serves. The
// folder, which need not be there, gets its configuration, its errors and its uploads.
// Each request goes to a backend, those for static files too: with one method the
// web server would otherwise answer them, and with another the workers.
func StartProxy(ctx context.Context, dir string, backends []Backend) (*Proxy, error) {
	installed, err := FindProxy(ctx)
	if err != nil {
		return nil, err
	}
	version, err := lighttpd.ParseVersion(installed.Version)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, proxyUploads), 0o700); err != nil {
		return nil, fmt.Errorf("start lighttpd: %w", err)
	}
	for try := 1; ; try++ {
		p, err := startProxy(ctx, installed.Program, version, dir, backends)
		switch {
		case err == nil:
			return p, nil
		case errors.Is(err, errPortTaken) && try < proxyTries:
			continue
		default:
			return nil, fmt.Errorf("start lighttpd: %w", err)
		}
	}
}

func startProxy(ctx context.Context, program string, version lighttpd.Version, dir string, backends []Backend) (*Proxy, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	pass := lighttpd.Pass{Server: lighttpd.Server{Port: port, UploadDir: filepath.Join(dir, proxyUploads)}}
	for _, b := range backends {
		pass.FastCGI = b.FastCGI
		pass.Sockets = append(pass.Sockets, b.Socket)
	}
	text, err := pass.Config(version)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, proxyConfig)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	// Each try has a log of its own: what is looked for in it must not be of the one before.
	log, err := os.OpenFile(filepath.Join(dir, proxyLog), os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &Proxy{address: net.JoinHostPort("127.0.0.1", number(port)), log: log.Name(), group: newProcessGroup()}
	cmd := exec.Command(program, "-D", "-f", config)
	cmd.Dir, cmd.Env = dir, os.Environ()
	cmd.Stdout, cmd.Stderr = log, log
	if p.leader, err = p.group.start(cmd); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, proxyTimeout, fmt.Errorf("it does not serve after %v", proxyTimeout))
	defer cancel()
	if err := p.await(bounded); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// await waits for the line of lighttpd's log that says that it has bound its port.
func (p *Proxy) await(ctx context.Context) error {
	news, err := follow(p.log)
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
		case err := <-p.leader.exited:
			if strings.Contains(strings.Join(p.Tail(), "\n"), "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("it ended: %w\n  %s", err, strings.Join(p.Tail(), "\n  "))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Address returns where it listens: 127.0.0.1 and a port.
func (p *Proxy) Address() string { return p.address }

// Pid returns lighttpd's.
func (p *Proxy) Pid() int { return p.leader.pid }

// Tail returns the last lines of its log of errors.
func (p *Proxy) Tail() []string { return tail(p.log) }

// Stop ends it, and returns when it has ended.
func (p *Proxy) Stop() error {
	p.stop.Do(func() {
		p.leader.signal(syscall.SIGTERM)
		p.stopped = end(p.group.members, func(pid int) bool { return pid == p.leader.pid }, proxyGrace)
	})
	return p.stopped
}

// freePort returns a port that nobody listens on right now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
