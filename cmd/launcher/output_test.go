//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// printer is an application that prints on request.
const printer = `
run(lambda do |env|
  case env["PATH_INFO"]
  when "/print" then puts "to \e[31mstandard\e[0m output"; warn "to standard error"
  when "/child" then system("echo from a child")
  when "/last"
    40.times { |n| puts "word #{n}" }
    print "the last word"
    $stdout.flush
    Process.kill(:KILL, Process.pid)
    sleep
  when "/wait"
    File.write("began", "")
    sleep 0.01 until File.exist?("go")
    5000.times { |n| puts "after it #{n}" }
    system("echo from a child") or raise
  end
  [200, {}, ["ok"]]
end)
`

// TestOutputIsTagged: each line says which worker it is of, also those of a process that it has started.
func TestOutputIsTagged(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"smart", "direct"} {
		in := start(t, startOptions{root: writeApp(t, map[string]string{"config.ru": printer}), args: []string{"2", "--spawn-method", method}}).serving()
		pid := in.worker(1)
		for _, path := range []string{"/print", "/child"} {
			if a := ask(t, in.socket(1), path); a.status != 200 {
				t.Fatalf("%v", a)
			}
		}
		for _, line := range []string{`"to standard output"`, `"to standard error"`, `"from a child"`} {
			in.waitRaw(fmt.Sprintf(`^time=\S+ level=INFO msg=%s printed_by=worker slot=1 pid=%d$`, line, pid))
		}
		in.signal(syscall.SIGTERM)
		in.gone(0)
	}
}

// TestOutputOfAWorkerThatDies is all there, before its end is told.
func TestOutputOfAWorkerThatDies(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: writeApp(t, map[string]string{"config.ru": printer}), args: []string{"1"}}).serving()
	pid := in.worker(0)
	ask(t, in.socket(0), "/last")
	in.waitRaw(fmt.Sprintf(`msg="worker died" slot=0 gen=1 pid=%d `, pid))
	log := in.log()
	for n := range 40 {
		contains(t, "the log", log, fmt.Sprintf("word %d\n", n))
	}
	if last, died := strings.Index(log, "the last word\n"), strings.Index(log, "worker died"); last < 0 || last > died {
		t.Errorf("the last word at %d, the end at %d:\n%s", last, died, log)
	}
	in.serving()
}

// TestOutputWithoutTheSupervisor: a request in hand prints on when the launcher has been killed, more than a pipe takes, and does
// not fail. It goes to the launcher's standard error.
func TestOutputWithoutTheSupervisor(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": printer})
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	answers := make(chan answer, 1)
	go func() { answers <- ask(t, in.socket(0), "/wait") }()
	in.waitFor("the request", func() bool { _, err := os.Stat(filepath.Join(root, "began")); return err == nil })
	in.signal(syscall.SIGKILL)
	write(t, filepath.Join(root, "go"), "")
	if a := <-answers; a.status != 200 {
		t.Errorf("%v", a)
	}
	in.waitFor("its lines", func() bool {
		return in.count("^after it 4999$") == 1 && in.count("^from a child$") == 1
	})
	if n := in.count(`^after it \d+$`); n != 5000 {
		t.Errorf("%d lines", n)
	}
}

// waitRaw waits for a line of standard error as it is.
func (in *instance) waitRaw(pattern string) {
	in.t.Helper()
	re := regexp.MustCompile(pattern)
	in.waitFor("a line like "+pattern, func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		for _, line := range in.raw {
			if re.MatchString(line) {
				return true
			}
		}
		return false
	})
}
