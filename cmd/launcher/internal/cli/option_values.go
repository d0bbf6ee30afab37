//go:build linux

package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment/server"
)

// variablePrefix begins the name of every environment variable that is read as an option.
const variablePrefix = "LAUNCHER_"

// otherVariables are known without being options.
var otherVariables = []string{scratchVariable, server.GroupVariable}

// developersVariables begin the names of those that the tests and benchmarks read.
var developersVariables = []string{"LAUNCHER_TEST_", "LAUNCHER_BENCH_"}

var (
	wholeNumber   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	decimalNumber = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)
)

// checkValue says what form a value should have. What it lets pass is what package flag reads.
func checkValue(g given) error {
	wrong := func(example, format string, args ...any) error {
		return usageErrorf("--"+g.name()+" "+example, "read --"+g.name()+": "+format, args...)
	}
	value := g.value
	switch flag := g.flag.(type) {
	case *cli.BoolFlag:
		if _, err := strconv.ParseBool(value); err != nil {
			return usageErrorf("--"+g.name(), "read --%s: %q is neither true nor false", g.name(), value)
		}
	case *cli.DurationFlag:
		_, err := time.ParseDuration(value)
		switch {
		case err == nil:
		case decimalNumber.MatchString(value):
			return wrong(value+"s", "%q has no unit: s, m or h", value)
		default:
			return wrong(flag.Value.String(), "%q is not a time such as 500ms, 90s or 5m", value)
		}
	case *cli.IntFlag:
		if err := checkNumber(value, false); err != nil {
			return wrong(strconv.Itoa(flag.Value), "%q %v", value, err)
		}
	case *cli.Uint64Flag:
		if err := checkNumber(value, true); err != nil {
			return wrong("500", "%q %v", value, err)
		}
	case *cli.Float64Flag:
		if !decimalNumber.MatchString(value) {
			return wrong("20", "%q is not a number such as 20 or 0.5", value)
		}
	}
	return nil
}

// checkNumber wants digits alone: package flag takes 0x10, 1_000, and 010 for 8.
func checkNumber(value string, unsigned bool) error {
	if !wholeNumber.MatchString(value) {
		return errors.New("is not a whole number")
	}
	number, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return errors.New("is out of range")
	case unsigned && number < 0:
		return errors.New("is below 0")
	}
	return nil
}

// readEnvironment adds the options that environment variables hold and the command line does not. An
// empty LAUNCHER_* is one that is not set.
func (l *commandLine) readEnvironment(app *cli.App, variables []string) error {
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

// unknownVariables are names that begin as the launcher's do and are none.
func unknownVariables(app *cli.App, variables []string) (warnings []string) {
	known := slices.Clone(otherVariables)
	for _, flag := range allFlags(app) {
		known = append(known, variablesOf(flag)...)
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
		warning := fmt.Sprintf("the environment variable %s is none of the launcher's", printable(name))
		if near := nearest(strings.TrimPrefix(name, variablePrefix), options); near != "" {
			warning += "; did you mean " + variablePrefix + near + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// withoutVariables has the options' parser look at the command line alone: the environment is read above, where an
// empty variable is told from one that is set, and an error from the environment from one of the command line.
func withoutVariables(flags []cli.Flag) {
	for _, flag := range flags {
		switch f := flag.(type) {
		case *cli.StringFlag:
			f.EnvVars = nil
		case *cli.StringSliceFlag:
			f.EnvVars = nil
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
			panic(fmt.Sprintf("option %s is of a type that nobody knows", flag.Names()[0]))
		}
	}
}

// fromEnvironment names the environment variable in an error where the value is its own and not the command line's.
func (l *commandLine) fromEnvironment(text, try string) (string, string) {
	for _, option := range l.options {
		if option.variable == "" {
			continue
		}
		name := "--" + option.name()
		if strings.HasPrefix(text, "read "+name+":") {
			text = strings.Replace(text, "read "+name+":", "read "+option.variable+":", 1)
			if value, found := strings.CutPrefix(try, name+" "); found {
				try = option.variable + "=" + value + ", or " + name + " " + value
			} else if try == name {
				try = option.variable + "=true, or " + name
			}
			continue
		}
		if regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(text + " " + try) {
			try += fmt.Sprintf(" (%s is %q in the environment)", option.variable, option.value)
		}
	}
	return text, try
}

// forgetEmptyVariables takes empty LAUNCHER_* out of what children inherit.
func forgetEmptyVariables() {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); value == "" && strings.HasPrefix(name, variablePrefix) {
			_ = os.Unsetenv(name)
		}
	}
}
