//go:build linux

package server

import (
	"strings"
	"testing"
)

func TestReadPool(t *testing.T) {
	process := func(life, enabled string) string {
		return "<process><pid>1</pid><life_status>" + life + "</life_status><enabled>" + enabled + "</enabled></process>"
	}
	pool := func(processes ...string) string {
		return `<?xml version="1.0" encoding="iso-8859-1" ?><info version="3"><supergroups><supergroup><group default="true">` +
			`<life_status>ALIVE</life_status><processes>` + strings.Join(processes, "") + `</processes></group></supergroup></supergroups></info>`
	}
	for text, want := range map[string]int{
		pool(): 0,
		pool(process("ALIVE", "ENABLED"), process("ALIVE", "ENABLED")):                              2,
		pool(process("ALIVE", "DETACHED"), process("DEAD", "ENABLED"), process("ALIVE", "ENABLED")): 1,
	} {
		if got, err := readPool(strings.NewReader(text)); err != nil || got != want {
			t.Errorf("%s: %d %v", text, got, err)
		}
	}
	if _, err := readPool(strings.NewReader("<html>")); err == nil {
		t.Error("a page was read as a pool")
	}
}

func TestReadiness(t *testing.T) {
	for name, test := range map[string]struct {
		ready readiness
		lines []string // the last makes it ready
	}{
		"puma 5": {(&Spec{Workers: 2}).puma(Installed{}).ready, []string{
			"[42] * Preloading application",
			"[42] - Worker 0 (PID: 7) booted in 0.01s, phase: 0", "[42] - Worker 0 (PID: 9) booted in 0.01s, phase: 0",
			"[42] - Worker 1 (PID: 8) booted in 0.01s, phase: 0"}},
		"puma 3": {(&Spec{Workers: 1}).puma(Installed{}).ready, []string{"[42] - Worker 0 (pid: 7) booted, phase: 0"}},
		"unicorn": {(&Spec{Workers: 2}).unicorn(Installed{}).ready, []string{
			"I, [2026-11-21T21:58:34.465465 #23346]  INFO -- : master process ready",
			"I, [2026-11-21T21:58:34.466069 #23347]  INFO -- : worker=1 ready", "I, [2026-11-21T21:58:34.466069 #23348]  INFO -- : worker=0 ready"}},
		"launcher": {&logLine{texts: readyLines(2)}, []string{
			"SLOT  PID  STATE  SOCKET", "12 workers are ready", `2 workers are ready. lighttpd: include "/tmp/x/lighttpd.conf"`}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, line := range test.lines {
				if test.ready.up(t.Context()) {
					t.Errorf("ready before %q", test.lines[i])
				}
				if err := test.ready.line(line); err != nil {
					t.Error(err)
				}
			}
			if !test.ready.up(t.Context()) {
				t.Error("not ready")
			}
		})
	}
	failed := &pool{}
	if err := failed.line("[ E 2026-11-21 21:44:46.2608 3244/Tf x.cpp:221 ]: Could not spawn process for application /srv"); err == nil {
		t.Error("a failure was not seen")
	}
}
