//go:build linux

package cli

import (
	"bytes"
	"testing"
	"time"

	"launcher/preforker/control"
)

// TestRestartDisplay draws below its lines on a terminal alone, and shows nothing that a release says as it is.
func TestRestartDisplay(t *testing.T) {
	t.Parallel()
	slot := 2
	for redraws, want := range map[bool]string{
		false: "another load has to end first; the application is loaded once more then\ngeneration 3: loading\ngeneration 3: loaded in 1.2 s\n" +
			"slot 2: served by pid 77 after 0.5 s, 1 of 4 slots\nworker died (reason \\u001b[2J)\n",
		true: "another load has to end first; the application is loaded once more then\ngeneration 3: loading\ngeneration 3: loaded in 1.2 s\n" +
			"0 of 4 slots …\r\x1b[Kslot 2: served by pid 77 after 0.5 s, 1 of 4 slots\n1 of 4 slots …\r\x1b[Kworker died (reason \\u001b[2J)\n",
	} {
		var out bytes.Buffer
		shown := &restartDisplay{display{out: &out, redraws: redraws}}
		for _, p := range []control.RestartProgress{
			{Step: control.RestartWaits, Slots: 4},
			{Step: control.RestartLoads, Generation: 3, Slots: 4},
			{Step: control.RestartLoaded, Generation: 3, Slots: 4, Seconds: 1.23},
			{Step: control.RestartServes, Generation: 3, Slots: 4, Slot: &slot, Pid: 77, Seconds: 0.5, Serving: 1},
			{Step: control.RestartServes, Generation: 3, Slots: 4, Serving: 1}, // by no launcher: no slot is told
			{Step: control.RestartTrouble, Generation: 3, Slots: 4, Text: "worker died (reason \x1b[2J)"},
		} {
			shown.show(p)
		}
		shown.erase()
		if out.String() != want {
			t.Errorf("%v:\n%q\nwant\n%q", redraws, out.String(), want)
		}
	}
	for want, r := range map[string]control.RestartResult{
		"generation 2 serves 1 slot, after 1.0 s":                                       {Generation: 2, Slots: 1, Workers: 1},
		"generation 2 serves all slots: 2 of 4 with a worker of their own, after 1.0 s": {Generation: 2, Slots: 4, Workers: 2},
	} {
		if got := servedWords(r, time.Second); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
