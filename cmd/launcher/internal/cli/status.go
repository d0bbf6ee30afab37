//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
)

func statusCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "say what a running launcher and its workers do, and what memory they have",
		ArgsUsage: " ",
		UsageText: "launcher status [options]",
		Description: "Asks the launcher whose sockets are in log/, or in the folder that --socket-dir names, and answers at once,\n" +
			"whatever its workers do. For each worker: its slot and socket, pid, generation, what it does and for how\n" +
			"long, the request in hand, how long its last one took, requests served, memory in MB (1048576 bytes) that\n" +
			"is its own (private) and that others have too (shared), and how many connections wait for it (queue).\n" +
			"Above them how many requests were served, how long they took and had waited, why workers were replaced,\n" +
			"the memory of all processes, each shared page counted once, beside their bound (at most), and what it\n" +
			"costs to collect garbage between requests.\n\n" +
			"With --watch it goes on, also while the launcher is started anew, and says so where none answers.\n\n" +
			"Only the user who runs a launcher, and root, may ask it.\n" +
			"Exit status: 0 it has answered, 1 none runs there or it does not answer, 2 a mistake in the command line.",
		Flags:        runningFlags(jsonFlag(), newWatchFlag()),
		Action:       func(ctx *cli.Context) error { return printStatus(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func printStatus(ctx *cli.Context, stdout *os.File) error {
	dir, err := runningDir(ctx, 0)
	if err != nil {
		return err
	}
	if period := time.Duration(*ctx.Generic(optWatch).(*watchPeriod)); period > 0 {
		return watchStatus(ctx, dir, period, stdout)
	}
	status, text, err := control.AskStatus(ctx.Context, dir)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	var w io.Writer = stdout
	if ctx.Bool(optJSON) {
		w = escaper{stdout}
		if err := json.Indent(&out, text, "", "  "); err != nil {
			return fmt.Errorf("print status: %w", err)
		}
	} else {
		width := 0
		if isTerminal(stdout) {
			width = terminalWidth(stdout, tableWidth)
		}
		out.WriteString(statusText(status, width, time.Local))
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("print status: %w", err)
	}
	return nil
}
