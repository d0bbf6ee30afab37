//go:build linux

package main

import (
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// releasedApp responds with the number of its release, which its file "release" had when it was loaded, and each release
// with the status that a file of its name has now.
func releasedApp(t *testing.T) string {
	return writeApp(t, map[string]string{"release": "one", "one": "200", "two": "500", "config.ru": `
release = File.read(File.join(__dir__, "release"))
run(lambda { |_env|
  status = File.read(File.join(__dir__, release)).to_i
  exit!(1) if status.zero?
  raise "no such table" if status == 500
  [status, {}, [release]]
})
`})
}

// servedBy are the generations that serve the slots.
func servedBy(s control.Status) (generations []int) {
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			if w.Reason == "" {
				generations = append(generations, w.Generation)
			}
		}
	}
	return generations
}

// TestAReleaseThatAnswersErrors is held back: no slot has it then, and the next one takes them.
func TestAReleaseThatAnswersErrors(t *testing.T) {
	t.Parallel()
	root := releasedApp(t)
	in := start(t, startOptions{root: root, args: []string{"4", "--refork-after", "50", "--seed-time", "5m"}, env: []string{"GOMAXPROCS=2"}})
	in.waitLine(`msg="worker is ready"`)
	visitors := visit(1, "/", in.sockets(4)...)
	in.serving()
	visitors.end(t, 0)

	write(t, filepath.Join(root, "release"), "two")
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="worker is ready" slot=0 gen=2`)
	errors := 0
	in.waitFor("three errors", func() bool { // the older worker may take some before it has left
		if ask(t, in.socket(0), "/").status == 500 {
			errors++
		}
		return errors == 3
	})
	in.waitLine(`level=ERROR msg="release is held back: its first requests have all failed; the slots keep the one before" gen=2 errors=\d+ deaths=0 older=1 workers=\d advice=`)
	status := in.statusWhen("all slots to have the older one", func(s control.Status) bool { return slices.Equal(servedBy(s), []int{1, 1, 1, 1}) })
	if g := status.Generations; len(g) != 2 || g[0].Held != nil || g[1].Held == nil || g[1].Held.Errors < 3 {
		t.Errorf("the status has %+v", g)
	}
	kill(t, in.worker(1), syscall.SIGKILL)
	for slot := range 4 {
		if a := ask(t, in.socket(slot), "/"); slot != 1 && !a.is("one") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	in.waitFor("the successor to be of the older release", func() bool { return ask(t, in.socket(1), "/").is("one") })

	write(t, filepath.Join(root, "two"), "200")
	in.signal(syscall.SIGHUP)
	visitors = visit(1, "/", in.sockets(4)...)
	in.reached(3)
	visitors.end(t, 0)
	in.alone(3, 4)
	for slot := range 4 {
		if a := ask(t, in.socket(slot), "/"); !a.is("two") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
}

// TestAReleaseThatDiesInItsFirstRequests gives its slots back as well.
func TestAReleaseThatDiesInItsFirstRequests(t *testing.T) {
	t.Parallel()
	root := releasedApp(t)
	in := start(t, startOptions{root: root, args: []string{"3", "--refork-after", "50", "--seed-time", "5m"}, env: []string{"GOMAXPROCS=1"}})
	in.waitLine(`msg="worker is ready"`)
	visitors := visit(1, "/", in.sockets(3)...)
	in.serving()
	visitors.end(t, 0)

	write(t, filepath.Join(root, "release"), "two")
	write(t, filepath.Join(root, "two"), "0")
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="worker is ready" slot=\d gen=2`)
	in.waitFor("it to be held back", func() bool {
		for _, socket := range in.sockets(3) {
			ask(t, socket, "/")
		}
		return in.count(`msg="release is held back`) > 0
	})
	in.waitLine(`level=ERROR msg="release is held back: .*" gen=2 errors=0 deaths=3 `)
	in.statusWhen("all slots to have the older one", func(s control.Status) bool {
		return slices.Equal(servedBy(s), []int{1, 1, 1}) && s.Generations[1].Held != nil
	})
	if a := ask(t, in.socket(0), "/"); !a.is("one") {
		t.Errorf("%v", a)
	}
	write(t, filepath.Join(root, "two"), "200")
	in.signal(syscall.SIGHUP)
	visitors = visit(1, "/", in.sockets(3)...)
	in.reached(3)
	visitors.end(t, 0)
	in.alone(3, 3)
}
