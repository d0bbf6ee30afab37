//go:build linux

package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/usage"
	"launcher/preforker/control"
)

// shells are those that completions are written for.
var shells = []struct {
	name  string
	write func(usage.Program) string
}{{"bash", usage.Program.Bash}, {"zsh", usage.Program.Zsh}, {"fish", usage.Program.Fish}}

func shellNames() (names []string) {
	for _, shell := range shells {
		names = append(names, shell.name)
	}
	return names
}

func completionCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion of this command line for a shell",
		ArgsUsage: strings.Join(shellNames(), "|"),
		UsageText: "launcher completion " + strings.Join(shellNames(), "|"),
		Description: "For this shell: source <(launcher completion bash), the same with zsh, launcher completion fish | source.\n" +
			"For all users, unless a package has done so: > /usr/share/bash-completion/completions/launcher,\n" +
			"> /usr/local/share/zsh/site-functions/_launcher, > /usr/share/fish/vendor_completions.d/launcher.fish.",
		Action:       func(ctx *cli.Context) error { return printCompletion(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func printCompletion(ctx *cli.Context, stdout *os.File) error {
	names := strings.Join(shellNames(), ", ")
	switch {
	case ctx.NArg() == 0:
		return usageErrorf("launcher completion bash", "read command line: the shell is missing: %s", names)
	case ctx.NArg() > 1:
		return usageErrorf("launcher completion "+ctx.Args().First(), "read command line: completion takes one shell, not %q too", ctx.Args().Get(1))
	}
	for _, shell := range shells {
		if shell.name != ctx.Args().First() {
			continue
		}
		if _, err := io.WriteString(stdout, shell.write(describe(newApp(stdout, stdout)))); err != nil {
			return fmt.Errorf("print completion: %w", err)
		}
		return nil
	}
	if near := nearest(ctx.Args().First(), shellNames()); near != "" {
		return usageErrorf("launcher completion "+near, "read command line: there is no completion for %q; did you mean %s?", ctx.Args().First(), near)
	}
	return usageErrorf("launcher completion bash", "read command line: there is no completion for %q, but for %s", ctx.Args().First(), names)
}

func manCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:         "man",
		Usage:        "print the manual page, of what --help says",
		ArgsUsage:    " ",
		UsageText:    "launcher man",
		Description:  "To read it: launcher man | man -l -. For all users, unless a package has done so: > /usr/local/share/man/man1/launcher.1.",
		Action:       func(ctx *cli.Context) error { return printManual(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func printManual(ctx *cli.Context, stdout *os.File) error {
	if ctx.NArg() > 0 {
		return usageErrorf("launcher man", "read command line: man takes nothing more, not %q", ctx.Args().First())
	}
	program := describe(newApp(stdout, stdout))
	program.Version, program.Made = ctx.App.Version, madeAt(os.Getenv("SOURCE_DATE_EPOCH"))
	program.Files, program.SeeAlso = files(), []string{"lighttpd(8)", "systemd.service(5)", "bundle(1)"}
	if _, err := io.WriteString(stdout, program.Manual()); err != nil {
		return fmt.Errorf("print manual: %w", err)
	}
	return nil
}

// madeAt is when this program was made: what a build that can be repeated says, else the date of its file.
func madeAt(epoch string) time.Time {
	if seconds, err := strconv.ParseInt(epoch, 10, 64); err == nil {
		return time.Unix(seconds, 0)
	}
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}

// files are those that an operator meets.
func files() []usage.File {
	return []usage.File{
		{Path: "log/fastcgi.socket-0", What: "the socket of the first worker, and so on, in log/ below the application's folder or in --socket-dir"},
		{Path: "log/" + snippetName, What: "what lighttpd includes, beside the sockets"},
		{Path: "log/" + control.SocketName, What: "the control socket, which speaks HTTP and JSON, for the launcher's user and root alone"},
		{Path: "log/launcher.pid", What: "the pid of the launcher"},
		{Path: "tmp/restart.txt", What: "below the application's folder: touching it is launcher restart"},
		{Path: settingsFile, What: "below the application's folder: options, for what neither the command line nor the environment says"},
		{Path: "config/launcher.rb", What: "below the application's folder: code around the fork"},
	}
}
