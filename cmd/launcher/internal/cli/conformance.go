//go:build linux

package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/fcgi"
	"launcher/fcgi/conformance"
	"launcher/preforker/hint"
	"launcher/preforker/sockets"
)

const (
	optParam    = "param"
	optTimeout  = "timeout"
	optDeadline = "deadline"
	optCase     = "case"
	optList     = "list"
	optEcho     = "echo"
)

// errNotConforming says that a case has failed and that this has been printed: exit status 1.
var errNotConforming = errors.New("a case has failed")

func conformanceCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "conformance",
		Usage:     "ask a FastCGI responder, of whatever kind, what it does with bad and unusual input",
		ArgsUsage: "unix:PATH|HOST:PORT",
		UsageText: "launcher conformance [options] unix:PATH\nlauncher conformance [options] HOST:PORT",
		Description: "Sends what no web server sends, and what few send, to a responder that runs at that address, and prints for each\n" +
			"case whether it has passed and what came back. A responder must: the specification says so, or it would not\n" +
			"live; it should: that is what is safe; it may: a policy of its own, which is told. Some cases take as long as\n" +
			"the responder's own time limits. Do not ask one that serves a site: it may die of it.\n\n" +
			"Any responder can be asked; with --echo it has to run the probe application, and more is asked (fcgi/conformance\n" +
			"in the sources has the contract, and where it is for Rack, C, PHP and CGI).\n\n" +
			"SOURCE is a section of the FastCGI Specification 1.0 where it is a number alone.\n\n" +
			"Exit status: 0 nothing has failed, 1 a case has failed, no plain request is answered, or it was stopped (what it\n" +
			"has found until then is printed), 2 a mistake in the command line.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: optParam, Usage: "send this parameter with each request, in the place of the usual one: `NAME=VALUE`, repeatable (SCRIPT_FILENAME, which PHP needs)"},
			&cli.BoolFlag{Name: optEcho, Usage: "the responder runs the probe application"},
			&cli.StringSliceFlag{Name: optCase, Usage: "run the case `ID` alone, or all with this number; repeatable", DefaultText: "all"},
			&cli.DurationFlag{Name: optTimeout, Value: conformance.DefaultTimeout, Usage: "`TIME` for what a responder does at once"},
			&cli.DurationFlag{Name: optDeadline, Value: conformance.DefaultDeadline, Usage: "`TIME` for what waits for a time limit of the responder's own"},
			&cli.BoolFlag{Name: optList, Usage: "print the cases and what is expected, and ask nobody"},
			jsonFlag(),
		},
		Action:       func(ctx *cli.Context) error { return runConformance(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func runConformance(ctx *cli.Context, stdout *os.File) error {
	cases, err := conformance.Select(conformance.Cases(), ctx.StringSlice(optCase))
	if err != nil {
		return usageErrorf("launcher conformance --list", "read --%s: %v", optCase, err)
	}
	if ctx.Bool(optList) {
		return listCases(ctx, stdout, cases)
	}
	suite, err := conformanceSuite(ctx)
	if err != nil {
		return err
	}
	if !ctx.Bool(optJSON) {
		suite.Report = newConformanceTable(cases).printer(stdout)
	}
	running, _, end := untilSignal(ctx.Context, func() {})
	defer end()
	results, err := suite.Run(running, cases)
	switch {
	case errors.Is(err, conformance.ErrNoProbe):
		return hint.Errorf("have it run the probe application, or leave --echo out", "ask %s: %w", ctx.Args().First(), err)
	case errors.Is(err, conformance.ErrUnreachable):
		return hint.Errorf("start it, or name where it listens, and see that this user may connect", "ask %s: %w", ctx.Args().First(), err)
	case errors.Is(err, conformance.ErrNoAnswer):
		return hint.Errorf("see that it speaks FastCGI there and not HTTP, is not busy, and has the parameters that it needs (--param)",
			"ask %s: %w", ctx.Args().First(), err)
	case err != nil && len(results) == 0:
		return fmt.Errorf("ask %s: %w", ctx.Args().First(), err)
	}
	printed := printConformance(ctx, stdout, results, len(cases)-len(results))
	if err != nil {
		return fmt.Errorf("ask %s: %w", ctx.Args().First(), err)
	}
	return printed
}

func conformanceSuite(ctx *cli.Context) (suite conformance.Suite, err error) {
	if ctx.NArg() != 1 {
		return suite, usageErrorf("launcher conformance unix:log/fastcgi.socket-0", "read command line: one address is expected, not %q", ctx.Args().Slice())
	}
	if err := positive(ctx, optTimeout, optDeadline); err != nil {
		return suite, err
	}
	suite = conformance.Suite{Timeout: ctx.Duration(optTimeout), Deadline: ctx.Duration(optDeadline), Echo: ctx.Bool(optEcho)}
	if suite.Network, suite.Address, err = responderAddress(ctx.Args().First()); err != nil {
		return suite, err
	}
	for _, param := range ctx.StringSlice(optParam) {
		name, value, found := strings.Cut(param, "=")
		if !found || name == "" {
			return suite, usageErrorf("--param SCRIPT_FILENAME=/srv/probe.php", "read --%s: %q is not a name and a value", optParam, param)
		}
		suite.Params = append(suite.Params, fcgi.Param{Name: name, Value: value})
	}
	return suite, nil
}

// responderAddress reads unix:PATH, or HOST:PORT.
func responderAddress(text string) (network, address string, err error) {
	const example = "launcher conformance unix:log/fastcgi.socket-0"
	if path, is := strings.CutPrefix(text, "unix:"); is && path != "" {
		if err := sockets.CheckPath(path); err != nil {
			return "", "", usageErrorf(example, "read command line: %w", err)
		}
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" || strings.Contains(text, "/") || host == "unix" {
		try := example
		if _, err := os.Stat(text); err == nil && !strings.HasPrefix(text, "unix:") {
			try = "launcher conformance unix:" + text
		}
		return "", "", usageErrorf(try, "read command line: %q is neither unix:PATH nor HOST:PORT", text)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > maxPort {
		return "", "", usageErrorf("launcher conformance "+net.JoinHostPort(host, "9000"), "read command line: a port is from 1 to %d, not %q", maxPort, port)
	}
	return "tcp", text, nil
}
