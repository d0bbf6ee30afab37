//go:build linux

package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
)

func reopenCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "reopen",
		Usage:     "have a running launcher and its workers open their logs anew, after logrotate has moved them away",
		ArgsUsage: " ",
		UsageText: "launcher reopen [options]",
		Description: "The launcher opens --log-file and --access-log anew. Each of its processes does so with every log of the application\n" +
			"that is open to be appended to, and whose file was moved away or deleted (Rails' log/production.log): a worker between\n" +
			"two requests, so one that is busy when its request is done. The signal USR1 asks for the same." + runningDescription,
		Flags:        runningFlags(),
		Action:       func(ctx *cli.Context) error { return reopen(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func reopen(ctx *cli.Context, stdout io.Writer) error {
	dir, err := runningDir(ctx, 0)
	if err != nil {
		return err
	}
	result, err := control.Reopen(ctx.Context, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "logs are opened anew, by %s between two requests\n", counted(result.Processes, "process", "processes"))
	return err
}
