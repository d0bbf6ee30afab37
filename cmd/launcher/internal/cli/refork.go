//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
	"launcher/preforker/hint"
)

func reforkCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "refork",
		Usage:     "have a running launcher fork its next preloader from a warm worker now, and say what that gains",
		ArgsUsage: " ",
		UsageText: "launcher refork [options]",
		Description: "What happens by itself after --refork-after requests: the worker that has served most forks the next preloader, of the\n" +
			"same generation. One slot has a fork of that; when it has answered a request the others follow, one after the other and\n" +
			"without hurry, as their workers are idle. Here neither the requests nor the gain is waited for; a worker that has what\n" +
			"others must not inherit is refused all the same, and the reason is printed. At the end the memory of all processes is\n" +
			"compared. A site without requests does not come to that end. Ending the command does not end the refork." + runningDescription,
		Flags: runningFlags(
			&cli.BoolFlag{Name: optNoWait, Usage: "return as soon as a worker was asked"},
			&cli.DurationFlag{Name: optWait, DefaultText: "as long as it takes", Usage: "`TIME` to wait at most, after which it ends with 1; the refork goes on"}),
		Action:       func(ctx *cli.Context) error { return refork(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func refork(ctx *cli.Context, stdout *os.File) error {
	dir, err := runningDir(ctx, 0)
	if err != nil {
		return err
	}
	waiting, stop, end := untilSignal(ctx.Context, func() {})
	defer end()
	shown := &reforkDisplay{display: newDisplay(stdout)}
	limit := limitWait(ctx, stop)
	result, err := control.Refork(waiting, dir, control.ReforkRequest{NoWait: ctx.Bool(optNoWait)}, func(p control.ReforkProgress) {
		limit()
		shown.show(p)
	})
	shown.erase()
	switch cause := context.Cause(waiting); {
	case err != nil && cause != nil:
		return hint.Errorf("see how it goes on: launcher status", "wait for the refork, which goes on: %w", cause)
	case err != nil:
		return err
	case result.End == "":
		shown.line("the refork has begun")
	default:
		shown.line(reforkedWords(result, time.Since(shown.began)))
	}
	return nil
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
		d.line(fmt.Sprintf("the other slots follow when slot %d has answered a request", slot))
		d.draw(of)
	default:
		d.line(p.Text)
	}
}
