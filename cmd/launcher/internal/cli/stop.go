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

// optNow has something ended without waiting for what it does.
const optNow = "now"

func stopCommand(stdout *os.File) *cli.Command {
	return waitingCommand("stop", "have a running launcher finish what it does and end, and wait until it has",
		"The workers finish the request in hand, and what waits at their sockets, for --drain-timeout of the launcher at the\n"+
			"most; what is left then is killed. The signal TERM asks for the same. The command ends when the launcher's process is\n"+
			"gone; ending the command does not end the stop. What has started the launcher may start it again: a service is stopped\n"+
			"with systemctl stop.",
		func(ctx *cli.Context) error { return stop(ctx, stdout) },
		&cli.BoolFlag{Name: optNow, Usage: "kill the workers, whose requests in hand are lost, also where a stop is under way already"})
}

func stop(ctx *cli.Context, stdout *os.File) error {
	shown := &stopDisplay{display: newDisplay(stdout), now: ctx.Bool(optNow)}
	request := control.StopRequest{Now: ctx.Bool(optNow), NoWait: ctx.Bool(optNoWait)}
	result, err := await(ctx, shown, func(waiting context.Context, dir string, tell func(control.StopProgress)) (control.StopResult, error) {
		return control.Stop(waiting, dir, request, tell)
	})
	switch {
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

// wereCounted is "1 request was", or "2 requests were".
func wereCounted(n int, what string) string {
	if n == 1 {
		return "1 " + what + " was"
	}
	return fmt.Sprintf("%d %ss were", n, what)
}

// stopDisplay shows how far a stop is.
type stopDisplay struct {
	display
	now bool
}

func (d *stopDisplay) show(p control.StopProgress) {
	workers := counted(p.Workers, "worker", "workers")
	switch p.Step {
	case control.StopBegins:
		line := "stopping " + workers
		switch {
		case p.Workers == 0:
			line = "stopping; no worker is up"
		case d.now:
			line += " at once, whatever they have in hand"
		case p.Seconds > 0:
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
