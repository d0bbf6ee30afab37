//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/cmd/launcher/internal/migration"
	"launcher/preforker/examine"
	"launcher/preforker/linux"
)

// errFound says that the doctor has found something and has printed it: exit status 3.
var errFound = errors.New("something stands in the way of forking")

// doctorGrace is what processes that the application started may take to end.
const doctorGrace = 2 * time.Second

func doctorCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "load the application and say what stands in the way of forking it",
		ArgsUsage: " ",
		UsageText: "launcher doctor [options]",
		Description: "Loads the application as launcher NUM does, serves nobody, and prints what it finds: threads, sockets and\n" +
			"files that boot left open, libraries that do not survive a fork, loggers, databases, code that is not loaded\n" +
			"yet, the allocator and huge pages; for each where it comes from, what it costs and what to do. Runs the hooks of\n" +
			"config/launcher.rb, after_fork in a fork that serves nobody. Where a socket or a file is found, the application\n" +
			"is loaded a second time, to see where it was opened. Of config/puma.rb and config/unicorn.rb, which are read and not\n" +
			"run, it prints what stands for them here, unless there is a config/launcher.yml.\n\n" +
			"Exit status: 0 nothing found (notes apart), 1 it does not load, 2 a mistake in the command line, 3 something found.",
		Flags: append([]cli.Flag{jsonFlag()},
			named(runFlags(), optRoot, optConfig, optRackup, optEnvironment, optRuby, optBootTimeout, optURLPrefix, optPassenger)...),
		Action:       func(ctx *cli.Context) error { return runDoctor(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func runDoctor(ctx *cli.Context, stdout *os.File) (err error) {
	config, err := doctorConfig(ctx)
	if err != nil {
		return err
	}
	running, _, end := untilSignal(ctx.Context, func() {})
	defer end()
	// What the application has started, in whatever group or session, ends with it.
	if err := linux.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become the parent of what the application starts: %w", err)
	}
	plans := otherServers(running, ctx, config)
	examination, err := examineApp(running, config)
	if left := server.EndDescendants(doctorGrace); left != nil && err == nil {
		err = left
	}
	if err != nil {
		if !ctx.Bool(optJSON) {
			diagnosis{Migration: plans}.printMigration(&printer{w: stdout})
		}
		return err
	}
	diagnosis := newDiagnosis(ctx, config.App, examination)
	diagnosis.Migration = plans
	if ctx.Bool(optJSON) {
		err = diagnosis.printJSON(stdout)
	} else {
		err = diagnosis.print(stdout)
	}
	if err == nil && diagnosis.Found {
		err = errFound
	}
	return err
}

// otherServers reads the files of other servers, unless the application has one of this launcher's already.
func otherServers(running context.Context, ctx *cli.Context, config examine.Config) []*migration.Plan {
	if _, err := os.Lstat(filepath.Join(config.App.Root, settingsFile)); err == nil || lineOf(ctx).file != nil {
		return []*migration.Plan{}
	}
	return append([]*migration.Plan{}, migration.Plans(running, config.Ruby, config.App.Root, readEnvironment(ctx).rails)...)
}

func doctorConfig(ctx *cli.Context) (config examine.Config, err error) {
	if ctx.NArg() > 0 {
		return config, usageErrorf("launcher doctor", "read command line: doctor takes options alone, not %q", ctx.Args().First())
	}
	if err := positive(ctx, optBootTimeout); err != nil {
		return config, err
	}
	where, err := readSite(ctx)
	if err != nil {
		return config, err
	}
	where.app.Environment = readEnvironment(ctx).variables(where.app.URLPrefix)
	where.app.PassengerEvents = ctx.Bool(optPassenger)
	config = examine.Config{App: where.app, BootTimeout: ctx.Duration(optBootTimeout)}
	config.Ruby, err = findRuby(ctx)
	return config, err
}

// examineApp loads the application, and once more, traced, where a socket or a file was found, to see
// where it was opened. A trace takes memory, so the first load is measured without.
func examineApp(ctx context.Context, config examine.Config) (*examine.Result, error) {
	examination, err := examine.Run(ctx, config)
	if err != nil || !slices.ContainsFunc(examination.Findings, func(f examine.Finding) bool { return f.Kind == "socket" || f.Kind == "file" }) {
		return examination, err
	}
	config.Traced = true
	traced, err := examine.Run(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("load the application a second time: %w", err)
	}
	examination.Findings = traced.Findings
	return examination, nil
}
