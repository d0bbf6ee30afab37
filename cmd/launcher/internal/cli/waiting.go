//go:build linux

package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker/hint"
)

// waitingCommand is the command of a verb that takes its time, and goes on when nobody waits for it.
func waitingCommand(verb, usage, description string, action cli.ActionFunc, further ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: verb, Usage: usage, ArgsUsage: " ", UsageText: "launcher " + verb + " [options]", Description: description + runningDescription,
		Flags: runningFlags(append(further,
			&cli.BoolFlag{Name: optNoWait, Usage: "return as soon as the " + verb + " has begun; how it ends is told by the log and by launcher status"},
			&cli.DurationFlag{Name: optWait, DefaultText: "as long as it takes", Usage: "`TIME` to wait at most, after which it ends with 1; the " + verb + " goes on"})...),
		Action: action, OnUsageError: onUsageError,
	}
}

// await has a running launcher do something, and shows how far it is, until it is done, a signal comes, or the time of --timeout is over,
// which begins with the first step.
func await[P, R any](ctx *cli.Context, shown interface {
	show(P)
	erase()
}, ask func(waiting context.Context, dir string, tell func(P)) (R, error)) (result R, err error) {
	dir, err := runningDir(ctx, 0)
	if err != nil {
		return result, err
	}
	waiting, stop, end := untilSignal(ctx.Context, func() {})
	defer end()
	began := limitWait(ctx, stop)
	result, err = ask(waiting, dir, func(progress P) {
		began()
		shown.show(progress)
	})
	shown.erase()
	if cause := context.Cause(waiting); err != nil && cause != nil {
		return result, hint.Errorf("see how it ends: launcher status", "wait for the %s, which goes on: %w", ctx.Command.Name, cause)
	}
	return result, err
}

// limitWait returns what begins the time that --timeout gives: it is called when what is waited for has begun.
func limitWait(ctx *cli.Context, stop context.CancelCauseFunc) (begin func()) {
	return sync.OnceFunc(func() {
		if wait := ctx.Duration(optWait); wait > 0 {
			time.AfterFunc(wait, func() { stop(fmt.Errorf("it is still under way after %v", wait)) })
		}
	})
}
