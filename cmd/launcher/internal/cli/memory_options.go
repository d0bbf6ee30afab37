//go:build linux

package cli

import (
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/core"
	"launcher/preforker/ruby"
)

// The options about memory.
const (
	optWithout      = "without"
	optWarmup       = "warmup"
	optWarmupHost   = "warmup-host"
	optWarmupHeader = "warmup-header"
	optWarmupCount  = "warmup-count"
	optReforkAfter  = "refork-after"
	optSeedTime     = "seed-time"
	optSpare        = "spare"
)

// The first request fills nearly every cache, the others what is only used now and then. More of them
// gained nothing that could be measured.
const (
	warmupCount    = 4
	maxWarmupCount = 1000
)

// seedTime is more than a worker needs to be warm where requests wait for it, and hardly delays those whose requests wait for
// something else than a CPU.
const seedTime = 500 * time.Millisecond

// header is "Name: value": a token (RFC 9110, section 5.6.2), and a value without
// control characters.
var header = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x1f\x7f]*$")

// target is the target of a request: a path, with or without a query.
var target = regexp.MustCompile(`^/[!-~]*$`)

func memoryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: optWarmup, EnvVars: env(optWarmup),
			Usage: "send GET requests to `PATH` before the first fork, so that workers share what they build; may be repeated"},
		&cli.StringFlag{Name: optWarmupHost, EnvVars: env(optWarmupHost), Value: "localhost", Usage: "`HOST` that these requests name"},
		&cli.StringSliceFlag{Name: optWarmupHeader, EnvVars: env(optWarmupHeader),
			Usage: "`HEADER` of these requests, as in \"Name: value\"; may be repeated"},
		&cli.IntFlag{Name: optWarmupCount, EnvVars: env(optWarmupCount), Value: warmupCount, Usage: "`NUMBER` of requests to each path"},
		&cli.StringFlag{Name: optReforkAfter, EnvVars: env(optReforkAfter), Value: "auto",
			Usage: "`REQUESTS`[,REQUESTS…] of one worker after which it is forked into the preloader of the next workers (a refork); auto: where that is safe, never"},
		&cli.DurationFlag{Name: optSeedTime, EnvVars: env(optSeedTime), Value: seedTime,
			Usage: "after a load few workers serve all slots until one of them is warm, unless all are busy for `TIME`; 0: fill all slots at once"},
		&cli.StringFlag{Name: optSpare, EnvVars: env(optSpare), Value: string(core.SpareAuto),
			Usage: "keep `NUMBER` (0 or 1) workers forked without a slot, to be given one when a worker dies or is replaced; auto: 1 where there is memory for it"},
		&cli.StringSliceFlag{Name: optWithout, EnvVars: env(optWithout),
			Usage: "switch off optimizations, which save memory: `NAME`[,NAME…] of " + optimizationNames()},
	}
}

func optimizationNames() string {
	var names []string
	for _, optimization := range ruby.Optimizations() {
		names = append(names, string(optimization))
	}
	return strings.Join(names, ", ")
}

// readMemory reads the options about memory into a configuration.
func readMemory(ctx *cli.Context, config *preforker.Config) error {
	if config.SeedTime = ctx.Duration(optSeedTime); config.SeedTime > 0 {
		config.Seeds = runtime.GOMAXPROCS(0)
	}
	return readers{
		func() (err error) { config.Without, err = without(ctx.StringSlice(optWithout)); return err },
		func() (err error) { config.Refork, err = reforkAfter(ctx.String(optReforkAfter)); return err },
		func() error { return readOnDemand(ctx, config) },
		func() (err error) { config.Spare, err = spare(ctx.String(optSpare)); return err },
		func() (err error) {
			if config.Warmup, err = readWarmup(ctx); len(config.Warmup.Paths) == 0 {
				config.Early = max(1, runtime.GOMAXPROCS(0)-1) // else the first answer is to be a warm one
			}
			return err
		},
	}.all()
}

// without reads names of optimizations, with commas or spaces between.
func without(lists []string) ([]ruby.Optimization, error) {
	optimizations := []ruby.Optimization{}
	names := strings.FieldsFunc(strings.Join(lists, ","), func(r rune) bool { return r == ',' || r == ' ' })
	err := each(names, func(name string) error {
		optimization, err := ruby.ParseOptimization(name)
		if err != nil {
			return usageErrorf("--without compact,views", "read --%s: %v", optWithout, err)
		}
		optimizations = append(optimizations, optimization)
		return nil
	})
	return optimizations, err
}

func spare(text string) (core.Spare, error) {
	switch s := core.Spare(strings.ToLower(strings.TrimSpace(text))); s {
	case core.SpareNone, core.SpareOne, core.SpareAuto:
		return s, nil
	}
	return "", usageErrorf("--spare 0, 1 or auto", "read --%s: %q is none of 0, 1 and auto", optSpare, text)
}

// reforkAfter reads auto, never, or numbers of requests.
func reforkAfter(text string) (preforker.Refork, error) {
	switch text = strings.ToLower(strings.TrimSpace(text)); text {
	case "auto":
		return core.AutoRefork(), nil
	case "never":
		return preforker.Refork{}, nil
	}
	var refork preforker.Refork
	err := each(strings.Split(text, ","), func(part string) error {
		requests, err := strconv.ParseUint(strings.TrimSpace(part), 10, 32)
		if err != nil || requests == 0 {
			return usageErrorf("--refork-after 50,500, auto or never", "read --%s: %q is not a number of requests", optReforkAfter, part)
		}
		refork.After = append(refork.After, requests)
		return nil
	})
	return refork, err
}

// readWarmup reads the options of the warm-up. An environment variable holds several paths with spaces between, and
// several headers with line ends between.
func readWarmup(ctx *cli.Context) (ruby.Warmup, error) {
	warmup := ruby.Warmup{Host: ctx.String(optWarmupHost), Count: ctx.Int(optWarmupCount)}
	for _, value := range ctx.StringSlice(optWarmup) {
		warmup.Paths = append(warmup.Paths, strings.Fields(value)...)
	}
	for _, value := range ctx.StringSlice(optWarmupHeader) {
		warmup.Headers = append(warmup.Headers, strings.Split(strings.TrimSpace(value), "\n")...)
	}
	err := checkWarmup(warmup)
	warmup.Headers = slices.DeleteFunc(warmup.Headers, func(line string) bool { return line == "" })
	return warmup, err
}

// checkWarmupPath refuses what is no path, and several with commas between, as other options have them: a comma is a part of a path.
func checkWarmupPath(path string) error {
	before, _, _ := strings.Cut(path, "?")
	switch {
	case !target.MatchString(path):
		return usageErrorf("--warmup /posts", "read --%s: %q is not a path", optWarmup, path)
	case strings.HasSuffix(path, ",") || strings.Contains(before, ",/"):
		return usageErrorf(`name each by itself: warmup: [/, /posts] in the file, LAUNCHER_WARMUP="/ /posts", or --warmup / --warmup /posts; a comma that is meant is %2C`,
			"read --%s: %q would be one path, since a comma is a part of it", optWarmup, path)
	}
	return nil
}

// checkWarmup refuses what is no request.
func checkWarmup(warmup ruby.Warmup) error {
	return readers{
		func() error {
			return each(warmup.Paths, checkWarmupPath)
		},
		func() error {
			return each(warmup.Headers, func(line string) error {
				if !header.MatchString(line) {
					return usageErrorf("--warmup-header 'Accept-Language: de'", "read --%s: %q is not a header", optWarmupHeader, line)
				}
				return nil
			})
		},
		func() error {
			if !header.MatchString("Host: "+warmup.Host) || strings.ContainsAny(warmup.Host, " /") || warmup.Host == "" {
				return usageErrorf("--warmup-host www.example.org", "read --%s: %q is not a host", optWarmupHost, warmup.Host)
			}
			return nil
		},
		func() error {
			if warmup.Count < 1 || warmup.Count > maxWarmupCount {
				return usageErrorf("--warmup-count 4", "read --%s: it is from 1 to %d, not %d", optWarmupCount, maxWarmupCount, warmup.Count)
			}
			return nil
		},
	}.all()
}
