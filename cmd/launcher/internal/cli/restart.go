//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
)

// Names of the options of verbs.
const (
	optNoWait = "no-wait"
	optWait   = "timeout"
)

func restartCommand(stdout *os.File) *cli.Command {
	return waitingCommand("restart", "have a running launcher load the application anew, and wait until it serves in all slots",
		"The new release is loaded beside the one that serves, which goes on until a worker of the new one has taken\n"+
			"each slot, one at a time; no request is lost. Where it does not load, or its workers do not come up, or their\n"+
			"first requests all fail, the one before keeps the slots, and the reason is printed. The signal HUP, and\n"+
			"touching tmp/restart.txt, ask for the same. A later restart takes the place of one that is under way, whose\n"+
			"command then ends with 1. Ending the command does not end the restart.",
		func(ctx *cli.Context) error { return restart(ctx, stdout) })
}

func restart(ctx *cli.Context, stdout *os.File) error {
	shown := &restartDisplay{display: newDisplay(stdout)}
	result, err := await(ctx, shown, func(waiting context.Context, dir string, tell func(control.RestartProgress)) (control.RestartResult, error) {
		return control.Restart(waiting, dir, control.RestartRequest{NoWait: ctx.Bool(optNoWait)}, tell)
	})
	switch {
	case err != nil:
		return err
	case result.End == "":
		shown.line("the restart has begun")
	default:
		shown.line(servedWords(result, time.Since(shown.began)))
	}
	return nil
}

func servedWords(r control.RestartResult, after time.Duration) string {
	words := fmt.Sprintf("generation %d serves all slots: %d of %d with a worker of their own", r.Generation, r.Workers, r.Slots)
	if r.Workers == r.Slots {
		words = fmt.Sprintf("generation %d serves %s", r.Generation, counted(r.Slots, "slot", "slots"))
	}
	return words + ", after " + inTime(after)
}

// restartDisplay shows how far a restart is.
type restartDisplay struct{ display }

func (d *restartDisplay) show(p control.RestartProgress) {
	of := fmt.Sprintf("%d of %d slots", p.Serving, p.Slots)
	switch p.Step {
	case control.RestartWaits:
		d.line("another load has to end first; the application is loaded once more then")
	case control.RestartLoads:
		d.line(fmt.Sprintf("generation %d: loading", p.Generation))
	case control.RestartLoaded:
		d.line(fmt.Sprintf("generation %d: loaded in %.1f s", p.Generation, p.Seconds))
		d.draw(of)
	case control.RestartServes:
		if p.Slot != nil {
			d.line(fmt.Sprintf("slot %d: served by pid %d after %.1f s, %s", *p.Slot, p.Pid, p.Seconds, of))
			d.draw(of)
		}
	default:
		d.line(p.Text)
	}
}
