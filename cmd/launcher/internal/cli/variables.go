//go:build linux

package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"launcher/cmd/launcher/internal/experiment/server"

	"github.com/urfave/cli/v2"
)

// variablePrefix begins the name of every environment variable that is read as an option.
const variablePrefix = "LAUNCHER_"

// otherVariables are the names of variables that are known without being options.
var otherVariables = []string{scratchVariable, pendingVariable, server.GroupVariable}

// developersVariables begin the names of those that the tests and benchmarks read.
var developersVariables = []string{"LAUNCHER_TEST_", "LAUNCHER_BENCH_"}

// readElsewhere adds the options that the command line does not have: of environment variables, else of the file.
func (l *commandLine) readElsewhere(app *cli.App, variables []string) error {
	if err := l.readVariables(app, variables); err != nil {
		return err
	}
	if err := l.readFile(app, variables); err != nil {
		return err
	}
	return l.readPort(variables)
}

// readVariables adds the options that environment variables hold and the command line does not. An
// empty LAUNCHER_* is one that is not set.
func (l *commandLine) readVariables(app *cli.App, variables []string) error {
	for _, flag := range l.command.Flags {
		if slices.ContainsFunc(l.options, func(g given) bool { return g.name() == flag.Names()[0] }) {
			continue
		}
		for _, variable := range variablesOf(flag) {
			value, set := lookup(variables, variable)
			if !set || value == "" {
				continue
			}
			option := given{flag: flag, value: value, variable: variable}
			if err := checkValue(option); err != nil {
				l.options = append(l.options, option) // which the error is to name
				return err
			}
			l.options = append(l.options, option)
			break
		}
	}
	l.warnings = append(l.warnings, unknownVariables(app, variables)...)
	return nil
}

func lookup(variables []string, name string) (string, bool) {
	for _, variable := range variables {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value, true
		}
	}
	return "", false
}

func variablesOf(flag cli.Flag) []string {
	if doc, ok := flag.(cli.DocGenerationFlag); ok {
		return doc.GetEnvVars()
	}
	return nil
}

// unknownVariables returns warnings of names that begin as the launcher's variables do and are none.
func unknownVariables(app *cli.App, variables []string) (warnings []string) {
	known := slices.Clone(otherVariables)
	for _, command := range app.Commands { // a command may have an option of the same name without a variable
		for _, flag := range command.Flags {
			known = append(known, variablesOf(flag)...)
		}
	}
	var options []string
	for _, name := range known {
		options = append(options, strings.TrimPrefix(name, variablePrefix))
	}
	slices.Sort(options)
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		developers := slices.ContainsFunc(developersVariables, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !strings.HasPrefix(name, variablePrefix) || value == "" || developers || slices.Contains(known, name) {
			continue
		}
		warning := fmt.Sprintf("the environment variable %s is none of the launcher's", visible(name))
		if near := nearest(strings.TrimPrefix(name, variablePrefix), options); near != "" {
			warning += "; did you mean " + variablePrefix + near + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// withoutVariables takes the variables away from flags, so that the options' parser reads the command line alone:
// readVariables tells an empty variable from one that is set, and whose value is wrong.
func withoutVariables(flags []cli.Flag) {
	for _, flag := range flags {
		switch f := flag.(type) {
		case *cli.StringFlag:
			f.EnvVars = nil
		case *cli.StringSliceFlag:
			f.EnvVars = nil
		case watchFlag: // it has none
		case *cli.BoolFlag:
			f.EnvVars = nil
		case *cli.IntFlag:
			f.EnvVars = nil
		case *cli.Uint64Flag:
			f.EnvVars = nil
		case *cli.Float64Flag:
			f.EnvVars = nil
		case *cli.DurationFlag:
			f.EnvVars = nil
		default:
			panic(fmt.Sprintf("option %s is of an unknown type", flag.Names()[0]))
		}
	}
}

// unsetEmptyVariables removes empty LAUNCHER_* variables, so that no child inherits them.
func unsetEmptyVariables() {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); value == "" && strings.HasPrefix(name, variablePrefix) {
			_ = os.Unsetenv(name)
		}
	}
}
