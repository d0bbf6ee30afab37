//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// outcome is how a run of the launcher ended.
type outcome struct {
	stdout, stderr string
	status         int
}

// finish runs the launcher to its end, whatever that is.
func finish(t testing.TB, dir string, args ...string) outcome {
	t.Helper()
	return finishWith(t, dir, nil, args...)
}

// finishWith does so with variables added to its environment.
func finishWith(t testing.TB, dir string, env []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir, cmd.Env = dir, append(append(cleanEnv(), asLauncher+"=1"), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("launcher %q: %v", args, err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// lighttpdAccepts has lighttpd read a whole file, and load and set up its modules.
func lighttpdAccepts(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lighttpd.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool(t, "lighttpd"), "-tt", "-f", file).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("WARNING")) {
		t.Errorf("lighttpd -tt: %v\n%s\n%s", err, out, text)
	}
}

// contains checks for each of some texts.
func contains(t *testing.T, where, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s has no %q:\n%s", where, want, text)
		}
	}
}

// publicApp is an application's folder that nobody starts.
func publicApp(t *testing.T) string {
	t.Helper()
	root := copyApp(t, "hello")
	if err := os.Mkdir(filepath.Join(root, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestConfigSnippet(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	text := output(t, root, "config", "3")
	for slot := range 3 {
		contains(t, "the snippet", text, fmt.Sprintf(`"socket" => "%s/log/fastcgi.socket-%d"`, root, slot))
	}
	contains(t, "the snippet", text, `server.document-root = "`+root+`/public/"`)
	if strings.Contains(text, "fastcgi.socket-3") || strings.Contains(text, "server.port") {
		t.Errorf("the snippet has too much:\n%s", text)
	}
	lighttpdAccepts(t, "server.document-root = \"/var/empty\"\n"+text)
	if exists(filepath.Join(root, "log")) {
		t.Error("a command that prints made a folder")
	}
}

// TestConfigOptionsAnywhere: options mean the same before NUM and after it.
func TestConfigOptionsAnywhere(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	want := output(t, root, "config", "--full", "--port", "8123", "--url-prefix=/shop", "2")
	contains(t, "the file", want, "server.port = 8123", `"/shop/dispatch.fcgi"`)
	lighttpdAccepts(t, want)
	for _, args := range [][]string{
		{"config", "2", "--full", "--port", "8123", "--url-prefix=/shop"},
		{"config", "--full", "2", "--url-prefix", "/shop/", "--port=8123"},
		{"config", "--full", "--port", "8123", "--url-prefix=/shop", "--", "2"},
	} {
		if got := output(t, root, args...); got != want {
			t.Errorf("launcher %q:\n%s\nwant\n%s", args, got, want)
		}
	}
}

// TestConfigResponses: what streams and what lighttpd may send is chosen by options.
func TestConfigResponses(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	contains(t, "the snippet", output(t, root, "config", "1"), "server.stream-response-body = 1",
		fmt.Sprintf("( %q, %q, %q, %q )", root+"/public/", root+"/storage/", root+"/tmp/", root+"/files/"))
	text := output(t, root, "config", "1", "--buffer-responses", "--sendfile-dir", "private", "--sendfile-dir", "/srv/files")
	contains(t, "the snippet", text, "server.stream-response-body = 0", "text/event-stream", fmt.Sprintf("( %q, \"/srv/files/\" )", root+"/private/"))
	lighttpdAccepts(t, "server.document-root = \"/var/empty\"\n"+text)
	contains(t, "the snippet", output(t, root, "config", "1", "--sendfile-dir", "none"), `( "/dev/null/" )`)
	missing := finish(t, root, "config", "1", "--sendfile-dir", "nowhere")
	if missing.status != exitOK || !strings.Contains(missing.stdout, root+"/nowhere/") {
		t.Errorf("a folder that is not there: %+v", missing)
	}
	contains(t, "standard error", missing.stderr, "launcher: --sendfile-dir names a folder that is not there, and nothing is sent from it: "+root+"/nowhere\n")
}

func TestConfigPaths(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	elsewhere := t.TempDir()
	sockets, err := os.MkdirTemp("", "ls")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(sockets)
	text := output(t, elsewhere, "config", "1", "--root", root, "--socket-dir", sockets)
	contains(t, "the snippet", text, `"`+sockets+`/fastcgi.socket-0"`, `"`+root+`/public/"`)

	text = output(t, filepath.Dir(root), "config", "1", "--root", filepath.Base(root), "--socket-dir", "run")
	contains(t, "the snippet", text, `"`+filepath.Dir(root)+`/run/fastcgi.socket-0"`, `"`+root+`/public/"`)

	long := filepath.Join(sockets, strings.Repeat("l", 100))
	if got := finish(t, root, "config", "1", "--socket-dir", long); got.status != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "\nTry: ") {
		t.Errorf("a socket's path that is too long: %+v", got)
	}
}

func TestConfigVersion(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	for _, test := range []struct {
		version string
		status  int
		stdout  string // a part of it
		balance bool
		stderr  []string
	}{
		{"1.4.45", exitOK, "for lighttpd 1.4.45.", false, nil},
		{"1.4.55", exitOK, "for lighttpd 1.4.55.", true, nil},
		{"1.4.76", exitOK, "for lighttpd 1.4.76.", true, nil},
		{"1.4.30", exitFailed, "", false, []string{"1.4.30", "\nTry: "}},
		{"garbage", exitUsage, "", false, []string{`"garbage"`, "\nTry: --server-version 1.4.55\n"}},
		{"1.4", exitUsage, "", false, []string{`"1.4"`, "\nTry: "}},
	} {
		got := finish(t, root, "config", "2", "--server-version", test.version)
		if got.status != test.status || !strings.Contains(got.stdout, test.stdout) ||
			strings.Contains(got.stdout, "fastcgi.balance") != test.balance || test.status != exitOK && got.stdout != "" {
			t.Errorf("--server-version %s: %+v", test.version, got)
		}
		contains(t, "--server-version "+test.version, got.stderr, test.stderr...)
	}
	warned := finish(t, root, "config", "2", "--lighttpd-version", "1.4.84")
	if warned.status != exitOK || !strings.Contains(warned.stdout, "\n# WARNING: lighttpd 1.4.84 can corrupt") {
		t.Errorf("a release with a fault: %+v", warned)
	}
	contains(t, "standard error", warned.stderr, "launcher: lighttpd 1.4.84 can corrupt large bodies")
}

// TestConfigServers: each web server has a configuration of its own, in both forms.
func TestConfigServers(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	for name, test := range map[string]struct{ version, snippet, full, warning string }{
		"lighttpd": {"1.4.69", "fastcgi.server = (", "server.port = 8123", ""},
		"nginx":    {"1.22.1", "max_fails=0;", "listen 127.0.0.1:8123;", ""},
		"haproxy":  {"2.6.12", "proto fcgi maxconn 1", "bind 127.0.0.1:8123", "HAProxy serves no files"},
		"apache":   {"2.4.62", "flushpackets=on", "Listen 127.0.0.1:8123", ""},
		"caddy":    {"2.6.2", "flush_interval -1", "http://:8123 {", ""},
	} {
		for _, form := range []struct {
			args []string
			want string
		}{{nil, test.snippet}, {[]string{"--full", "--port", "8123"}, test.full}} {
			got := finish(t, root, append([]string{"config", "--server", name, "2", "--server-version", test.version}, form.args...)...)
			if got.status != exitOK || (got.stderr != "") != (test.warning != "") {
				t.Errorf("%s %q: %+v", name, form.args, got)
			}
			contains(t, name, got.stdout, test.version, form.want, filepath.Join(root, "log", "fastcgi.socket-1"))
			contains(t, name+"'s standard error", got.stderr, test.warning)
		}
	}
	unknown := finish(t, root, "config", "2", "--server", "ngnix")
	if unknown.status != exitUsage || unknown.stdout != "" {
		t.Errorf("an unknown web server: %+v", unknown)
	}
	contains(t, "standard error", unknown.stderr, `"ngnix"`, "lighttpd, nginx, haproxy, apache, caddy", "\nTry: --server nginx\n")
	missing := finish(t, root, "config", "2", "--server", "nginx", "--check", "--server-command", "/nonexistent/nginx")
	if missing.status != exitUsage || missing.stdout != "" {
		t.Errorf("with an nginx that is missing: %+v", missing)
	}
	idle := finish(t, root, "config", "2", "--server", "nginx", "--buffer-responses")
	contains(t, "standard error", idle.stderr, "no effect with --server nginx, which compresses what streams: --buffer-responses")
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	for _, args := range [][]string{{"config", "2", "--check"}, {"config", "--full", "--check", "2"}} {
		if checked, plain := output(t, root, args...), output(t, root, without(args, "--check")...); checked != plain {
			t.Errorf("launcher %q prints something else than without --check:\n%s", args, checked)
		}
	}
	missing := finish(t, root, "config", "2", "--check", "--server-command", "/nonexistent/lighttpd")
	if missing.status != exitUsage || missing.stdout != "" {
		t.Errorf("with a lighttpd that is missing: %+v", missing)
	}
	contains(t, "standard error", missing.stderr, "/nonexistent/lighttpd", "\nTry: ")

	// One that is there and does not like what it reads. It tells its version all the same.
	refusing := filepath.Join(t.TempDir(), "refusing")
	script := "#!/bin/sh\n[ \"$1\" = -v ] && echo 'lighttpd/1.4.69 (ssl) - a light and fast webserver' && exit 0\n" +
		"echo 'nothing that I know' >&2\nexit 1\n"
	write(t, refusing, script)
	if err := os.Chmod(refusing, 0o700); err != nil {
		t.Fatal(err)
	}
	refused := finish(t, root, "config", "2", "--check", "--lighttpd", refusing)
	if refused.status != exitFailed || refused.stdout != "" {
		t.Errorf("with a lighttpd that refuses: %+v", refused)
	}
	contains(t, "standard error", refused.stderr, "nothing that I know", "\nTry: ")
}

func without(args []string, dropped string) (kept []string) {
	for _, arg := range args {
		if arg != dropped {
			kept = append(kept, arg)
		}
	}
	return kept
}

// TestLauncherPrintsSnippet: what "launcher NUM" prints and what it keeps beside the sockets
// is what "launcher config NUM" prints, and lighttpd takes it.
func TestLauncherPrintsSnippet(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	want := output(t, root, "config", "2")
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	file := filepath.Join(root, "log", snippetName)
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s: %v\n%s\nwant\n%s", file, err, got, want)
	}
	if got := in.waitLine(`lighttpd: include "(.*)"$`); got[1] != file {
		t.Errorf("the last line names %s, not %s", got[1], file)
	}
	lighttpdAccepts(t, fmt.Sprintf("server.document-root = \"/var/empty\"\ninclude %q\n", file))
	// As distributions have it: modules and a document root of its own, and the snippet after that.
	port := freePort(t)
	url := runLighttpd(t, root, port, configuration(root, port, `"mod_alias", "mod_rewrite"`, fmt.Sprintf("include %q", file)))
	if status, body := get(t, url+"/"); status != 200 || body != "hello\n" {
		t.Errorf("behind the included snippet: %d %q", status, body)
	}
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("the launcher ended with %d", status)
	}
	if got := in.stdout.String(); got != want {
		t.Errorf("standard output:\n%s\nwant\n%s", got, want)
	}
	if !exists(file) {
		t.Error("a web server that includes it could not start any more")
	}
}

// TestConfigCheckInterrupted: it says so, and leaves nothing behind, neither a folder nor the web server that it has asked.
func TestConfigCheckInterrupted(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"config --check": {"config", "--check", "2"}, "config check": {"config", "check", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, scratch, path := copyApp(t, "hello"), t.TempDir(), t.TempDir()
			asked := filepath.Join(root, "asked")
			slow := "#!/bin/sh\ncase $1 in -v) echo 'lighttpd/1.4.69 (ssl)' ;; *) echo > " + asked + "; exec sleep 100 ;; esac\n"
			if err := os.WriteFile(filepath.Join(path, "lighttpd"), []byte(slow), 0o700); err != nil {
				t.Fatal(err)
			}
			in := start(t, startOptions{root: root, args: args, env: []string{"TMPDIR=" + scratch, "PATH=" + path + ":" + os.Getenv("PATH")}})
			in.waitFor("the check to be under way", func() bool { return exists(asked) })
			in.signal(syscall.SIGINT)
			if status := in.wait(); status != exitFailed {
				t.Errorf("exit status %d", status)
			}
			contains(t, "what it prints", in.log()+in.stdout.String(), "stopped by INT")
			if left := names(t, scratch); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}
