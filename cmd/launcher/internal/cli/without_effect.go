//go:build linux

package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/core"
	"launcher/preforker/ruby"
)

// withoutEffect returns warnings of options that change nothing beside others, and of an environment that the
// application has not.
func withoutEffect(ctx *cli.Context, config preforker.Config) (warnings []string) {
	if config.SpawnMethod == preforker.SpawnDirect {
		var idle []string
		for _, option := range []struct {
			name string
			used bool
		}{
			{optMaxPrivate, ctx.IsSet(optMaxPrivate) && config.Renewal.Budget != preforker.Budget{}},
			{optMaxRequests, config.Renewal.MaxRequests > 0},
			{optReforkAfter, ctx.IsSet(optReforkAfter) && len(config.Refork.After) > 0},
			{optSeedTime, ctx.IsSet(optSeedTime) && config.SeedTime > 0},
			{optSpare, ctx.IsSet(optSpare) && config.Spare == core.SpareOne},
			{optWarmup, len(config.Warmup.Paths) > 0},
		} {
			if option.used {
				idle = append(idle, "--"+option.name)
			}
		}
		if len(idle) > 0 {
			warnings = append(warnings, "no effect with --spawn-method direct, where nothing is forked: "+strings.Join(idle, ", "))
		}
	}
	if ctx.IsSet(optSeedTime) && config.SeedTime > 0 && len(config.Refork.After) == 0 {
		warnings = append(warnings, "no effect with --refork-after never: --"+optSeedTime)
	}
	addresses := listed(ctx.StringSlice(optHTTP))
	if ctx.Bool(optBuffered) && len(addresses) > 0 {
		warnings = append(warnings, "no effect with --http, which serves without lighttpd: --"+optBuffered)
	}
	if config.Listen != nil {
		for _, option := range []string{optSocketMode, optSocketGroup} {
			if ctx.IsSet(option) && !slices.ContainsFunc(addresses, isUnix) {
				warnings = append(warnings, "no effect with --listen, where the sockets are no files: --"+option)
			}
		}
	} else if ctx.IsSet(optListenAllow) {
		warnings = append(warnings, "no effect without --listen: --"+optListenAllow)
	}
	for _, option := range onlyWithHTTP {
		if ctx.IsSet(option) && len(addresses) == 0 {
			warnings = append(warnings, "no effect without --http: --"+option)
		}
	}
	if len(config.Warmup.Paths) == 0 {
		for _, option := range []string{optWarmupHost, optWarmupHeader, optWarmupCount} {
			if ctx.IsSet(option) {
				warnings = append(warnings, "no effect without --warmup: --"+option)
			}
		}
	}
	warnings = append(warnings, onDemandWarnings(ctx, config)...)
	warnings = append(warnings, limitsWithoutEffect(config)...)
	return append(warnings, unknownEnvironment(config.App)...)
}

// unknownEnvironment returns a warning of a name that Rails has no file for: it would start with settings of no
// environment at all.
func unknownEnvironment(app ruby.App) []string {
	var name string
	for _, variable := range app.Environment {
		if value, found := strings.CutPrefix(variable, "RAILS_ENV="); found {
			name = value
		}
	}
	files, err := filepath.Glob(filepath.Join(app.Root, "config", "environments", "*.rb"))
	if err != nil || len(files) == 0 {
		return nil
	}
	var known []string
	for _, file := range files {
		known = append(known, strings.TrimSuffix(filepath.Base(file), ".rb"))
	}
	if slices.Contains(known, name) {
		return nil
	}
	warning := fmt.Sprintf("the application has no environment %q: there is no config/environments/%s.rb", name, name)
	if near := nearest(name, known); near != "" {
		warning += "; did you mean " + near + "?"
	}
	return []string{warning}
}
