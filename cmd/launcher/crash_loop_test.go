//go:build linux

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCrashLoop: slots whose workers die again and again, of an exception and of a signal, have failed, and say why. The slot that
// serves is left alone, and a restart tries them at once.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{
		"config.ru": `run ->(_env) { [200, {}, ["alive"]] }`,
		"config/launcher.rb": `
def connect_database
  raise KeyError, "no database"
end
after_fork do |slot|
  next unless File.exist?(File.join(__dir__, "failing"))

  connect_database if slot == 1
  Process.kill(:SEGV, $$) && sleep if slot == 2
end
`, "config/failing": ""})
	in := start(t, startOptions{root: root, args: []string{"3"}})
	in.waitLine(`level=ERROR msg="slot has failed: .*" slot=1 deaths=10 wait=5m.* reason="boot failed" exit="exit status 1" ` +
		`error="KeyError: no database at config/launcher.rb:3:in .*" backtrace="\[config/launcher.rb:3:in .* config/launcher.rb:8:in .*advice=".*HUP`)
	in.waitLine(`level=ERROR msg="slot has failed: .*" slot=2 deaths=10 .* exit="signal SIG(ABRT|SEGV).*"`) // Ruby reports a SEGV, and aborts

	status := in.status()
	for slot, exit := range map[int]string{1: "exit status 1", 2: "signal SIG"} {
		s := status.Slots[slot]
		if s.State != "failed" || s.Failed == nil || s.Failed.Deaths != 10 || s.Open || s.Retry < 240 || s.Died == nil || !strings.HasPrefix(s.Died.Exit, exit) {
			t.Errorf("slot %d: %+v, died: %+v", slot, s, s.Died)
		}
	}
	if d := status.Slots[2].Died; d != nil && (len(d.Lines) < 2 || !strings.Contains(d.Lines[0], "config/launcher.rb:9: [BUG] Segmentation fault") || !strings.Contains(d.Lines[1], "kill")) {
		t.Errorf("%q", d.Lines)
	}
	if d := status.Slots[1].Died; d != nil && (!strings.HasPrefix(d.Error, "KeyError: no database") || len(d.Backtrace) == 0) {
		t.Errorf("%+v", d)
	}
	if a := askStatus(t, startOptions{root: root}, nil); !strings.Contains(a.stdout, "\nslot 1        failed since ") || !strings.Contains(a.stdout, "from config/launcher.rb:3:in ") {
		t.Errorf("%s", a.stdout)
	}
	if a := ask(t, in.socket(0), "/"); !a.is("alive") || in.count(`msg="worker is ready" slot=0`) != 1 || in.count(`msg="worker died" slot=0`) != 0 {
		t.Errorf("the slot that serves: %v", a)
	}

	remove(t, filepath.Join(root, "config", "failing"))
	in.signal(syscall.SIGHUP)
	for _, slot := range []int{1, 2} {
		in.waitFor("the socket to come back", func() bool { return listens(in.socket(slot)) })
		if a := ask(t, in.socket(slot), "/"); !a.is("alive") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	for _, slot := range in.status().Slots {
		if slot.State == "failed" || slot.Failed != nil {
			t.Errorf("after a restart: %+v", slot)
		}
	}
}
