//go:build linux

package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
)

// readConfig reads what the supervisor is to do. Its error is the first mistake.
func readConfig(ctx *cli.Context, workers int) (config preforker.Config, where site, err error) {
	err = configReaders(ctx, workers, &config, &where).first()
	return config, where, err
}

// readers read options, each without what those before it have read, or with what is there where they have failed.
type readers []func() error

// first returns the first error, after which nothing is read.
func (r readers) first() error {
	for _, read := range r {
		if err := read(); err != nil {
			return firstMistake(err)
		}
	}
	return nil
}

// all returns all errors. What reads related options returns those of each of them.
func (r readers) all() error {
	var several, nested severalErrors
	for _, read := range r {
		err := read()
		switch {
		case errors.As(err, &nested):
			several = append(several, nested...)
		case err != nil:
			several = append(several, err)
		}
	}
	if len(several) == 0 {
		return nil
	}
	return several
}

// each reads every item of a list, and returns all errors.
func each[T any](items []T, read func(T) error) error {
	var options readers
	for _, item := range items {
		options = append(options, func() error { return read(item) })
	}
	return options.all()
}

// firstMistake is the one of several that a start tells.
func firstMistake(err error) error {
	var several severalErrors
	if errors.As(err, &several) {
		return several[0]
	}
	return err
}

// severalErrors are those of several options. There is at least one.
type severalErrors []error

func (e severalErrors) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	return fmt.Sprintf("%v (and %d more)", e[0], len(e)-1)
}

func (e severalErrors) Unwrap() []error { return e }

func configReaders(ctx *cli.Context, workers int, config *preforker.Config, where *site) readers {
	*config = preforker.Config{Workers: workers, Version: ctx.App.Version, BootTimeout: ctx.Duration(optBootTimeout),
		DrainTimeout: ctx.Duration(optDrainTimeout), Refuse: refuse, SnippetName: snippetName}
	return readers{
		func() error { return positive(ctx, optBootTimeout, optDrainTimeout) },
		func() (err error) {
			if *where, err = readSite(ctx); err != nil {
				return err
			}
			where.app.Environment = readEnvironment(ctx).variables(where.app.URLPrefix)
			where.app.PassengerEvents = ctx.Bool(optPassenger)
			config.App, config.SocketDir = where.app, where.socketDir
			return where.checkPlaces(workers)
		},
		func() (err error) { config.App.Probe, err = probePath(ctx.String(optProbe)); return err },
		func() (err error) { config.App.MountedBy, err = mountedBy(ctx.String(optMountedBy)); return err },
		func() (err error) {
			if config.Record = ctx.String(optRecord); config.Record != "" {
				config.Record, err = absolute(config.Record)
			}
			return err
		},
		func() error { return readListen(ctx, *where, config) },
		func() (err error) { config.SpawnMethod, err = spawnMethod(ctx.String(optSpawnMethod)); return err },
		func() (err error) { config.Renewal.Budget, err = maxPrivate(ctx.String(optMaxPrivate)); return err },
		func() (err error) {
			config.Renewal.MaxRequests = ctx.Uint64(optMaxRequests)
			config.Limits, err = readLimits(ctx)
			return err
		},
		func() (err error) { config.SocketMode, err = socketMode(ctx.String(optSocketMode)); return err },
		func() (err error) { config.SocketGroup, err = socketGroup(ctx.String(optSocketGroup)); return err },
		func() error { return readMemory(ctx, config) },
		func() (err error) { config.Ruby, err = findRuby(ctx); return err },
	}
}
