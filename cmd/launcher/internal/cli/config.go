//go:build linux

package cli

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"github.com/urfave/cli/v2"

	"launcher/lighttpd"
)

const (
	optFull            = "full"
	optHost            = "host"
	optAddress         = "address"
	optPort            = "port"
	optCheck           = "check"
	optLighttpd        = "lighttpd"
	optLighttpdVersion = "lighttpd-version"
	optBuffered        = "buffer-responses"
)

func configCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "print the lighttpd configuration that reaches NUM workers",
		ArgsUsage: "NUM",
		UsageText: "launcher config [options] NUM",
		Description: "Prints a snippet to paste or include, or with --full a whole file for lighttpd -D -f FILE. Files\n" +
			"below public/ are served without Ruby.",
		Flags: append(siteFlags(), sendfileFlag(), bufferedFlag(),
			&cli.StringSliceFlag{Name: optHost, DefaultText: "this host's", Usage: "lead to the NUM workers of a launcher elsewhere, at `HOST:PORT` and " +
				"the ports that follow it (its --listen); may be repeated"},
			&cli.BoolFlag{Name: optFull, Usage: "print a whole file instead of a snippet"},
			&cli.StringFlag{Name: optAddress, Value: "127.0.0.1", Usage: "with --full: listen at `ADDRESS`"},
			&cli.IntFlag{Name: optPort, Value: 8080, Usage: "with --full: listen at `PORT`"},
			&cli.BoolFlag{Name: optCheck, Usage: "have lighttpd check it (lighttpd -tt) before it is printed"},
			&cli.StringFlag{Name: optLighttpd, EnvVars: env(optLighttpd), Usage: "`COMMAND` that is lighttpd", DefaultText: "found on PATH or in the sbin folders"},
			&cli.StringFlag{Name: optLighttpdVersion, EnvVars: env(optLighttpdVersion),
				Usage: "write for this `VERSION`", DefaultText: "the one found, else " + lighttpd.DefaultVersion().String()},
		),
		Action:       func(ctx *cli.Context) error { return printConfig(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func printConfig(ctx *cli.Context, stdout *os.File) error {
	workers, err := workerCount(ctx, "launcher config 4")
	if err != nil {
		return err
	}
	where, err := readSite(ctx)
	if err != nil {
		return err
	}
	if err := checkListener(ctx); err != nil {
		return err
	}
	warn(ctx.App.ErrWriter, missingSendfileDirs(where.app.Root, ctx.StringSlice(optSendfileDir)))
	text, err := configText(ctx, where, workers)
	if err != nil {
		return err
	}
	if ctx.Bool(optCheck) {
		bounded, cancel := context.WithTimeout(ctx.Context, lighttpdTimeout)
		defer cancel()
		if err := lighttpd.Check(bounded, ctx.String(optLighttpd), text); err != nil {
			return namedBy(ctx, optLighttpd, fmt.Errorf("check configuration: %w", err))
		}
	}
	if _, err := fmt.Fprint(stdout, text); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	return nil
}

// checkListener refuses a port and an address that would not be in what is printed, or that cannot be.
func checkListener(ctx *cli.Context) error {
	for _, option := range []string{optAddress, optPort} {
		if ctx.IsSet(option) && !ctx.Bool(optFull) {
			return usageErrorf(fmt.Sprintf("launcher config --full --%s %s %s", option, ctx.String(option), ctx.Args().First()),
				"read --%s: it is for a whole file, with --full; a snippet has none", option)
		}
	}
	if address := ctx.String(optAddress); ctx.Bool(optFull) {
		if parsed, err := netip.ParseAddr(address); err != nil || parsed.Zone() != "" {
			return usageErrorf("--address 127.0.0.1", "read --%s: %q is not an IP address", optAddress, address)
		}
	}
	if port := ctx.Int(optPort); port < 1 || port > 65535 {
		return usageErrorf("--port 8080", "read --%s: a port is from 1 to 65535, not %d", optPort, port)
	}
	return nil
}

// configSite returns the site whose workers are where --host says, else on this host.
func configSite(ctx *cli.Context, where site, workers int) (lighttpd.Site, error) {
	hosts := ctx.StringSlice(optHost)
	if len(hosts) == 0 {
		if err := where.checkPlaces(workers); err != nil {
			return lighttpd.Site{}, err
		}
		return where.lighttpd(workers), nil
	}
	if ctx.IsSet(optListen) {
		warn(ctx.App.ErrWriter, []string{"no effect with --host, which names the workers of other hosts: --" + optListen})
	}
	site := where.lighttpd(workers)
	var err error
	site.Sockets, err = hostPlaces(hosts, workers)
	return site, err
}

func configText(ctx *cli.Context, where site, workers int) (string, error) {
	version, err := lighttpdVersion(ctx.Context, ctx.String(optLighttpd), ctx.String(optLighttpdVersion))
	if err != nil {
		return "", namedBy(ctx, optLighttpd, err)
	}
	site, err := configSite(ctx, where, workers)
	if err != nil {
		return "", err
	}
	if !ctx.Bool(optFull) {
		return lighttpd.Snippet(site, version)
	}
	return lighttpd.Full(site, version, lighttpd.Server{
		Address: ctx.String(optAddress), Port: ctx.Int(optPort), UploadDir: os.TempDir(),
	})
}
