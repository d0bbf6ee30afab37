//go:build linux

package cli

import (
	"net"
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
	if options.compat, err = metrics.ParseCompat(listed(ctx.StringSlice(optMetricsCompat))); err != nil {
		return options, usageErrorf("--"+optMetricsCompat+" puma", "read --%s: %w", optMetricsCompat, err)
	}
	options.address, err = readMonitorAddress(optMetrics, ctx.String(optMetrics))
	if err != nil || options.address == "" {
		return options, err
	}
	for option, texts := range map[string][]string{optHTTP: listed(ctx.StringSlice(optHTTP)), optDashboard: {ctx.String(optDashboard)}} {
		for _, text := range texts {
			_, at, found := strings.Cut(text, "://")
			if !found {
				at = text
			}
			if strings.TrimSuffix(at, "/") == options.address && !strings.HasSuffix(at, ":0") {
				return options, usageErrorf("--metrics 127.0.0.1:9397", "read --%s: %s is what --%s has; give each an address of its own", optMetrics, options.address, option)
			}
		}
	}
	return options, nil
}

// readMonitorAddress reads an address and a port where nothing but the launcher itself is told of. It is "" where the option is.
func readMonitorAddress(option, text string) (string, error) {
	example := "--" + option + " 127.0.0.1:9397"
	switch {
	case text == "":
		return "", nil
	case strings.HasPrefix(text, unixPrefix), strings.HasPrefix(text, "/"):
		return "", usageErrorf("curl --unix-socket log/launcher.sock http://launcher/"+option+", or "+example,
			"read --%s: %q is no address with a port; at a unix socket, that of launcher status, the same is told without an option", option, text)
	case strings.Contains(text, "://"):
		return "", usageErrorf(example, "read --%s: %q is a URL, not an address with a port", option, text)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" || strings.ContainsAny(host, " /,") {
		return "", usageErrorf(example, "read --%s: %q is not an address with a port", option, text)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", usageErrorf(example, "read --%s: %q is not a port from 0 to 65535", option, port)
	}
	return text, nil
}
