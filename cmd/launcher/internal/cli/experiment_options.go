//go:build linux

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/load"
	"launcher/cmd/launcher/internal/experiment/mix"
	"launcher/cmd/launcher/internal/experiment/run"
	"launcher/preforker/ident"
	"launcher/preforker/proc"
	"launcher/preforker/smallfile"
)

func experimentConfig(ctx *cli.Context) (config experiment.Config, output string, err error) {
	if ctx.NArg() > 0 {
		return config, "", usageErrorf("launcher experiment --processes 1,2,4", "read command line: experiment takes options alone, not %q", ctx.Args().First())
	}
	config = experiment.Config{Paths: ctx.StringSlice(optPath), Requests: ctx.Int(optRequests), Repeat: ctx.Int(optRepeat), Connections: ctx.Int(optConnections),
		Rate: ctx.Float64(optRate), Straight: ctx.Bool(optStraight), Command: commandTyped(os.Args), BeforeRun: ctx.String(optBeforeRun),
		BootTimeout: ctx.Duration(optBootTimeout), RequestTimeout: ctx.Duration(optRequestTimeout)}
	if config.UntilSteady = ctx.Bool(optUntilSteady); config.UntilSteady && !ctx.IsSet(optRequests) {
		config.Requests = 100_000
	}
	if err := positive(ctx, optBootTimeout, optRequestTimeout); err != nil {
		return config, "", err
	}
	if config.Methods, err = methods(ctx.StringSlice(optMethod)); err != nil {
		return config, "", err
	}
	if config.Processes, err = processNumbers(ctx.String(optProcesses)); err != nil {
		return config, "", err
	}
	if config.MixFile = ctx.String(optMix); config.MixFile != "" {
		if config.Mix, err = readMix(config.MixFile, len(config.Paths) > 0); err != nil {
			return config, "", err
		}
	}
	if err := checkLoad(&config); err != nil {
		return config, "", err
	}
	if config.Reserve = ctx.Uint64(optReserve) * proc.MB; !ctx.IsSet(optReserve) {
		if config.Reserve, err = run.DefaultReserve(); err != nil {
			return config, "", fmt.Errorf("read the machine's memory: %w", err)
		}
	}
	app, err := findApp(ctx)
	if err != nil {
		return config, "", err
	}
	config.App = experiment.App{Name: filepath.Base(app.Root), Root: app.Root, Entry: app.Entry,
		Environment: readEnvironment(ctx).rails}
	if config.App.Ruby, err = findRuby(ctx); err != nil {
		return config, "", err
	}
	if config.Launcher, err = os.Executable(); err != nil {
		return config, "", fmt.Errorf("find this program: %w", err)
	}
	output = ctx.String(optOutput)
	if output == "" {
		output = filepath.Join(app.Root, "log", "experiment-"+time.Now().Format("2006-01-02-150405"))
	}
	output, err = filepath.Abs(output)
	return config, output, err
}

// checkLoad refuses a load that cannot be, and sets the path / where none is named.
func checkLoad(config *experiment.Config) error {
	if len(config.Paths) == 0 && len(config.Mix) == 0 {
		config.Paths = []string{"/"}
	}
	for _, path := range config.Paths {
		if parsed, err := url.ParseRequestURI(path); err != nil || !strings.HasPrefix(path, "/") || parsed.Host != "" {
			return usageErrorf("--path /posts", "read --%s: %q is not a URL path", optPath, path)
		}
	}
	switch {
	case config.Requests < 1 || config.Requests > load.MaxRequests:
		return usageErrorf("--requests 1000", "read --%s: a load has from 1 to %d requests, not %d", optRequests, load.MaxRequests, config.Requests)
	case config.Repeat < 1 || config.Repeat > 100:
		return usageErrorf("--repeat 3", "read --%s: from 1 to 100 rounds, not %d", optRepeat, config.Repeat)
	case config.Connections < 1 || config.Connections > 1000:
		return usageErrorf("--connections 10", "read --%s: from 1 to 1000 at once, not %d", optConnections, config.Connections)
	case config.Rate < 0 || config.Rate > 1e6:
		return usageErrorf("--rate 20", "read --%s: %v is not a number of requests a second", optRate, config.Rate)
	}
	return nil
}

func readMix(file string, paths bool) ([]mix.Request, error) {
	if paths {
		return nil, usageErrorf("launcher experiment --mix FILE", "read command line: --%s and --%s name two loads", optPath, optMix)
	}
	requests, err := mix.Read(file)
	var failed *fs.PathError
	var other *smallfile.NotFileError
	if errors.As(err, &failed) && failed.Path == file || errors.As(err, &other) && other.Path == file {
		return nil, usageErrorf("name a file that can be read with --mix", "read --%s: %v", optMix, err)
	}
	if err != nil {
		return nil, usageErrorf("a line is WEIGHT METHOD PATH, as in “40 GET /posts”", "read --%s: %v", optMix, err)
	}
	return requests, nil
}

func methods(names []string) ([]experiment.Method, error) {
	if len(names) == 0 {
		return experiment.DefaultMethods(), nil
	}
	var chosen []experiment.Method
	for _, name := range names {
		method, err := experiment.ParseMethod(name)
		if err != nil {
			return nil, usageErrorf("launcher experiment --help", "read --%s: %v", optMethod, err)
		}
		if !slices.Contains(chosen, method) {
			chosen = append(chosen, method)
		}
	}
	return chosen, nil
}

func processNumbers(text string) ([]int, error) {
	var numbers []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 || n > ident.MaxWorkers {
			return nil, usageErrorf("--processes 1,2,4", "read --%s: %q is not a number of processes from 1 to %d", optProcesses, part, ident.MaxWorkers)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}

// commandTyped returns the command as a user types it, without the path of the program and without where
// the report goes, which is no part of what was measured.
func commandTyped(args []string) []string {
	command := []string{filepath.Base(args[0])}
	for i := 1; i < len(args); i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if args[i][:min(1, len(args[i]))] == "-" && name == optOutput {
			if !joined {
				i++
			}
			continue
		}
		command = append(command, args[i])
	}
	return command
}
