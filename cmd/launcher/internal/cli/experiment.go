//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/report"
	"launcher/cmd/launcher/internal/experiment/run"
	"launcher/preforker/hint"
)

// experimentName is the command that measures.
const experimentName = "experiment"

const (
	optMethod      = "method"
	optProcesses   = "processes"
	optOutput      = "output"
	optPath        = "path"
	optMix         = "mix"
	optBeforeRun   = "before-run"
	optRepeat      = "repeat"
	optUntilSteady = "until-steady"
	optRequests    = "requests"
	optRate        = "rate"
	optConnections = "connections"
	optStraight    = "straight"
	optReserve     = "reserve"
)

func experimentCommand(stdout, stderr *os.File) *cli.Command {
	var names []string
	for _, method := range experiment.Methods() {
		names = append(names, string(method))
	}
	return &cli.Command{
		Name:      experimentName,
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
			rootFlag(),
			configFlag(),
			&cli.StringSliceFlag{Name: optMethod, Usage: "`NAME` of a method, repeatable: " + strings.Join(names, ", "), DefaultText: "direct, smart, passenger, unicorn, puma"},
			&cli.StringFlag{Name: optProcesses, Value: "1,2,4,6,8,10", Usage: "`NUMBERS` of processes"},
			&cli.StringSliceFlag{Name: optPath, Usage: "`PATH` to ask for, repeatable: they are asked in turn", DefaultText: "/"},
			&cli.StringFlag{Name: optMix, Usage: "`FILE` of requests with weights, in the place of paths: lines such as \"40 GET /posts\""},
			&cli.StringFlag{Name: optBeforeRun, Usage: "shell `COMMAND` to run in the application's folder before each run, as to put back the database that a mix writes to"},
			&cli.IntFlag{Name: optRequests, Value: 1000, Usage: "`NUMBER` of requests of the load"},
			&cli.BoolFlag{Name: optUntilSteady, Usage: "end each load once throughput and memory are steady, after --requests (100000 then) or 15 minutes at the latest"},
			&cli.IntFlag{Name: optRepeat, Value: 1, Usage: "`NUMBER` of rounds, each with every method: the tables have medians, the smallest and the largest"},
			&cli.IntFlag{Name: optConnections, Value: 10, Usage: "`NUMBER` of requests at once"},
			&cli.Float64Flag{Name: optRate, Usage: "`REQUESTS` a second", DefaultText: "as fast as answers come"},
			&cli.BoolFlag{Name: optStraight, Usage: "ask each server itself, with no lighttpd between"},
			&cli.Uint64Flag{Name: optReserve, Usage: "stop a run before less than `MB` of memory are available", DefaultText: "a twentieth of the machine's, at least 64"},
			&cli.StringFlag{Name: optOutput, Usage: "`FOLDER` for the report", DefaultText: "log/experiment-DATE-TIME, below the root"},
			environmentFlag(),
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
	broken := make(chan os.Signal, 1) // a pager that leaves is an error of a write, not an end
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	progress := newProgress(stderr)
	running, stop, end := untilSignal(context.Background(), progress.stopping)
	defer end()
	go watched.wait(stop)
	config.Observer = progress
	config.Keep = func(results *experiment.Results) error { return report.Write(output, results) }
	results, err := run.Perform(running, config)
	progress.close()
	return conclude(stdout, stderr, output, results, err)
}

// writable makes the folder of the report and writes a file to it, so that a mistake is found before hours of measuring.
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

// conclude prints the results, also where the experiment was stopped.
func conclude(stdout, stderr *os.File, output string, results *experiment.Results, err error) error {
	if len(results.Runs) > 0 {
		if printed := report.Print(stdout, results, terminalWidth(stdout, tableWidth)); printed != nil && err == nil {
			err = fmt.Errorf("print tables: %w", printed)
		}
	}
	if _, found := os.Stat(filepath.Join(output, "report.html")); found == nil {
		fmt.Fprintf(stderr, "the report is in %s (report.html)\n", output)
	}
	return err
}
