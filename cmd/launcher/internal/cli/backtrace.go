//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
	"launcher/preforker/printable"
)

func backtraceCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "backtrace",
		Usage:     "say where the threads of a slot's worker are, and in which request",
		ArgsUsage: "SLOT",
		UsageText: "launcher backtrace [options] SLOT",
		Description: "Asks the worker, which goes on: each of its threads with the frames of Ruby, that which serves first. One that does not\n" +
			"tell within five seconds hangs in C, is stopped, or has no CPU; what the kernel tells of its threads is printed then:\n" +
			"what each waits in, the system call, and as root its stack in the kernel. SLOT is a number that launcher status tells;\n" +
			"where one worker takes the place of another both are asked." + runningDescription,
		Flags:        runningFlags(jsonFlag()),
		Action:       func(ctx *cli.Context) error { return backtrace(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func backtrace(ctx *cli.Context, stdout io.Writer) error {
	dir, slot, err := runningSlot(ctx)
	if err != nil {
		return err
	}
	waiting, _, end := untilSignal(ctx.Context, func() {})
	defer end()
	result, err := control.Backtrace(waiting, dir, slot)
	if err != nil {
		return err
	}
	if ctx.Bool(optJSON) {
		encoder := json.NewEncoder(escaper{stdout})
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(result)
	} else {
		_, err = io.WriteString(stdout, printable.Escape(backtraceText(result)))
	}
	if err != nil {
		return fmt.Errorf("print backtrace: %w", err)
	}
	return nil
}

// backtraceText is where workers are, for a person.
func backtraceText(r control.BacktraceResult) string {
	var out strings.Builder
	for i, w := range r.Workers {
		if i > 0 {
			out.WriteString("\n")
		}
		fmt.Fprintf(&out, "slot %d: pid %d, generation %s, %s", w.Slot, w.Pid, originName(control.WorkerStatus{Generation: w.Generation, Refork: w.Refork}), w.State)
		if q := w.Request; q != nil {
			fmt.Fprintf(&out, " for %s with %s %s", inTime(duration(q.Seconds)), q.Method, q.Path)
			if q.Cut {
				out.WriteString("…")
			}
		}
		out.WriteString("\n")
		if w.Text != "" {
			fmt.Fprintf(&out, "no backtrace of Ruby: %s\n", w.Text)
		}
		for _, t := range w.Threads {
			fmt.Fprintf(&out, "thread %s, %s\n", t.Name, t.State)
			for _, frame := range t.Frames {
				out.WriteString("  " + frame + "\n")
			}
			if t.LeftOut > 0 {
				fmt.Fprintf(&out, "  … and %s\n", counted(t.LeftOut, "frame more", "frames more"))
			}
		}
		for _, t := range w.Kernel {
			out.WriteString(kernelWords(t))
		}
	}
	return out.String()
}

// kernelWords is what the kernel tells of a thread.
func kernelWords(t control.KernelThread) string {
	words := fmt.Sprintf("thread %d (%s), %s", t.Id, t.Name, t.State)
	if t.Waits != "" {
		words += ", waits in " + t.Waits
	}
	if number, _, more := strings.Cut(t.Call, " "); more && number != "-1" {
		words += ", system call " + number
	}
	words += "\n"
	for _, frame := range t.Stack {
		words += "  " + frame + "\n"
	}
	return words
}
