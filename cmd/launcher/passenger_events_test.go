//go:build linux

package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// eventfulApp notes each event, and each hook, with the process that it came to.
func eventfulApp(t *testing.T) string {
	return writeApp(t, map[string]string{
		"config/launcher.rb": "after_fork { |slot| NOTE.call(\"after_fork #{slot}\") }\n",
		"config.ru": `
path = File.join(__dir__, "events.txt")
NOTE = ->(what) { File.open(path, "a") { |file| file.syswrite("#{what} #{Process.pid}\n") } }
if defined?(PhusionPassenger)
  PhusionPassenger.on_event(:starting_worker_process) { |forked| NOTE.call("starting #{forked}") }
  PhusionPassenger.on_event(:stopping_worker_process) { NOTE.call("stopping") }
end
run ->(_env) { [200, {}, [defined?(PhusionPassenger).inspect]] }
`})
}

// TestPassengerEvents: the application's events run in each worker, before the hooks, and again before
// it ends. Without the option there is nothing that looks like Passenger.
func TestPassengerEvents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args   []string
		says   string
		events []string // for each worker, with its pid behind each
	}{
		"off":    {nil, "nil", []string{"after_fork 0"}},
		"smart":  {[]string{"--passenger-events"}, `"constant"`, []string{"starting true", "after_fork 0", "stopping"}},
		"direct": {[]string{"--passenger-events", "--spawn-method", "direct"}, `"constant"`, []string{"starting false", "after_fork 0", "stopping"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := eventfulApp(t)
			in := start(t, startOptions{root: root, args: append(test.args, "1")}).serving()
			pid, early := in.worker(0), in.early()
			if a := ask(t, in.socket(0), "/"); !a.is(test.says) {
				t.Errorf("it sees %v, want %s", a, test.says)
			}
			in.signal(syscall.SIGTERM)
			if status := in.wait(); status != exitOK {
				t.Errorf("exit status %d", status)
			}
			text, err := os.ReadFile(filepath.Join(root, "events.txt"))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, event := range test.events {
				for first := range early { // whose place it has taken
					want = append(want, event+" "+strconv.Itoa(first))
				}
				want = append(want, event+" "+strconv.Itoa(pid))
			}
			got := strings.Split(strings.TrimSpace(string(text)), "\n")
			for _, of := range append(slices.Collect(maps.Keys(early)), pid) {
				if got, want := ofPid(got, of), ofPid(want, of); !slices.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// ofPid are the lines of one process, in their order.
func ofPid(lines []string, pid int) (own []string) {
	for _, line := range lines {
		if strings.HasSuffix(line, " "+strconv.Itoa(pid)) {
			own = append(own, line)
		}
	}
	return own
}
