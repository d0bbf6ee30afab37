//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/proc"
)

// bootingApp starts processes while it loads, and notes their pids: a shell that starts another, one in a group of its own,
// and one that has made itself a daemon. A request for /start starts another.
func bootingApp(t *testing.T, more string) string {
	return writeApp(t, map[string]string{"config.ru": `
		generation = Dir["boot-*-daemon"].size + 1
		note = ->(name, pid) { File.write("boot-#{generation}-#{name}.new", pid.to_s); File.rename("boot-#{generation}-#{name}.new", "boot-#{generation}-#{name}") }
		quiet = { out: File::NULL, err: File::NULL }
		note.call("shell", spawn("sleep 4000; exit", quiet))
		note.call("group", spawn("sleep", "4000", pgroup: true, **quiet))
		note.call("daemon", spawn("exec setsid sleep 4000", quiet))
		sleep 0.005 until File.read("/proc/#{File.read("boot-#{generation}-daemon")}/comm") == "sleep\n"
		` + more + `
		run(lambda { |env|
		  note.call("request", spawn("sleep", "4000", quiet)) if env["PATH_INFO"] == "/start"
		  [200, {}, ["hello"]]
		})`})
}

// stubborn is one more, of the first generation, that has to be killed.
const stubborn = `
		reader, writer = IO.pipe
		spawn("trap '' TERM; echo >&3; while :; do sleep 1; done", 3 => writer, **quiet) if generation == 1
		writer.close
		reader.gets
		reader.close`

// helper is a process that a bootingApp has noted, which does not outlive the test. Its file may be there before the number is.
func helper(t *testing.T, root, name string) int {
	t.Helper()
	pid, text := 0, []byte(nil)
	for end := time.Now().Add(patience); pid == 0; time.Sleep(5 * time.Millisecond) {
		var err error
		if text, err = os.ReadFile(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
		if pid, err = strconv.Atoi(string(text)); err != nil && time.Now().After(end) {
			t.Fatal(err)
		}
	}
	process, err := os.FindProcess(pid) // by its pidfd
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	return pid
}

func lives(pid int) bool {
	p, err := proc.ProcessOf(pid)
	return err == nil && !p.Zombie()
}

// TestHelpersEndWithTheirGeneration, and none of another; what a request has started is its own affair.
func TestHelpersEndWithTheirGeneration(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"smart", "direct"} {
		t.Run(method, func(t *testing.T) {
			root := bootingApp(t, "")
			if method == "smart" {
				root = bootingApp(t, stubborn)
			}
			in := start(t, startOptions{root: root, args: []string{"1", "--spawn-method", method, "--refork-after", "2", "--log-level", "debug"}}).serving()
			pids := map[string]int{}
			for _, generation := range []string{"1", "2"} {
				if generation == "2" {
					if a := ask(t, in.socket(0), "/start"); a.status != 200 {
						t.Fatal(a)
					}
					pids["1-request"] = helper(t, root, "boot-1-request")
					if method == "smart" {
						in.warm(0, 5)
						in.forks(0, "gen=1 refork=1")
						in.warm(0, 1)
						in.all("gen=1 refork=1", 1)
					}
					for name, pid := range pids {
						if !lives(pid) {
							t.Errorf("%s has ended with a refork", name)
						}
					}
					in.signal(syscall.SIGHUP)
					in.waitLine(`msg="processes that boot had started were ended" .*gen=1 `)
				}
				for _, name := range []string{"shell", "group", "daemon"} {
					pids[generation+"-"+name] = helper(t, root, "boot-"+generation+"-"+name)
				}
			}
			for name, pid := range pids {
				if want := name == "1-daemon" || name == "1-request" || name[0] == '2'; lives(pid) != want {
					t.Errorf("after HUP: %s lives: %v", name, !want)
				}
			}
			in.waitLine(fmt.Sprintf(`msg="a process that boot has started in a session of its own is left running" .*gen=1 .*pid=%d title="sleep 4000"`, pids["1-daemon"]))
			in.signal(syscall.SIGTERM)
			if status := in.wait(); status != exitOK {
				t.Errorf("exit status %d", status)
			}
			for name, pid := range pids {
				if want := strings.HasSuffix(name, "daemon") || name == "1-request"; lives(pid) != want {
					t.Errorf("after the stop: %s lives: %v", name, !want)
				}
			}
		})
	}
}

// TestHelpersOfALoadThatFails end with it.
func TestHelpersOfALoadThatFails(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"smart", "direct"} {
		t.Run(method, func(t *testing.T) {
			root := bootingApp(t, `raise "on purpose"`)
			in := start(t, startOptions{root: root, args: []string{"1", "--spawn-method", method}})
			if status := in.wait(); status == exitOK {
				t.Errorf("exit status %d", status)
			}
			for _, name := range []string{"shell", "group"} {
				if pid := helper(t, root, "boot-1-"+name); lives(pid) {
					t.Errorf("%s is left", name)
				}
			}
			helper(t, root, "boot-1-daemon")
		})
	}
}

// TestHelpersEndWithoutTheLauncher: when it is killed, the preloader ends what boot has started.
func TestHelpersEndWithoutTheLauncher(t *testing.T) {
	t.Parallel()
	root := bootingApp(t, "")
	in := start(t, startOptions{root: root, args: []string{"1", "--refork-after", "2", "--log-level", "debug"}}).serving()
	in.warm(0, 5)
	in.forks(0, "gen=1 refork=1")
	in.warm(0, 1)
	in.all("gen=1 refork=1", 1)
	pids := []int{helper(t, root, "boot-1-shell"), helper(t, root, "boot-1-group")}
	helper(t, root, "boot-1-daemon")
	in.signal(syscall.SIGKILL)
	in.waitFor("the end of the shell", func() bool { return !lives(pids[0]) })
}
