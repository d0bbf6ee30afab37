//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postgreSQL is a server of the test's own: its data, its socket and its log are in one
// temporary folder, and it listens nowhere else.
type postgreSQL struct {
	t        *testing.T
	dir      string
	programs string
	owner    *syscall.Credential // nil: oneself
	cmd      *exec.Cmd
	ended    chan struct{}
}

// env are libpq's own variables, by which a program finds the server.
func (p *postgreSQL) env() []string {
	return []string{"PGHOST=" + p.dir, "PGPORT=5432", "PGUSER=postgres", "PGDATABASE=postgres"}
}

// startPostgreSQL starts a server that ends with the test.
func startPostgreSQL(t *testing.T) *postgreSQL {
	t.Helper()
	// Debian keeps them off PATH, one folder a version. Any version will do.
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Fatalf("PostgreSQL is missing (install it: make test-deps): %v", err)
	}
	dir, err := os.MkdirTemp("", "lp")
	if err != nil {
		t.Fatal(err)
	}
	p := &postgreSQL{t: t, dir: dir, programs: filepath.Dir(found[len(found)-1]), ended: make(chan struct{})}
	t.Cleanup(p.cleanup)
	if os.Getuid() == 0 { // as whom PostgreSQL refuses to run
		p.owner = credential(t, "postgres")
		if err := os.Chown(dir, int(p.owner.Uid), int(p.owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	// The folder is its owner's alone, so whoever reaches the socket may be trusted.
	initdb := p.command("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.run()
	return p
}

// credential is who another user is.
func credential(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *postgreSQL) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.programs, program), args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C") // its log is read
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.owner, Setpgid: true}
	return cmd
}

// run starts the server. Nothing here has to outlive a power cut, so it does not wait for
// the disk. Of each session the log has the begin and the end, by the pid of its process.
func (p *postgreSQL) run() {
	p.t.Helper()
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = p.command("postgres", "-D", "data", "-k", p.dir, "-h", "", "-F", "-c", "synchronous_commit=off",
		"-c", "log_connections=on", "-c", "log_disconnections=on", "-c", "log_line_prefix=%p ")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr.Pdeathsig = syscall.SIGINT // a test that runs out of time cleans nothing up
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	waitFor(p.t, "PostgreSQL to start", func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("PostgreSQL ended: %v", p.cmd.ProcessState)
		default:
		}
		return strings.Contains(p.log(), "database system is ready to accept connections")
	})
	if p.t.Failed() {
		p.t.FailNow()
	}
}

func (p *postgreSQL) logFile() string { return filepath.Join(p.dir, "log") }

func (p *postgreSQL) log() string {
	p.t.Helper()
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// ask returns the lines of a query's result, with a space between columns.
func (p *postgreSQL) ask(query string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(p.programs, "psql"), "-XAtq", "-F", " ", "-c", query)
	cmd.Env = append(os.Environ(), p.env()...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("psql: %v\n%s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// cleanup ends the server as "pg_ctl stop" does: fast, and where that takes too long at once.
func (p *postgreSQL) cleanup() {
	if p.cmd != nil && p.cmd.Process != nil {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
			_ = p.cmd.Process.Signal(sig)
			select {
			case <-p.ended:
			case <-time.After(patience):
				p.t.Errorf("PostgreSQL does not end by %v", sig)
				continue
			}
			break
		}
	}
	if !p.t.Failed() {
		_ = os.RemoveAll(p.dir)
		return
	}
	p.t.Logf("PostgreSQL's folder is kept: %s", p.dir)
	if log, err := os.ReadFile(p.logFile()); err == nil {
		p.t.Logf("PostgreSQL's log ended with\n%s", log[max(0, len(log)-8000):])
	}
}
