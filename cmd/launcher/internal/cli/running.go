//go:build linux

package cli

import (
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// What "launcher status" and each verb for a running launcher share: the options that say which one
// is meant, and where it is found. They end with 0: done; 1: none runs there, or it is not done;
// 2: a mistake in the command line.

// runningFlags are the options that name a running launcher by its folder.
func runningFlags(further ...cli.Flag) []cli.Flag {
	return append(further, named(siteFlags(), optRoot, optConfig, optSocketDir)...)
}

// runningDescription ends the description of a verb.
const runningDescription = "\n\nThe launcher is the one whose sockets are in log/, or in the folder that --socket-dir names. Only the user\n" +
	"who runs it, and root, may ask it.\n" +
	"Exit status: 0 done, 1 none runs there or it is not done, 2 a mistake in the command line."

// runningDir returns the socket folder of the launcher that a verb is for, which takes so many
// arguments at most.
func runningDir(ctx *cli.Context, arguments int) (string, error) {
	if ctx.NArg() > arguments {
		if arguments == 0 {
			return "", usageErrorf("launcher "+ctx.Command.Name, "read command line: %s takes options alone, not %q", ctx.Command.Name, ctx.Args().First())
		}
		return "", usageErrorf("launcher "+ctx.Command.Name+" --help", "read command line: %s takes nothing after that: %q", ctx.Command.Name, ctx.Args().Get(arguments))
	}
	return statusDir(ctx.String(optRoot), ctx.String(optSocketDir))
}

// statusDir returns the socket folder of a launcher that was started with these options. The
// application need not be there any more.
func statusDir(root, dir string) (string, error) {
	if dir == "" {
		dir = filepath.Join(root, "log")
	}
	return absolute(dir)
}
