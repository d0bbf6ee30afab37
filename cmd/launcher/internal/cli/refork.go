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

func reforkCommand(stdout *os.File) *cli.Command {
	return waitingCommand("refork", "have a running launcher fork its next preloader from a warm worker now, and say what that gains",
		"What happens by itself after --refork-after requests: the worker that has served most forks the next preloader, of the\n"+
			"same generation. One slot has a fork of that; when it has answered a request the others follow, one after the other and\n"+
			"without hurry, as their workers are idle. Here neither the requests nor the gain is waited for; a worker that has what\n"+
			"others must not inherit is refused all the same, and the reason is printed. Before it serves, the first fork makes a\n"+
			"request of its own: to the path of --probe, Rails' /up, or /. Where nobody asks it within some seconds that is enough. At\n"+
			"the end the memory of all processes is compared. Ending the command does not end the refork.",
		func(ctx *cli.Context) error { return refork(ctx, stdout) })
}

// reforkedWords say what a refork has gained.
func reforkedWords(r control.ReforkResult, after time.Duration) string {
	words := fmt.Sprintf("all slots have forks of refork %d of generation %d, after %s", r.Refork, r.Generation, inTime(after))
	switch {
	case r.Before == 0 || r.After == 0:
		return words + "; what it has gained could not be measured: launcher status"
	case r.After > r.Before:
		return words + fmt.Sprintf(": %s MB, before %s: %s MB more (the sum of PSS)", inMB(r.After), inMB(r.Before), inMB(r.After-r.Before))
	}
	return words + fmt.Sprintf(": %s MB, before %s: %s MB less (the sum of PSS)", inMB(r.After), inMB(r.Before), inMB(r.Before-r.After))
}

func refork(ctx *cli.Context, stdout *os.File) error {
	shown := &reforkDisplay{display: newDisplay(stdout)}
	result, err := await(ctx, shown, func(waiting context.Context, dir string, tell func(control.ReforkProgress)) (control.ReforkResult, error) {
		return control.Refork(waiting, dir, control.ReforkRequest{NoWait: ctx.Bool(optNoWait)}, tell)
	})
	if err != nil {
		return err
	}
	words := "the refork has begun"
	if result.End != "" {
		words = reforkedWords(result, time.Since(shown.began))
	}
	shown.line(words)
	return nil
}

// reforkDisplay shows how far a refork is.
type reforkDisplay struct{ display }

func (d *reforkDisplay) show(p control.ReforkProgress) {
	of := fmt.Sprintf("%d of %d slots", p.Serving, p.Slots)
	slot := 0
	if p.Slot != nil {
		slot = *p.Slot
	}
	switch p.Step {
	case control.ReforkBegins:
		d.line(fmt.Sprintf("slot %d: pid %d, which has served %s, is asked to fork the next preloader", slot, p.Pid, counted(int(min(p.Served, 1<<31)), "request", "requests")))
		d.draw("waiting for the fork")
	case control.ReforkForked:
		d.line(fmt.Sprintf("preloader: pid %d, forked in %.1f s", p.Pid, p.Seconds))
		d.draw(of)
	case control.ReforkServes:
		d.line(fmt.Sprintf("slot %d: served by pid %d after %.1f s, %s", slot, p.Pid, p.Seconds, of))
		d.draw(of)
	case control.ReforkWaits:
		d.line(fmt.Sprintf("the other slots follow when slot %d has answered a visitor's request, or was asked for none in some seconds", slot))
		d.draw(of)
	default:
		d.line(p.Text)
	}
}
