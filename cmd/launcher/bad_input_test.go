//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// refused is a start that must fail: with a status, a message and a hint, and with the folder as
// it was before.
type refused struct {
	startOptions
	status int
	says   []string // patterns; the last is of the hint
}

func (r refused) run(t *testing.T) *instance {
	t.Helper()
	before := listing(t, r.root)
	in := start(t, r.startOptions)
	if status := in.wait(); status != r.status {
		t.Errorf("exit status %d, want %d", status, r.status)
	}
	for i, pattern := range r.says {
		if i == len(r.says)-1 {
			pattern = "(?m)^Try: .*" + pattern
		}
		if !regexp.MustCompile(pattern).MatchString(in.log()) {
			t.Errorf("it does not say %q", pattern)
		}
	}
	if after := listing(t, r.root); !slices.Equal(after, before) {
		t.Errorf("the folder has %q, it had %q", after, before)
	}
	if found := in.processes(); len(found) != 0 {
		t.Errorf("it left %+v", found)
	}
	if in.stdout.Len() != 0 && r.status == exitUsage {
		t.Errorf("standard output is %q", in.stdout.String())
	}
	return in
}

// listing is everything below a folder, with its type and permissions.
func listing(t testing.TB, root string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			found = append(found, fmt.Sprintf("%v %s", info.Mode(), strings.TrimPrefix(path, root)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCommandLineMistakes(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	for _, test := range []struct {
		args []string
		says string
		try  string
	}{
		{nil, "NUM, the number of workers, is missing", "launcher 4"},
		{[]string{"0"}, "NUM is from 1 to 1024, not 0", "launcher 4"},
		{[]string{"-3"}, "NUM is from 1 to 1024, not -3", "launcher 4"},
		{[]string{"abc"}, `NUM is a number of workers, not "abc"`, "launcher 4"},
		{[]string{"2.5"}, `NUM is a number of workers, not "2.5"`, "launcher 4"},
		{[]string{"100000"}, "NUM is from 1 to 1024, not 100000", "launcher 4"},
		{[]string{"99999999999999999999"}, "NUM is from 1 to 1024, not 99999999999999999999", "launcher 4"},
		{[]string{"2", "3"}, `one NUM is expected, not \["2" "3"\]`, "launcher 4"},
		{[]string{"2", "--nonsense"}, "there is no option --nonsense", "launcher --help"},
		{[]string{"2", "--socket-mode", "rw"}, `"rw" is not an octal mode`, "--socket-mode 0660"},
		{[]string{"2", "--socket-mode", "0999"}, `"0999" is not an octal mode`, "--socket-mode 0660"},
		{[]string{"2", "--socket-mode", "7777"}, `"7777" is not an octal mode`, "--socket-mode 0660"},
		{[]string{"2", "--socket-group", "no-such-group"}, "--socket-group: group: unknown group no-such-group", "--socket-group www-data"},
		{[]string{"2", "--http", "nonsense"}, `"nonsense" is not an address with a port`, "--http 127.0.0.1:3000"},
		{[]string{"2", "--log-format", "xml"}, `"xml" is neither text nor json`, "--log-format text"},
		{[]string{"2", "--log-level", "loud"}, `"loud" is none of`, "--log-level info"},
		{[]string{"2", "--boot-timeout", "0"}, "0s is not a time to wait", "--boot-timeout 30s"},
		{[]string{"2", "--boot-timeout", "0s"}, "0s is not a time to wait", "--boot-timeout 30s"},
		{[]string{"2", "--boot-timeout", "soon"}, `"soon" is not a time such as`, "--boot-timeout 1m30s"},
		{[]string{"2", "--http", "127.0.0.1:99999"}, `"99999" is not a port from 0 to 65535`, "--http 127.0.0.1:3000"},
		{[]string{"--root", "/x", "statsu"}, `did you mean status\?`, "launcher status"},
		{[]string{"--http", ":3000", "doctor"}, `launcher doctor has no option --http`, "launcher doctor --help"},
		{[]string{"config", "--port", "80", "2"}, `read --port: it is for a whole file, with --full`, "launcher config --full --port 80 2"},
		{[]string{"config", "--address", "::1", "2"}, `read --address: it is for a whole file`, "launcher config --full --address ::1 2"},
		{[]string{"config", "--full", "--port", "70000", "2"}, `read --port: a port is from 1 to 65535, not 70000`, "--port 8080"},
		{[]string{"config", "--full", "--address", "example.org", "2"}, `"example.org" is not an IP address`, "--address 127.0.0.1"},
		{[]string{"2", "--drain-timeout", "-1s"}, "-1s is not a time to wait", "--drain-timeout 30s"},
		{[]string{"2", "--without", "vews,compact"}, `read --without: "vews" is none of huge-pages, `, "--without compact,views"},
		{[]string{"2", "--warmup", "posts"}, `"posts" is not a path`, "--warmup /posts"},
		{[]string{"2", "--warmup-header", "German"}, `"German" is not a header`, "--warmup-header 'Accept-Language: de'"},
		{[]string{"2", "--warmup-header", "A: b\r\nC: d"}, `is not a header`, "--warmup-header 'Accept-Language: de'"},
		{[]string{"2", "--warmup-host", "a b"}, `"a b" is not a host`, "--warmup-host www.example.org"},
		{[]string{"2", "--refork-after", "0"}, `read --refork-after: "0" is not a number of requests`, "--refork-after 50,500, auto or never"},
		{[]string{"2", "--refork-after", "soon"}, `"soon" is not a number of requests`, "--refork-after 50,500"},
		{[]string{"2", "--refork-after", "10,,20"}, `"" is not a number of requests`, "--refork-after 50,500"},
		{[]string{"2", "--refork-after", "auto,20"}, `"auto" is not a number of requests`, "--refork-after 50,500"},
		{[]string{"2", "--refork-after", "-5"}, `"-5" is not a number of requests`, "--refork-after 50,500"},
		{[]string{"2", "--refork-after", "99999999999"}, `"99999999999" is not a number of requests`, "--refork-after 50,500"},
		{[]string{"2", "--refork-after="}, `read --refork-after: its value is empty`, "leave --refork-after out"},
		{[]string{"2", "--warmup-count", "0"}, "it is from 1 to 1000, not 0", "--warmup-count 4"},
		{[]string{"2", "--url-prefix", "shop"}, `"shop" is not a URL path`, "--url-prefix /shop"},
		{[]string{"2", "--url-prefix", "/a/../b"}, `"/a/\.\./b" is not a URL path`, "--url-prefix /shop"},
		{[]string{"2", "--mounted-by", "rails"}, `"rails" is neither auto nor launcher nor app`, "--mounted-by app"},
		{[]string{"config", "--url-prefix", "/a b", "2"}, `"/a b" is not a URL path`, "--url-prefix /shop"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			refused{startOptions{root: root, args: test.args}, exitUsage, []string{"launcher: .*" + test.says, test.try}}.run(t)
		})
	}
}

// TestUnusablePlaces are folders, sockets and addresses that are not there, or not ours.
func TestUnusablePlaces(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, root string) (env, args []string)
		says    []string
		status  int
	}{
		{"no application", func(t *testing.T, root string) (env, args []string) {
			remove(t, filepath.Join(root, "config.ru"))
			return nil, nil
		}, []string{"neither config.ru nor config/environment.rb in", "change to the root"}, exitFailed},
		{"root without an application", func(t *testing.T, _ string) (env, args []string) {
			return nil, []string{"--root", t.TempDir()}
		}, []string{"neither config.ru nor config/environment.rb in", "name it with --root"}, exitFailed},
		{"no such root", func(_ *testing.T, root string) (env, args []string) {
			return nil, []string{"--root", filepath.Join(root, "nowhere")}
		}, []string{"nowhere is not a folder", "--root"}, exitUsage},
		{"no such root in the environment", func(_ *testing.T, root string) (env, args []string) {
			return []string{"LAUNCHER_ROOT=" + filepath.Join(root, "nowhere")}, nil
		}, []string{"nowhere is not a folder", `--root \(LAUNCHER_ROOT is ".*nowhere" in the environment\)`}, exitUsage},
		{"root is a file", func(_ *testing.T, root string) (env, args []string) {
			return nil, []string{"--root", "config.ru"}
		}, []string{"config.ru is not a folder", "--root"}, exitUsage},
		{"no ruby on PATH", func(*testing.T, string) (env, args []string) { return []string{"PATH="}, nil },
			[]string{`find Ruby: exec: "ruby": executable file not found in \$PATH`, "install Ruby 2.7 or later .*--ruby"}, exitFailed},
		{"no such ruby", func(*testing.T, string) (env, args []string) { return nil, []string{"--ruby", "/nowhere/ruby"} },
			[]string{"find Ruby: .*/nowhere/ruby", "--ruby"}, exitUsage},
		{"no such ruby on PATH", func(*testing.T, string) (env, args []string) { return nil, []string{"--ruby", "ruby9.9"} },
			[]string{`find Ruby: exec: "ruby9.9": executable file not found in \$PATH`, "--ruby"}, exitUsage},
		{"below a file", func(_ *testing.T, root string) (env, args []string) {
			return nil, []string{"--ruby", filepath.Join(root, "config.ru", "ruby")}
		}, []string{"find Ruby: .*config.ru/ruby", "--ruby"}, exitUsage},
		{"log is a file", func(t *testing.T, root string) (env, args []string) {
			write(t, filepath.Join(root, "log"), "")
			return nil, nil
		}, []string{"create socket folder: .*log: not a directory", "--socket-dir"}, exitFailed},
		{"long path", func(t *testing.T, root string) (env, args []string) {
			return nil, []string{"--socket-dir", filepath.Join(root, strings.Repeat("long/", 20))}
		}, []string{`fastcgi.socket-1 has \d+ bytes, a socket's path can have 100`, "--socket-dir"}, exitFailed},
		{"file in a socket's place", func(t *testing.T, root string) (env, args []string) {
			write(t, filepath.Join(root, "log", "fastcgi.socket-1"), "precious")
			t.Cleanup(func() {
				if text, err := os.ReadFile(filepath.Join(root, "log", "fastcgi.socket-1")); string(text) != "precious" {
					t.Errorf("the file is %q now, %v", text, err)
				}
			})
			return nil, nil
		}, []string{"fastcgi.socket-1 is there and is not a socket; it was left alone", "--socket-dir"}, exitFailed},
		{"port in use", func(*testing.T, string) (env, args []string) {
			return nil, []string{"--http", listener.Addr().String()}
		}, []string{"serve HTTP: .*address already in use", "--http"}, exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := copyApp(t, "hello")
			env, args := test.prepare(t, root)
			refused{startOptions{root: root, env: env, args: append(args, "2")}, test.status, test.says}.run(t)
		})
	}
}

// TestSocketOfSomebodyElse is left alone while that process listens, and is no obstacle afterwards.
func TestSocketOfSomebodyElse(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	path := filepath.Join(root, "log", "fastcgi.socket-1")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	refused{startOptions{root: root, args: []string{"2"}}, exitFailed,
		[]string{fmt.Sprintf("the process %d listens on %s", os.Getpid(), path), fmt.Sprintf("stop it \\(ps %d\\).*--socket-dir", os.Getpid())}}.run(t)
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the socket does not work any more: %v", err)
	} else {
		_ = conn.Close()
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = listener.Close()
	start(t, startOptions{root: root, args: []string{"2"}}).serving()
	if a := ask(t, path, "/"); !a.is("hello\n") {
		t.Errorf("%v", a)
	}
}

func TestSecondLauncher(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	second := refused{startOptions{root: root, args: []string{"1"}}, exitFailed,
		[]string{fmt.Sprintf("already running, pid %d", in.cmd.Process.Pid), fmt.Sprintf("kill %d.*--socket-dir", in.cmd.Process.Pid)}}
	second.beside(t, in)
	for _, socket := range in.sockets(2) {
		if a := ask(t, socket, "/"); !a.is("hello\n") {
			t.Errorf("the first launcher: %v", a)
		}
	}
}

// beside runs a start that must fail in the folder of a launcher that serves.
func (r refused) beside(t *testing.T, first *instance) {
	t.Helper()
	before := listing(t, r.root)
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.StartProcess(os.Args[0], append([]string{"launcher"}, r.args...), &os.ProcAttr{Dir: r.root,
		Env: append(cleanEnv(), asLauncher+"=1"), Files: []*os.File{nil, out, out}})
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = process.Kill() })
	defer timer.Stop()
	state, err := process.Wait()
	if err != nil || state.ExitCode() != r.status {
		t.Errorf("%v, %v", state, err)
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(out)
	for _, pattern := range r.says {
		if !regexp.MustCompile(pattern).Match(text) {
			t.Errorf("%q is not like %q", text, pattern)
		}
	}
	if after := listing(t, r.root); !slices.Equal(after, before) {
		t.Errorf("the folder has %q, it had %q", after, before)
	}
	first.alone(1, 2)
}

// TestFolderThatMayNotBeWritten runs the launcher as nobody where it can.
func TestFolderThatMayNotBeWritten(t *testing.T) {
	t.Parallel()
	for _, hasLog := range []bool{false, true} {
		root := copyApp(t, "hello")
		o := startOptions{root: root, args: []string{"2"}}
		closed := root
		if hasLog {
			closed = filepath.Join(root, "log")
			if err := os.Mkdir(closed, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if os.Getuid() == 0 {
			if err := os.Chmod(filepath.Dir(root), 0o755); err != nil {
				t.Fatal(err)
			}
			o.program = filepath.Join(filepath.Dir(root), "launcher")
			if err := copyFile(os.Args[0], o.program, 0o755); err != nil {
				t.Fatal(err)
			}
			o.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		} else {
			if err := os.Chmod(closed, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(closed, 0o755) })
		}
		says := "create socket folder: .*log: permission denied"
		if hasLog {
			says = "create pid file: .*launcher.pid: permission denied"
		}
		refused{o, exitFailed, []string{says, "--socket-dir"}}.run(t)
	}
}

// TestFolderThatMayNotBeRead: that nothing is to be seen in it does not say that nothing is there.
func TestFolderThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	o := startOptions{root: filepath.Dir(root), args: []string{"--root", root, "2"}}
	if os.Getuid() == 0 {
		o.program = filepath.Join(filepath.Dir(root), "launcher")
		if err := errors.Join(os.Chmod(filepath.Dir(root), 0o755), os.Chmod(root, 0o700), copyFile(os.Args[0], o.program, 0o755)); err != nil {
			t.Fatal(err)
		}
		o.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	} else {
		if err := os.Chmod(root, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(root, 0o755) })
	}
	in := start(t, o)
	if status := in.wait(); status != exitFailed || in.count("find application: .*config.ru: permission denied") != 1 || in.count("^Try: .*sudo -u") != 1 {
		t.Errorf("exit status %d", status)
	}
}

func copyFile(from, to string, mode os.FileMode) (err error) {
	withoutForks(func() { err = copyText(from, to, mode) })
	return err
}

func copyText(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

func TestLogFolderIsMadeAndTakenBack(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	want := []string{"fastcgi.socket-0", heapFileName, "launcher.pid", control.SocketName, snippetName}
	in.waitFor(fmt.Sprintf("%q in log/", want), func() bool { return slices.Equal(entries(t, filepath.Join(root, "log")), want) })
	in.signal(syscall.SIGTERM)
	in.gone(0)
}
