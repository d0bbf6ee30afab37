//go:build linux

package cli

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/webserver"
)

const (
	optFull          = "full"
	optHost          = "host"
	optAddress       = "address"
	optPort          = "port"
	optCheck         = "check"
	optServer        = "server"
	optServerCommand = "server-command"
	optServerVersion = "server-version"
	optBuffered      = "buffer-responses"

	// Before there were other web servers.
	optLighttpd        = "lighttpd"
	optLighttpdVersion = "lighttpd-version"
)

func configCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "print the web server's configuration that reaches NUM workers",
		ArgsUsage: "NUM",
		UsageText: "launcher config [options] NUM",
		Description: "Prints a snippet to include, whose first lines say where, or with --full a whole file for a web server of\n" +
			"its own, and how to run it. Files below public/ are served without Ruby (not by HAProxy, which serves none).",
		Flags: append(siteFlags(), sendfileFlag(), bufferedFlag(),
			&cli.StringFlag{Name: optServer, EnvVars: env(optServer), Value: defaultServer,
				Usage: "`NAME` of the web server: " + strings.Join(serverNames(), ", ")},
			&cli.StringSliceFlag{Name: optHost, DefaultText: "this host's", Usage: "lead to the NUM workers of a launcher elsewhere, at `HOST:PORT` and " +
				"the ports that follow it (its --listen); may be repeated"},
			&cli.BoolFlag{Name: optFull, Usage: "print a whole file instead of a snippet"},
			&cli.StringFlag{Name: optAddress, Value: "127.0.0.1", Usage: "with --full: listen at `ADDRESS`"},
			&cli.IntFlag{Name: optPort, Value: 8080, Usage: "with --full: listen at `PORT`"},
			&cli.BoolFlag{Name: optCheck, Usage: "have the web server check it before it is printed"},
			&cli.StringFlag{Name: optServerCommand, Aliases: []string{optLighttpd}, EnvVars: append(env(optServerCommand), env(optLighttpd)...),
				Usage: "`COMMAND` that is the web server", DefaultText: "found on PATH or in the sbin folders"},
			&cli.StringFlag{Name: optServerVersion, Aliases: []string{optLighttpdVersion}, EnvVars: append(env(optServerVersion), env(optLighttpdVersion)...),
				Usage: "write for this `VERSION`", DefaultText: "the one found, else an old one"},
		),
		Action:       func(ctx *cli.Context) error { return printConfig(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func printConfig(ctx *cli.Context, stdout *os.File) error {
	found, err := workerCount(ctx, "launcher config 4")
	if err != nil {
		return err
	}
	workers := found.workers
	server, err := webServer(ctx.String(optServer))
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
	warnings := missingSendfileDirs(where.app.Root, ctx.StringSlice(optSendfileDir))
	if where.buffered && server.name != defaultServer {
		warnings = append(warnings, fmt.Sprintf("no effect with --%s %s, which compresses what streams: --%s", optServer, server.name, optBuffered))
	}
	if found.why != "" {
		warnings = append(warnings, counted(workers, "worker", "workers")+": "+found.why)
	}
	config, err := writeConfig(ctx, server, where, workers)
	if err != nil {
		return err
	}
	warn(ctx.App.ErrWriter, append(warnings, config.Warnings...))
	if ctx.Bool(optCheck) {
		running, _, end := untilSignal(ctx.Context, func() {})
		defer end()
		bounded, cancel := context.WithTimeout(running, serverTimeout)
		defer cancel()
		if err := server.Check(bounded, ctx.String(optServerCommand), config); err != nil {
			return namedBy(ctx, optServerCommand, err)
		}
	}
	if _, err := fmt.Fprint(stdout, config.Text); err != nil {
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
func configSite(ctx *cli.Context, where site, workers int) (webserver.Site, error) {
	hosts := ctx.StringSlice(optHost)
	if len(hosts) == 0 {
		if err := where.checkPlaces(workers); err != nil {
			return webserver.Site{}, err
		}
		return where.webserver(where.targets(workers))
	}
	if ctx.IsSet(optListen) {
		warn(ctx.App.ErrWriter, []string{"no effect with --host, which names the workers of other hosts: --" + optListen})
	}
	places, err := hostPlaces(hosts, workers)
	if err != nil {
		return webserver.Site{}, err
	}
	return where.webserver(places)
}

func writeConfig(ctx *cli.Context, server namedServer, where site, workers int) (webserver.Config, error) {
	version, err := server.version(ctx.Context, ctx.String(optServerCommand), ctx.String(optServerVersion))
	if err != nil {
		return webserver.Config{}, namedBy(ctx, optServerCommand, err)
	}
	at, err := configSite(ctx, where, workers)
	if err != nil {
		return webserver.Config{}, err
	}
	if !ctx.Bool(optFull) {
		return server.Snippet(at, version)
	}
	return server.Full(at, version, webserver.Listener{
		Address: ctx.String(optAddress), Port: ctx.Int(optPort), Temp: os.TempDir(), Root: os.Geteuid() == 0,
	})
}
