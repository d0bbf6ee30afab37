//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
	"launcher/preforker/hint"
)

// optNow has something ended without waiting for what it does.
const optNow = "now"

func stopCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "stop",
		Usage:     "have a running launcher finish what it does and end, and wait until it has",
		ArgsUsage: " ",
		UsageText: "launcher stop [options]",
		Description: "The workers finish the request in hand, and what waits at their sockets, for --drain-timeout of the launcher at the\n" +
			"most; what is left then is killed. The signal TERM asks for the same. The command ends when the launcher's process is\n" +
			"gone; ending the command does not end the stop. What has started the launcher may start it again: a service is stopped\n" +
			"with systemctl stop." + runningDescription,
		Flags: runningFlags(
			&cli.BoolFlag{Name: optNow, Usage: "kill the workers, whose requests in hand are lost, also where a stop is under way already"},
			&cli.BoolFlag{Name: optNoWait, Usage: "return as soon as the stop has begun"},
			&cli.DurationFlag{Name: optWait, DefaultText: "as long as it takes", Usage: "`TIME` to wait at most, after which it ends with 1; the stop goes on"}),
		Action:       func(ctx *cli.Context) error { return stop(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func stop(ctx *cli.Context, stdout *os.File) error {
	dir, err := runningDir(ctx, 0)
	if err != nil {
		return err
	}
	waiting, cancel, end := untilSignal(ctx.Context, func() {})
	defer end()
	shown := &stopDisplay{display: newDisplay(stdout)}
	limit := limitWait(ctx, cancel)
	request := control.StopRequest{Now: ctx.Bool(optNow), NoWait: ctx.Bool(optNoWait)}
	result, err := control.Stop(waiting, dir, request, func(p control.StopProgress) {
		limit()
		shown.show(p)
	})
	shown.erase()
	switch cause := context.Cause(waiting); {
	case err != nil && cause != nil:
		return hint.Errorf("see how it ends: launcher status; launcher stop --now kills", "wait for the stop, which goes on: %w", cause)
	case err != nil:
		return err
	case request.NoWait:
		shown.line("the stop has begun")
	case result.Lost > 0:
		shown.line(fmt.Sprintf("stopped after %s; %s lost", inTime(time.Since(shown.began)), wereCounted(result.Lost, "request")))
	default:
		shown.line("stopped after " + inTime(time.Since(shown.began)))
	}
	return nil
}

// limitWait returns what begins the time that --timeout gives: it is called when what is waited for has begun.
func limitWait(ctx *cli.Context, stop context.CancelCauseFunc) (begin func()) {
	return sync.OnceFunc(func() {
		if wait := ctx.Duration(optWait); wait > 0 {
			time.AfterFunc(wait, func() { stop(fmt.Errorf("it is still under way after %v", wait)) })
		}
	})
}

// wereCounted is "1 request was", or "2 requests were".
func wereCounted(n int, what string) string {
	if n == 1 {
		return "1 " + what + " was"
	}
	return fmt.Sprintf("%d %ss were", n, what)
}

// stopDisplay shows how far a stop is.
type stopDisplay struct{ display }

func (d *stopDisplay) show(p control.StopProgress) {
	workers := counted(p.Workers, "worker", "workers")
	switch p.Step {
	case control.StopBegins:
		line := "stopping " + workers
		if p.Seconds > 0 {
			line += ", each once its request is done, and all within " + inTime(duration(p.Seconds))
		}
		if p.Text != "" {
			line += ": " + p.Text
		}
		d.line(line)
	case control.StopLeft:
		d.line(leftWords(p.Slot, p.Pid, p.Exit, p.Request) + ", " + workers + " to go")
	default:
		d.line(p.Text)
	}
	d.draw(workers + " to go")
}

// leftWords say how a worker has ended.
func leftWords(slot *int, pid int, exit, request string) string {
	words := "spare"
	if slot != nil {
		words = fmt.Sprintf("slot %d", *slot)
	}
	words += ":"
	if pid != 0 {
		words += fmt.Sprintf(" pid %d", pid)
	}
	words += " has left"
	if exit != "" && exit != cleanExit {
		words += " with " + exit
	}
	if request != "" {
		words += " in " + request
	}
	return words
}

// cleanExit is how a worker ends that has nothing to complain about.
const cleanExit = "exit status 0"
