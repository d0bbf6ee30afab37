//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/load"
	"launcher/cmd/launcher/internal/experiment/report"
	"launcher/cmd/launcher/internal/experiment/run"
	"launcher/preforker"
	"launcher/preforker/hint"
)

const (
	optMethod         = "method"
	optProcesses      = "processes"
	optOutput         = "output"
	optPath           = "path"
	optRequests       = "requests"
	optRate           = "rate"
	optConnections    = "connections"
	optStraight       = "straight"
	optReserve        = "reserve"
	optRequestTimeout = "request-timeout"
)

func experimentCommand(stdout, stderr *os.File) *cli.Command {
	var names []string
	for _, method := range experiment.Methods() {
		names = append(names, string(method))
	}
	return &cli.Command{
		Name:      "experiment",
		Usage:     "measure the memory of this application, forked and not, beside other servers",
		ArgsUsage: " ",
		UsageText: "launcher experiment [options]",
		Description: "Repeats the experiment of 2007 on the application in this folder: for each method and each number of\n" +
			"processes it measures memory before the launch, after it, and through and after a load. Writes report.html,\n" +
			"report.md, graphs, samples.csv and results.json, and prints the tables. Uses sockets and a port of its own,\n" +
			"so it can run beside a live site. Ctrl-C stops it and keeps what is done.\n\n" +
			"Methods: direct (each process loads the application by itself), smart (this launcher), and of the other servers\n" +
			"those that are installed, each with the application preloaded and one thread a worker.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: optRoot, EnvVars: env(optRoot), Usage: "`FOLDER` of the application", DefaultText: "the current folder"},
			&cli.StringSliceFlag{Name: optMethod, Usage: "`NAME` of a method, repeatable: " + strings.Join(names, ", "), DefaultText: "all"},
			&cli.StringFlag{Name: optProcesses, Value: "1,2,4,6,8,10", Usage: "`NUMBERS` of processes"},
			&cli.StringSliceFlag{Name: optPath, Usage: "`PATH` to ask for, repeatable: they are asked in turn", DefaultText: "/"},
			&cli.IntFlag{Name: optRequests, Value: 1000, Usage: "`NUMBER` of requests of the load"},
			&cli.IntFlag{Name: optConnections, Value: 10, Usage: "`NUMBER` of requests at once"},
			&cli.Float64Flag{Name: optRate, Usage: "`REQUESTS` a second", DefaultText: "as fast as answers come"},
			&cli.BoolFlag{Name: optStraight, Usage: "ask each server itself, with no lighttpd between"},
			&cli.Uint64Flag{Name: optReserve, Usage: "stop a run before less than `MB` of memory are available", DefaultText: "a twentieth of the machine's, at least 64"},
			&cli.StringFlag{Name: optOutput, Usage: "`FOLDER` for the report", DefaultText: "log/experiment-DATE-TIME, below the root"},
			&cli.StringFlag{Name: optEnvironment, Aliases: []string{"e"}, EnvVars: env(optEnvironment),
				Usage: "`NAME` of the Rails and Rack environment", DefaultText: "RAILS_ENV, RACK_ENV, or production"},
			&cli.StringFlag{Name: optRuby, EnvVars: env(optRuby), Value: "ruby", Usage: "`COMMAND` that is Ruby, for direct and smart"},
			&cli.DurationFlag{Name: optBootTimeout, EnvVars: env(optBootTimeout), Value: 5 * time.Minute, Usage: "`TIME` that all processes of a run may take to come up"},
			&cli.DurationFlag{Name: optRequestTimeout, Value: time.Minute, Usage: "`TIME` that a request may take"},
		},
		Action:       func(ctx *cli.Context) error { return runExperiment(ctx, stdout, stderr) },
		OnUsageError: onUsageError,
	}
}

// runExperiment makes the experiment in a child that this process watches over, or, as that child,
// makes it itself.
func runExperiment(ctx *cli.Context, stdout, stderr *os.File) error {
	config, output, err := experimentConfig(ctx)
	if err != nil {
		return err
	}
	watched, err := readWatchdog(os.Getenv(scratchVariable))
	if err != nil {
		return err
	}
	if watched == nil {
		if err := writable(output); err != nil {
			return err
		}
		return runWatched(os.Args, output)
	}
	config.Scratch = watched.scratch
	running, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	go watched.wait(stop)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	broken := make(chan os.Signal, 1) // a pager that leaves is an error of a write, not an end
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	progress := newProgress(stderr)
	go func() {
		select {
		case sig := <-signals:
			progress.stopping()
			stop(fmt.Errorf("stopped by %s", signalName(sig)))
		case <-running.Done():
		}
	}()
	config.Observer = progress
	config.Keep = func(results *experiment.Results) error { return report.Write(output, results) }
	results, err := run.Perform(running, config)
	progress.close()
	return conclude(stdout, stderr, output, results, err)
}

// writable makes the folder of the report and tries it, before hours are measured in vain.
func writable(folder string) error {
	err := os.MkdirAll(folder, 0o755)
	var trial *os.File
	if err == nil {
		trial, err = os.CreateTemp(folder, ".trial-")
	}
	if err != nil {
		return hint.Errorf("name another one with --output", "make folder of the report: %w", err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// conclude prints what was found, also where the experiment was stopped.
func conclude(stdout, stderr *os.File, output string, results *experiment.Results, err error) error {
	if len(results.Runs) > 0 {
		if printed := report.Print(stdout, results, terminalWidth(stdout)); printed != nil && err == nil {
			err = fmt.Errorf("print tables: %w", printed)
		}
	}
	if _, found := os.Stat(filepath.Join(output, "report.html")); found == nil {
		fmt.Fprintf(stderr, "the report is in %s (report.html)\n", output)
	}
	return err
}

func experimentConfig(ctx *cli.Context) (config experiment.Config, output string, err error) {
	if ctx.NArg() > 0 {
		return config, "", usageErrorf("launcher experiment --processes 1,2,4", "read command line: experiment takes options alone, not %q", ctx.Args().First())
	}
	config = experiment.Config{Paths: ctx.StringSlice(optPath), Requests: ctx.Int(optRequests), Connections: ctx.Int(optConnections),
		Rate: ctx.Float64(optRate), Straight: ctx.Bool(optStraight), Command: typed(os.Args),
		BootTimeout: ctx.Duration(optBootTimeout), RequestTimeout: ctx.Duration(optRequestTimeout)}
	if err := positive(ctx, optBootTimeout, optRequestTimeout); err != nil {
		return config, "", err
	}
	if config.Methods, err = methods(ctx.StringSlice(optMethod)); err != nil {
		return config, "", err
	}
	if config.Processes, err = processNumbers(ctx.String(optProcesses)); err != nil {
		return config, "", err
	}
	if err := checkLoad(&config); err != nil {
		return config, "", err
	}
	if config.Reserve = ctx.Uint64(optReserve) << 20; !ctx.IsSet(optReserve) {
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

// checkLoad refuses a load that cannot be, and asks for / where no path is named.
func checkLoad(config *experiment.Config) error {
	if len(config.Paths) == 0 {
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
	case config.Connections < 1 || config.Connections > 1000:
		return usageErrorf("--connections 10", "read --%s: from 1 to 1000 at once, not %d", optConnections, config.Connections)
	case config.Rate < 0 || config.Rate > 1e6:
		return usageErrorf("--rate 20", "read --%s: %v is not a number of requests a second", optRate, config.Rate)
	}
	return nil
}

func methods(names []string) ([]experiment.Method, error) {
	if len(names) == 0 {
		return experiment.Methods(), nil
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
		if err != nil || n < 1 || n > preforker.MaxWorkers {
			return nil, usageErrorf("--processes 1,2,4", "read --%s: %q is not a number of processes from 1 to %d", optProcesses, part, preforker.MaxWorkers)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}

// typed is the command as a person would type it, without the path of the program and
// without where the report goes, which is no part of what was measured.
func typed(args []string) []string {
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
