//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// gemHome is a folder in which the gem is installed, with this test's binary as the launcher in it.
type gemHome struct{ folder, program string }

// gemPlatform is this machine's, as RubyGems calls it.
func gemPlatform() string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH] + "-linux"
}

// buildGem builds the gems of a version as make gem does, and returns their paths.
func buildGem(t *testing.T, version, output, platform, program string) ([]string, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(sourceRoot(t), "cmd", "launcher", "packages", "gem", "build"), version, output, platform+"="+program)
	cmd.Env = cleanEnv()
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, errors.String())
	}
	return strings.Fields(string(out)), nil
}

func installGem(t *testing.T, file string) gemHome {
	t.Helper()
	home := gemHome{folder: t.TempDir()}
	cmd := exec.Command(tool(t, "gem"), "install", "--local", "--no-document", "--bindir", filepath.Join(home.folder, "bin"), file)
	cmd.Env = append(cleanEnv(), home.env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	home.program = filepath.Join(home.folder, "bin", "launcher")
	return home
}

func (h gemHome) env() []string { return []string{"GEM_HOME=" + h.folder} }

// start starts what a user types, and returns the launcher that it becomes, with the lines that were printed.
func (h gemHome) start(t *testing.T, root string, env []string, program string, args ...string) *instance {
	t.Helper()
	in := start(t, startOptions{root: root, program: program, args: args, env: append(h.env(), env...)})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("standard output: %s", in.stdout.String())
		}
	})
	return in
}

// home waits until it serves HTTP, and returns the address.
func (in *instance) home() browser {
	in.t.Helper()
	return browser{in: in, url: in.waitLine(`workers? (?:is|are) ready: (http://\S+:\d+)/$`)[1]}
}

// isGem wants the process to be the launcher in the gem, as if nothing had been there before it.
func (in *instance) isGem(h gemHome) {
	in.t.Helper()
	dir := fmt.Sprintf("/proc/%d/", in.cmd.Process.Pid)
	program, err := os.Readlink(dir + "exe")
	if err != nil || !strings.HasPrefix(program, h.folder) || !strings.HasSuffix(program, gemPlatform()+"/launcher") {
		in.t.Errorf("the process runs %s, %v", program, err)
	}
	status, err := os.ReadFile(dir + "status")
	// posix_spawn(3), and so make(1), has what follows ignore a signal of the C library's own, which is beyond the 31 that have names.
	if err != nil || !regexp.MustCompile(`(?m)^SigIgn:\s+[0-9a-f]*[08]0000000$`).Match(status) {
		in.t.Errorf("signals are ignored (%v): %s", err, status)
	}
	environment, err := os.ReadFile(dir + "environ")
	if err != nil || regexp.MustCompile(`(?:^|\x00)(?:RUBYOPT|BUNDLE_GEMFILE|BUNDLER_\w+)=`).Match(environment) {
		in.t.Errorf("the environment is that of a bundle (%v): %q", err, environment)
	}
}

// railsApp is the blog with the gem in its Gemfile.
func railsApp(t *testing.T) string {
	t.Helper()
	root := copyApp(t, "blog")
	write(t, filepath.Join(root, "Gemfile"), "gem 'rails'\ngem 'sqlite3'\ngem 'launcher-ruby'\n")
	write(t, filepath.Join(root, "bin", "rails"), "APP_PATH = File.expand_path('../config/application', __dir__)\nrequire_relative '../config/boot'\nrequire 'rails/commands'\n")
	return root
}

// TestReleaseGem installs the gem from its file, and has Rails and Rack serve with it.
func TestReleaseGem(t *testing.T) {
	t.Parallel()
	output := t.TempDir()
	files, err := buildGem(t, "v1.2.3-4-gabcdef-dirty", output, gemPlatform(), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(output, "launcher-ruby-1.2.3.4.dev-"+gemPlatform()+".gem"), filepath.Join(output, "launcher-ruby-1.2.3.4.dev.gem")}; fmt.Sprint(files) != fmt.Sprint(want) {
		t.Fatalf("built %q, want %q", files, want)
	}
	h := installGem(t, files[0])
	for name, test := range map[string]func(*testing.T){"rails": h.railsServer, "background": h.background, "rackup": h.rackup,
		"mistakes": h.mistakes, "deploy": h.deploy} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t) })
	}
	t.Run("for others", func(t *testing.T) { t.Parallel(); installGem(t, files[1]).forOthers(t) })
}

// railsServer stops with Ctrl-C, and leaves no pid file behind.
func (h gemHome) railsServer(t *testing.T) {
	root := railsApp(t)
	in := h.start(t, root, []string{"WEB_CONCURRENCY=2"}, tool(t, "ruby"), "bin/rails", "server", "-u", "launcher", "-b", "127.0.0.1", "-p", "0", "-e", "production", "-P", "tmp/shop.pid")
	b := in.home()
	in.isGem(h)
	b.get(t, "/posts").expect(t, 200)
	file := filepath.Join(root, "tmp", "shop.pid")
	if pid, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(pid)) != strconv.Itoa(in.cmd.Process.Pid) {
		t.Errorf("the pid file has %q, %v", pid, err)
	}
	in.signal(syscall.SIGINT)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if exists(file) {
		t.Error("the pid file is left behind")
	}
	if !strings.Contains(in.stdout.String(), "=> Booting Launcher\n") { // what Ruby has printed before is not lost
		t.Errorf("standard output: %s", in.stdout.String())
	}
}

// background has Rails and Rack serve in the background: the log is in a file, and the pid file stops it.
func (h gemHome) background(t *testing.T) {
	for name, start := range map[string]startOptions{
		"rails": {root: railsApp(t), program: tool(t, "ruby"), args: []string{"bin/rails", "server", "-d", "-u", "launcher", "-b", "127.0.0.1", "-p", "0", "-e", "production", "-P", "tmp/shop.pid"}},
		"rackup": {root: writeApp(t, map[string]string{"sites/shop.ru": "run ->(_env) { [200, {}, [Dir.pwd]] }\n", "tmp/empty": ""}), program: tool(t, "rackup"),
			args: []string{"-D", "-s", "launcher", "-o", "127.0.0.1", "-p", "0", "-P", "tmp/shop.pid", "sites/shop.ru"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start.env = append(h.env(), "WEB_CONCURRENCY=1", "LAUNCHER_SPARE=0", "PWD="+start.root)
			inTheBackground(t, start)
		})
	}
}

func inTheBackground(t *testing.T, o startOptions) {
	if a := askLauncher(t, o, nil); a.exit != exitOK {
		t.Fatalf("%+v", a)
	}
	file := filepath.Join(o.root, "tmp", "shop.pid")
	pid := 0
	waitFor(t, "the pid file", func() bool {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	})
	daemon, err := os.FindProcess(pid) // by its pidfd
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Kill() })
	runs := func() bool { return daemon.Signal(syscall.Signal(0)) == nil && lives(pid) }
	text := ""
	var address []string
	waitFor(t, "the log to tell the address", func() bool {
		content, _ := os.ReadFile(filepath.Join(o.root, "log", "launcher.log"))
		text = string(content)
		address = regexp.MustCompile(`(http://\S+:\d+)/`).FindStringSubmatch(text)
		return address != nil || !runs()
	})
	if address == nil {
		t.Fatalf("the launcher has ended: %s", text)
	}
	if status, _ := get(t, address[1]+"/posts"); status != 200 {
		t.Errorf("/posts: %d", status)
	}
	if err := daemon.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	waitFor(t, "the launcher to leave", func() bool { return !runs() })
	if exists(file) {
		t.Error("the pid file is left behind")
	}
}

// rackup serves the file that it names, with the options that it has, and nothing of what Rack puts around.
func (h gemHome) rackup(t *testing.T) {
	root := writeApp(t, map[string]string{
		"config.ru":     "raise 'the wrong one'\n",
		"sites/shop.ru": "run ->(env) { [200, {}, [[ENV['RACK_ENV'], Dir.pwd, $0, $LOAD_PATH.include?(File.expand_path('more')), env['rack.lint']].inspect]] }\n",
	})
	in := h.start(t, root, nil, tool(t, "rackup"), "-s", "launcher", "-o", "127.0.0.1", "-p", "0", "-I", "more", "-E", "staging",
		"-O", "workers=2", "-O", "log-level=debug", "-O", "access-log=-", "sites/shop.ru")
	b := in.home()
	in.isGem(h)
	if got := b.get(t, "/").expect(t, 200); !strings.HasPrefix(got.body, `["staging", "`+root+`", `) || !strings.HasSuffix(got.body, `, true, nil]`) {
		t.Errorf("%s", got.body)
	}
	if in.count("level=DEBUG") == 0 {
		t.Error("the log has no level debug")
	}
	in.worker(1)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if !strings.Contains(in.stdout.String(), `"GET / HTTP/1.1" 200`) {
		t.Errorf("standard output: %s", in.stdout.String())
	}
}

// mistakes are told, with what to do, and an exit status.
func (h gemHome) mistakes(t *testing.T) {
	root := writeApp(t, map[string]string{"config.ru": "run ->(_env) { [200, {}, []] }\n"})
	for want, args := range map[string][]string{
		"launcher-ruby: --builder has no file":                                     {"-b", "run ->(_env) { [200, {}, []] }"},
		"launcher-ruby: --require loads ostruct":                                   {"-r", "ostruct"},
		"launcher-ruby: the launcher cannot listen at ssl://":                      {"-o", "ssl://127.0.0.1"},
		"launcher: read command line: there is no option --threads\nTry: launcher": {"-O", "threads=5"},
	} {
		asked := askLauncher(t, startOptions{root: root, program: tool(t, "rackup"), env: h.env(), args: append([]string{"-s", "launcher", "-p", "0"}, args...)}, nil)
		if asked.exit == exitOK || !regexp.MustCompile(want).MatchString(asked.stderr) {
			t.Errorf("%q: %+v", args, asked)
		}
	}
	if asked := askLauncher(t, startOptions{root: root, program: tool(t, "rackup"), env: h.env(), args: []string{"-s", "launcher", "--help"}}, nil); !strings.Contains(asked.stdout, "-O workers=NUM") {
		t.Errorf("--help: %+v", asked)
	}
}

// deploy: a release that a link leads to later has a bundle of its own, also where the launcher was started within that of the first.
func (h gemHome) deploy(t *testing.T) {
	shop := shortFolder(t)
	gems := func(more string) map[string]string {
		return map[string]string{"Gemfile": "gem 'rack'\ngem 'launcher-ruby'\n" + more}
	}
	const loaded = "Gem.loaded_specs.key?('minitest').to_s"
	release(t, shop, "1", loaded, gems(""))
	run := filepath.Join(shop, "run")
	root := filepath.Join(shop, currentLink)
	in := h.start(t, root, []string{"PWD=" + root}, tool(t, "bundle"), "exec", "launcher", "1", "--socket-dir", run).serving()
	in.isGem(h)
	socket := filepath.Join(run, "fastcgi.socket-0")
	if a := ask(t, socket, "/"); !a.is("false") {
		t.Errorf("the first release: %v", a)
	}
	release(t, shop, "2", loaded, gems("gem 'minitest'\n"))
	if err := os.RemoveAll(filepath.Join(shop, "releases", "1")); err != nil {
		t.Fatal(err)
	}
	in.signal(syscall.SIGHUP)
	in.rolled(1, 2, 1)
	if a := ask(t, socket, "/"); !a.is("true") {
		t.Errorf("the second release: %v", a)
	}
}

// forOthers: the gem for platforms without a program says so.
func (h gemHome) forOthers(t *testing.T) {
	asked := askLauncher(t, startOptions{program: h.program, env: h.env(), args: []string{"version"}}, nil)
	if asked.exit != exitFailed || !strings.HasPrefix(asked.stderr, "launcher-ruby: this gem has no launcher for "+gemPlatform()) || !strings.Contains(asked.stderr, "\nTry: bundle lock --add-platform") {
		t.Errorf("%+v", asked)
	}
}

// TestGemOfAnotherMachine: a program for another platform than the gem's is refused.
func TestGemOfAnotherMachine(t *testing.T) {
	t.Parallel()
	other := map[string]string{"x86_64-linux": "aarch64-linux", "aarch64-linux": "x86_64-linux"}[gemPlatform()]
	for platform, want := range map[string]string{other: "is no program for " + other, "riscv64-linux": "riscv64-linux is none of"} {
		if files, err := buildGem(t, "v1.2.3", t.TempDir(), platform, os.Args[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", platform, files, err)
		}
	}
}

// TestGemOfSourcesAlone: what nobody has given a version, as where git is missing, has that of the changelog.
func TestGemOfSourcesAlone(t *testing.T) {
	t.Parallel()
	files, err := buildGem(t, "", t.TempDir(), gemPlatform(), tool(t, "true"))
	if err != nil || !regexp.MustCompile(`/launcher-ruby-\d+\.\d+\.\d+\.dev-`+gemPlatform()+`\.gem$`).MatchString(files[0]) {
		t.Errorf("%q, %v", files, err)
	}
}
