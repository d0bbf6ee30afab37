//go:build linux && redmine

package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// redmineRoot is where Debian's package keeps the code of Redmine. It has neither log/
// nor tmp/, and its web server's user may not write there.
const redmineRoot = "/usr/share/redmine"

const redmineWorkers = 4

// TestRedmine uses Redmine through lighttpd as a browser would, while its processes
// are killed.
func TestRedmine(t *testing.T) {
	t.Parallel()
	site := newRedmineSite(t)
	t.Run("killed", func(t *testing.T) { testRedmineKilled(t, site) })
	t.Run("www-data", func(t *testing.T) { testRedmineWebUser(t, site) })
}

func testRedmineKilled(t *testing.T, site *redmineSite) {
	began := time.Now()
	in := start(t, site.options("--socket-dir", site.sockets, "4")).serving()
	t.Logf("%d workers were ready %v after the start", redmineWorkers, time.Since(began).Round(time.Millisecond))
	v := newRedmineVisitor(t, site.lighttpd(t))
	v.signIn(redmineFirstPassword)
	v.changePassword(redmineFirstPassword, redminePassword)
	v.createProject("harbour")
	first := newRedmineFile("first.bin", 3<<20)
	v.checkIssue(v.createIssue("harbour", "The crane is stuck", first), "The crane is stuck", first)
	if page := v.get("/stylesheets/application.css"); !strings.Contains(page.body, "{") || page.header.Get("ETag") == "" {
		t.Errorf("lighttpd did not serve the style sheet itself: %v", page.header)
	}

	redmineKill(t, in.worker(1))
	v.crowd("/issues", 2*redmineWorkers)
	v.checkIssue("/issues/1", "The crane is stuck", first)
	second := newRedmineFile("second.bin", 300_000)
	v.checkIssue(v.createIssue("harbour", "A buoy has drifted", v.upload(second)), "A buoy has drifted", second)
	in.waitLines(`worker is ready.* slot=1 `, 2)

	workers := redminePids(in)
	redmineKill(t, in.preloader())
	v.crowd("/issues", 2*redmineWorkers)
	v.checkIssue("/issues/2", "A buoy has drifted", second)
	in.waitLines(`preloader loaded the application`, 2)
	if now := redminePids(in); !slices.Equal(now, workers) {
		t.Errorf("the preloader's death changed the workers from %v to %v", workers, now)
	}

	redmineKill(t, in.worker(2)) // its successor comes from the second preloader
	in.waitLines(`worker is ready.* slot=2 `, 2)
	v.crowd("/issues", 2*redmineWorkers)
	third := newRedmineFile("third.bin", 65_535)
	v.checkIssue(v.createIssue("harbour", "The light is out", third), "The light is out", third)
	v.checkIssue("/issues/1", "The crane is stuck", first)
	site.attached = first
}

// testRedmineWebUser is the package's own way: as the user of Debian's web servers.
func testRedmineWebUser(t *testing.T, site *redmineSite) {
	if os.Getuid() != 0 {
		t.Skip("only root may become www-data")
	}
	if site.attached == nil {
		t.Skip("there is no issue to look at")
	}
	site.become(t, "www-data")
	if _, err := os.Stat(filepath.Join(redmineRoot, "log")); err != nil {
		redmineRefuses(t, start(t, site.options("4")), "mkdir "+redmineRoot+"/log: permission denied", "Try: ", "--socket-dir")
	}
	redmineRefuses(t, start(t, site.options("--socket-dir", site.sockets, "4")), "Errno::EACCES: Permission denied", "Try: ", "-u www-data")

	site.own(t)
	start(t, site.options("--socket-dir", site.sockets, "4")).serving()
	v := newRedmineVisitor(t, site.lighttpd(t))
	v.signIn(redminePassword)
	v.checkIssue("/issues/1", "The crane is stuck", site.attached)
}

// redmineRefuses checks that a launcher gives up, and with which words.
func redmineRefuses(t *testing.T, in *instance, parts ...string) {
	t.Helper()
	if status := in.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	for _, part := range parts {
		if !strings.Contains(in.log(), part) {
			t.Errorf("the error does not tell %q:\n%s", part, in.log())
		}
	}
}

// redmineKill ends a process as the kernel does when memory runs out.
func redmineKill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// redminePids are in slot order.
func redminePids(in *instance) (pids []int) {
	in.t.Helper()
	for slot := range redmineWorkers {
		pids = append(pids, in.worker(slot))
	}
	return pids
}

// redmineSite is what a Redmine keeps beside its code: configuration, database, files,
// log. It is one of the instances that Debian's package can have, far from the others.
type redmineSite struct {
	dir      string
	sockets  string
	env      []string
	program  string               // where the launcher is to be somebody else's
	attr     *syscall.SysProcAttr // the same
	attached *redmineFile         // what an issue of it has
}

func newRedmineSite(t *testing.T) *redmineSite {
	t.Helper()
	if _, err := os.Stat(filepath.Join(redmineRoot, "config.ru")); err != nil {
		t.Fatalf("%v (install it: make redmine)", err)
	}
	dir, err := os.MkdirTemp("", "lr")
	if err != nil {
		t.Fatal(err)
	}
	site := &redmineSite{dir: dir, sockets: filepath.Join(dir, "sockets")}
	t.Cleanup(func() { site.cleanup(t) })
	for _, name := range []string{"config", "log", "files", "tmp", "public/plugin_assets"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { // for www-data
		t.Fatal(err)
	}
	site.write(t, "config/database.yml", fmt.Sprintf("production:\n  adapter: sqlite3\n  database: %s/redmine.sqlite3\n"+
		"  encoding: utf8\n  timeout: 10000\n", dir))
	site.write(t, "config/secret_key.txt", rand.Text()+rand.Text()+"\n")
	// The package looks for an instance by its name below /var/lib/redmine, where only
	// root may add one. Enough parents lead to the root of the file system from there
	// and from wherever a link to it lies.
	site.env = []string{"REDMINE_INSTANCE=" + strings.Repeat("../", 8) + strings.TrimPrefix(dir, "/")}
	site.bundle(t)
	site.rake(t, "db:migrate")
	site.rake(t, "redmine:load_default_data") // in a process that has not seen the tables change
	return site
}

// bundle gives a user who may not read the package's own database.yml, where the
// Gemfile finds the adapter, a Gemfile that names it.
func (s *redmineSite) bundle(t *testing.T) {
	t.Helper()
	file, err := os.Open("/etc/redmine/default/database.yml")
	if err == nil {
		_ = file.Close()
		return
	}
	s.write(t, "Gemfile", fmt.Sprintf("eval_gemfile %q\ngem \"sqlite3\"\n", filepath.Join(redmineRoot, "Gemfile")))
	s.env = append(s.env, "BUNDLE_GEMFILE="+filepath.Join(s.dir, "Gemfile"))
}

func (s *redmineSite) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rake runs a task of Redmine. SCHEMA keeps Rails from writing db/schema.rb.
func (s *redmineSite) rake(t *testing.T, task string) {
	t.Helper()
	cmd := exec.Command(tool(t, "bundle"), "exec", "rake", task)
	cmd.Dir = redmineRoot
	cmd.Env = append(append(cleanEnv(), s.env...), "RAILS_ENV=production", "SCHEMA=/dev/null", "REDMINE_LANG=en")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rake %s: %v\n%s", task, err, out)
	}
}

func (s *redmineSite) options(args ...string) startOptions {
	return startOptions{root: redmineRoot, shared: true, env: s.env, args: args, program: s.program, attr: s.attr}
}

// lighttpd runs lighttpd in front, and returns its address.
func (s *redmineSite) lighttpd(t *testing.T) (url string) {
	t.Helper()
	port := freePort(t)
	return runLighttpd(t, s.dir, port, output(t, redmineRoot, "config", "--full", "--port", fmt.Sprint(port),
		"--socket-dir", s.sockets, fmt.Sprint(redmineWorkers)))
}

// become has the launchers to come run as another user, who can make sockets and read
// nothing of the site yet.
func (s *redmineSite) become(t *testing.T, name string) {
	t.Helper()
	account := credential(t, name)
	s.attr = &syscall.SysProcAttr{Credential: account}
	s.program = filepath.Join(s.dir, "launcher") // the test binary's own folder is closed
	err := copyFile(os.Args[0], s.program, 0o755)
	if err == nil {
		err = os.Chmod(s.program, 0o755) // whatever the umask is
	}
	if err == nil {
		err = os.Chown(s.sockets, int(account.Uid), int(account.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// own gives that user everything.
func (s *redmineSite) own(t *testing.T) {
	t.Helper()
	owner := s.attr.Credential
	err := filepath.WalkDir(s.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *redmineSite) cleanup(t *testing.T) {
	if !t.Failed() {
		_ = os.RemoveAll(s.dir)
		return
	}
	t.Logf("Redmine's folder is kept: %s", s.dir)
	if log, err := os.ReadFile(filepath.Join(s.dir, "log", "production.log")); err == nil {
		t.Logf("production.log:\n%s", log[max(0, len(log)-8000):])
	}
}
