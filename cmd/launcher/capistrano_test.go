//go:build linux && recipes

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func mustRun(t testing.TB, dir string, env []string, program string, args ...string) {
	t.Helper()
	if out, err := run(t, dir, env, program, args...); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// startSSH starts a server of SSH for the one key that is returned.
func startSSH(t *testing.T) (port int, key string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"host", "key"} {
		mustRun(t, dir, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
	}
	if os.Geteuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // where a server of root's is confined
	}
	port = freePort(t)
	config := filepath.Join(dir, "config")
	write(t, config, fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s/host\nAuthorizedKeysFile %s/key.pub\nPasswordAuthentication no\n"+
		"PermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPidFile none\n", port, dir, dir))
	server := exec.Command(tool(t, "sshd"), "-D", "-e", "-f", config)
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", log.String())
		}
	})
	waitFor(t, "the server of SSH", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return port, filepath.Join(dir, "key")
}

// capistrano is a project with the recipe, and the repository that it deploys.
type capistrano struct {
	t             *testing.T
	project, repo string
}

func newCapistrano(t *testing.T, shop string) capistrano {
	t.Helper()
	c := capistrano{t: t, project: t.TempDir(), repo: t.TempDir()}
	if err := os.CopyFS(c.project, os.DirFS(filepath.Join(sourceRoot(t), "cmd", "launcher", "recipes", "capistrano"))); err != nil {
		t.Fatal(err)
	}
	port, key := startSSH(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(c.project, "config", "deploy", "test.rb"), fmt.Sprintf(`
set :repo_url, %q
set :deploy_to, %q
set :tmp_dir, %q
set :linked_files, []
set :linked_dirs, %%w[log]
set :launcher, %q
server "127.0.0.1", user: %q, roles: %%w[app], ssh_options: { port: %d, keys: [%q], keys_only: true, auth_methods: %%w[publickey],
  verify_host_key: :never, config: false, use_agent: false }
task(:notify) { raise "nobody is told" if ENV["UNTOLD"] }
after "deploy:finishing", "notify"
`, "file://"+c.repo, shop, t.TempDir(), launcherScript(t, t.TempDir()), me.Username, port, key))
	mustRun(t, c.repo, nil, "git", "init", "-q", "-b", "master")
	return c
}

// commit has the application respond with a text.
func (c capistrano) commit(code string) {
	c.t.Helper()
	write(c.t, filepath.Join(c.repo, "config.ru"), code)
	mustRun(c.t, c.repo, nil, "git", "add", ".")
	mustRun(c.t, c.repo, nil, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "a release")
}

func (c capistrano) cap(task string, env ...string) (string, error) {
	c.t.Helper()
	return run(c.t, c.project, env, "cap", "test", task)
}

// TestCapistrano deploys over SSH, under load: a release takes over, a rollback goes back, and one that does not load is not served.
func TestCapistrano(t *testing.T) {
	t.Parallel()
	shop := shortFolder(t)
	c := newCapistrano(t, shop)
	c.commit(responds("one"))
	if out, err := c.cap("deploy"); err != nil || !strings.Contains(out, "no launcher runs") {
		t.Fatalf("the first deploy: %v\n%s", err, out)
	}
	current, socketDir := filepath.Join(shop, currentLink), filepath.Join(shop, "shared", "run")
	in := start(t, startOptions{root: current, env: []string{"PWD=" + current}, args: []string{"2", "--socket-dir", socketDir}}).serving()
	sockets := []string{filepath.Join(socketDir, "fastcgi.socket-0"), filepath.Join(socketDir, "fastcgi.socket-1")}
	visitors := visit(1, "/", sockets...)
	link := func() string { path, _ := os.Readlink(current); return path }
	wants := func(what, body string) {
		t.Helper()
		for _, socket := range sockets {
			if a := ask(t, socket, "/"); !a.is(body) {
				t.Errorf("%s: %v", what, a)
			}
		}
	}
	wants("the first deploy", "one")
	first := link()
	c.commit(responds("two"))
	if out, err := c.cap("deploy"); err != nil || !strings.Contains(out, "generation 2 serves ") {
		t.Fatalf("the second deploy: %v\n%s", err, out)
	}
	wants("the second deploy", "two")
	if out, err := c.cap("deploy:rollback"); err != nil {
		t.Fatalf("the rollback: %v\n%s", err, out)
	}
	wants("the rollback", "one")
	if link() != first {
		t.Errorf("after the rollback the link leads to %s, not to %s", link(), first)
	}
	c.commit("raise 'half a release'\n")
	if out, err := c.cap("deploy"); err == nil || !strings.Contains(out, "half a release") {
		t.Errorf("a release that does not load: %v\n%s", err, out)
	}
	wants("a release that does not load", "one")
	if link() != first {
		t.Errorf("after a deploy that failed the link leads to %s, not to %s", link(), first)
	}
	// What fails once a release is served changes nothing of that: the link leads to what is served.
	c.commit(responds("three"))
	if out, err := c.cap("deploy", "UNTOLD=1"); err == nil || !strings.Contains(out, "nobody is told") {
		t.Errorf("a deploy that fails after its release is served: %v\n%s", err, out)
	}
	wants("a deploy that fails after its release is served", "three")
	if text, _ := os.ReadFile(filepath.Join(current, "config.ru")); string(text) != responds("three") {
		t.Errorf("the link leads to a release with %s", text)
	}
	if out, err := c.cap("launcher:status"); err != nil || !strings.Contains(out, "fastcgi.socket-1") {
		t.Errorf("launcher:status: %v\n%s", err, out)
	}
	if bodies := strings.Join(visitors.end(t, 0), " "); bodies != "one three two" {
		t.Errorf("visitors got %q", bodies)
	}
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
}
