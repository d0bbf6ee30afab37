//go:build linux

package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/metrics"
)

// Names of the options that say where a launcher tells others how it is.
const (
	optMetrics       = "metrics"
	optMetricsCompat = "metrics-compat"
)

func metricsFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: optMetrics, EnvVars: env(optMetrics), DefaultText: "at the control socket alone",
			Usage: "tell Prometheus at `ADDRESS`, 127.0.0.1:9397, what the workers do, and load balancers whether there are any: /metrics, /healthz, /readyz"},
		&cli.StringSliceFlag{Name: optMetricsCompat, EnvVars: env(optMetricsCompat), DefaultText: "none",
			Usage: "tell metrics by the names of another `SERVER`'s too, for dashboards that know these: puma, php-fpm; may be repeated, or both with a comma between"},
	}
}

// metricsOptions is where metrics are told, and by which names.
type metricsOptions struct {
	address string // "": at the control socket alone
	compat  metrics.Compat
}

func readMetrics(ctx *cli.Context) (options metricsOptions, err error) {
	err = readers{
		func() (err error) {
			options.compat, err = metricsCompat(listed(ctx.StringSlice(optMetricsCompat)))
			return err
		},
		func() (err error) { options.address, err = metricsAddress(ctx); return err },
	}.all()
	return options, err
}

// metricsCompat reads names of other servers.
func metricsCompat(names []string) (metrics.Compat, error) {
	err := each(names, func(name string) error {
		if _, err := metrics.ParseCompat([]string{name}); err != nil {
			return usageErrorf("--"+optMetricsCompat+" puma", "read --%s: %w", optMetricsCompat, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return metrics.ParseCompat(names)
}

// metricsAddress reads an address that no other option has.
func metricsAddress(ctx *cli.Context) (string, error) {
	address, err := monitorAddress{optMetrics, "metrics", "127.0.0.1:9397"}.read(ctx.String(optMetrics))
	if err != nil || address == "" {
		return "", err
	}
	for option, texts := range map[string][]string{optHTTP: listed(ctx.StringSlice(optHTTP)), optDashboard: {ctx.String(optDashboard)}} {
		for _, text := range texts {
			_, at, found := strings.Cut(text, "://")
			if !found {
				at = text
			}
			if strings.TrimSuffix(at, "/") == address && !strings.HasSuffix(at, ":0") {
				return "", usageErrorf("--metrics 127.0.0.1:9397", "read --%s: %s is what --%s has; give each an address of its own", optMetrics, address, option)
			}
		}
	}
	return address, nil
}
