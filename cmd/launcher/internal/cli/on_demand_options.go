//go:build linux

package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/ident"
)

// The options of slots that have a worker only while there is need for one.
const (
	optMin         = "min"
	optIdleTimeout = "idle-timeout"
)

// idleTimeout is longer than between two pages that somebody reads, and costs a small part of a CPU where all workers come and go
// at that pace.
const idleTimeout = 30 * time.Second

func onDemandFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: optMin, EnvVars: env(optMin), DefaultText: "all",
			Usage: "have `NUMBER` workers at all times; the other slots keep their sockets, and get a worker when somebody connects"},
		&cli.DurationFlag{Name: optIdleTimeout, EnvVars: env(optIdleTimeout), Value: idleTimeout,
			Usage: "with --min: `TIME` after which a worker above that number leaves that has nothing to do"},
	}
}

// readOnDemand reads the options of slots on demand.
func readOnDemand(ctx *cli.Context, config *preforker.Config) error {
	config.Min, config.IdleTimeout = ctx.Int(optMin), ctx.Duration(optIdleTimeout)
	return readers{
		func() error { return positive(ctx, optIdleTimeout) },
		func() error {
			if ctx.IsSet(optMin) && (config.Min < 1 || config.Min > ident.MaxWorkers) {
				return usageErrorf("--min 1", "read --%s: %d is not a number of workers from 1 to %d", optMin, config.Min, ident.MaxWorkers)
			}
			return nil
		},
	}.all()
}

// onDemandWarnings are of options that change nothing.
func onDemandWarnings(ctx *cli.Context, config preforker.Config) (warnings []string) {
	switch {
	case ctx.IsSet(optIdleTimeout) && config.Min == 0:
		warnings = append(warnings, "no effect without --min: --"+optIdleTimeout)
	case config.Min > 0 && config.Min >= config.Workers:
		warnings = append(warnings, fmt.Sprintf("no effect with %s: --%s %s", counted(config.Workers, "worker", "workers"), optMin, strconv.Itoa(config.Min)))
	}
	return warnings
}
