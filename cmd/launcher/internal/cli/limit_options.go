//go:build linux

package cli

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
)

// The options that bound what an application can do wrong in a request, and how long a worker is there.
const (
	optRequestTimeout = "request-timeout"
	optSlowLog        = "slow-log"
	optMaxAge         = "max-age"
	optMemoryLimit    = "memory-limit"
)

// requestTimeout is longer than people wait for a page, and as long as web servers wait for one as a rule.
const requestTimeout = time.Minute

func limitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: optRequestTimeout, EnvVars: env(optRequestTimeout), Value: requestTimeout,
			Usage: "`TIME` that a request may take until its response begins; then its backtrace is logged and its worker ends; 0: any"},
		&cli.DurationFlag{Name: optSlowLog, EnvVars: env(optSlowLog),
			Usage: "`TIME` after which the backtrace of a request is logged, if its response has not begun; 0: off", DefaultText: "off"},
		&cli.DurationFlag{Name: optMaxAge, EnvVars: env(optMaxAge),
			Usage: "`TIME` after which a fork takes a worker's place, less up to an eighth by chance; 0: any", DefaultText: "any"},
		&cli.StringFlag{Name: optMemoryLimit, EnvVars: env(optMemoryLimit), Value: "off",
			Usage: "`SIZE` (500MB, 2G) of a worker's own memory at which it is ended, also in the middle of a request; off: none"},
	}
}

func readLimits(ctx *cli.Context) (preforker.Limits, error) {
	limits := preforker.Limits{RequestTimeout: ctx.Duration(optRequestTimeout), SlowLog: ctx.Duration(optSlowLog), MaxAge: ctx.Duration(optMaxAge)}
	err := readers{
		func() error {
			if limits.MaxAge > 0 && limits.MaxAge < time.Second {
				return usageErrorf("--max-age 6h", "read --%s: %v is below a second", optMaxAge, limits.MaxAge)
			}
			return nil
		},
		func() error {
			return each([]string{optRequestTimeout, optSlowLog}, func(option string) error {
				if d := ctx.Duration(option); d > 0 && d < 100*time.Millisecond {
					return usageErrorf("--"+option+" 10s", "read --%s: %v is below 100ms", option, d)
				}
				return nil
			})
		},
		func() (err error) { limits.Memory, err = memoryLimit(ctx.String(optMemoryLimit)); return err },
	}.all()
	return limits, err
}

// memoryLimit reads a size, or off: 0.
func memoryLimit(text string) (uint64, error) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "off") {
		return 0, nil
	}
	bytes, ok := parseSize(text)
	if !ok || bytes < minMemoryLimit {
		return 0, usageErrorf("--memory-limit 500MB or off", "read --%s: %q is not a size of memory from 16MB on, nor off", optMemoryLimit, text)
	}
	return bytes, nil
}

// minMemoryLimit is less than the first requests of any application write.
const minMemoryLimit = 16 * minPrivate

// limitsWithoutEffect are those that others forestall.
func limitsWithoutEffect(config preforker.Config) (warnings []string) {
	limits := config.Limits
	if limits.SlowLog > 0 && limits.RequestTimeout > 0 && limits.SlowLog >= limits.RequestTimeout {
		warnings = append(warnings, "no effect, as --request-timeout is no longer: --"+optSlowLog)
	}
	if limits.Memory > 0 && config.Renewal.Budget.Bytes >= limits.Memory {
		warnings = append(warnings, "no effect, as --memory-limit is no greater: --"+optMaxPrivate)
	}
	return warnings
}
