//go:build linux

package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
)

func killCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "kill",
		Usage:     "end the worker of a slot of a running launcher; the next one takes its place at once",
		ArgsUsage: "SLOT",
		UsageText: "launcher kill [options] SLOT",
		Description: "The worker finishes its request in hand first, for --drain-timeout of the launcher at the most; with --now it is\n" +
			"killed, and that request is lost. Where a worker leaves the slot already, as after a first kill, it is that one:\n" +
			"launcher kill 1, and where that one does not come to its end, launcher kill 1 --now. SLOT is a number that launcher\n" +
			"status tells. Ending the command changes nothing in what was asked for." + runningDescription,
		Flags: runningFlags(
			&cli.BoolFlag{Name: optNow, Usage: "kill it, whatever it does"},
			&cli.DurationFlag{Name: optWait, DefaultText: "as long as it takes", Usage: "`TIME` to wait at most, after which it ends with 1; the worker ends all the same"}),
		Action:       func(ctx *cli.Context) error { return kill(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func kill(ctx *cli.Context, stdout *os.File) error {
	dir, slot, err := runningSlot(ctx)
	if err != nil {
		return err
	}
	waiting, stop, end := untilSignal(ctx.Context, func() {})
	defer end()
	shown := newDisplay(stdout)
	limit := limitWait(ctx, stop)
	_, err = control.Kill(waiting, dir, control.KillRequest{Slot: &slot, Now: ctx.Bool(optNow)}, func(p control.KillProgress) {
		limit()
		shown.line(killWords(p))
		if p.Step == control.KillBegins || p.Step == control.KillLeaves {
			shown.draw("waiting for its end")
		}
	})
	shown.erase()
	if cause := context.Cause(waiting); err != nil && cause != nil {
		return hint.Errorf(fmt.Sprintf("launcher kill %d --now kills it; launcher backtrace %d tells where it is", slot, slot), "wait for the end of the worker, which is to leave: %w", cause)
	}
	return err
}

// runningSlot returns where the launcher's sockets are, and which slot of it is meant.
func runningSlot(ctx *cli.Context) (dir string, slot int, err error) {
	if dir, err = runningDir(ctx, 1); err == nil {
		slot, err = slotArgument(ctx)
	}
	return dir, slot, err
}

// slotArgument reads SLOT.
func slotArgument(ctx *cli.Context) (int, error) {
	example := "launcher " + ctx.Command.Name + " 0"
	text := strings.TrimSpace(ctx.Args().First())
	if text == "" {
		return 0, usageErrorf(example, "read command line: SLOT is missing, a number that launcher status tells")
	}
	slot, err := strconv.Atoi(text)
	if !wholeNumber.MatchString(text) || err != nil || slot < 0 || slot >= ident.MaxWorkers {
		return 0, usageErrorf(example, "read command line: SLOT is the number of a slot, not %q", text)
	}
	return slot, nil
}

// killWords are a line about a step of a kill.
func killWords(p control.KillProgress) string {
	of := fmt.Sprintf("slot %d: ", p.Slot)
	pid := fmt.Sprintf("pid %d", p.Pid)
	switch p.Step {
	case control.KillBegins:
		switch {
		case p.Text != "" && p.Request != "":
			return of + pid + " is killed in " + p.Request
		case p.Text != "":
			return of + pid + " is killed"
		case p.Request != "":
			return of + pid + " leaves once it has finished " + p.Request
		}
		return of + pid + " leaves: it has no request in hand"
	case control.KillLeaves:
		return of + pid + " leaves already (" + p.Text + "); it has " + cmp.Or(p.Request, "no request") + " in hand"
	case control.KillLeft:
		return leftWords(&p.Slot, p.Pid, p.Exit, p.Request)
	case control.KillServes:
		return of + fmt.Sprintf("served by pid %d after %.1f s", p.Pid, p.Seconds)
	default:
		return of + p.Text
	}
}
