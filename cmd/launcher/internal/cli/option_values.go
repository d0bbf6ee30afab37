//go:build linux

package cli

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/ruby"
)

var (
	wholeNumber   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	decimalNumber = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)
)

// checkValue returns an error with the form that a value should have. What it accepts, package flag reads.
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
		d, err := time.ParseDuration(value)
		switch {
		case err == nil && d < 0:
			return wrong(flag.Value.String(), "%v is not a time to wait", d)
		case err == nil:
		case decimalNumber.MatchString(value):
			return wrong(withUnit(value, flag.Value), "%q has no unit: ms, s, m or h", value)
		default:
			return wrong(example(g.name(), flag.Value.String(), flag.Value == 0), "%q is not a time such as 500ms, 90s or 5m", value)
		}
	case *cli.IntFlag:
		if err := checkNumber(value, false); err != nil {
			return wrong(example(g.name(), strconv.Itoa(flag.Value), flag.Value <= 0), "%q %v", value, err)
		}
	case *cli.Uint64Flag:
		if err := checkNumber(value, true); err != nil {
			return wrong("500", "%q %v", value, err)
		}
	case watchFlag:
		if err := new(watchPeriod).Set(value); err != nil {
			return usageErrorf("--"+g.name()+"=2", "read --%s: %w, not %q", g.name(), err, value)
		}
	case *cli.Float64Flag:
		if !decimalNumber.MatchString(value) {
			return wrong("20", "%q is not a number such as 20 or 0.5", value)
		}
	}
	return nil
}

// examples are values of options whose default is to be without.
var examples = map[string]string{optSlowLog: "5s", optMaxAge: "6h", optWait: "5m", optMin: "1", optLast: "20"}

// example returns a value that an option may have: its default, unless that is none.
func example(option, usual string, none bool) string {
	if value, is := examples[option]; is && none {
		return value
	}
	return usual
}

// withUnit returns a number with the unit that the default of its option has.
func withUnit(number string, usual time.Duration) string {
	if usual > 0 && usual < time.Second {
		return number + "ms"
	}
	return number + "s"
}

// checkNumber refuses whatever is not decimal digits: package flag takes 0x10, 1_000, and 010 for 8.
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

func spawnMethod(text string) (preforker.SpawnMethod, error) {
	switch method := preforker.SpawnMethod(text); method {
	case preforker.SpawnSmart, preforker.SpawnDirect:
		return method, nil
	default:
		return "", usageErrorf("--spawn-method smart", "read --%s: %q is neither smart nor direct", optSpawnMethod, text)
	}
}

func mountedBy(text string) (ruby.MountedBy, error) {
	switch by := ruby.MountedBy(text); by {
	case ruby.MountedByAuto, ruby.MountedByLauncher, ruby.MountedByApp:
		return by, nil
	case "":
		return ruby.MountedByAuto, nil
	default:
		return "", usageErrorf("--mounted-by app", "read --%s: %q is neither auto nor launcher nor app", optMountedBy, text)
	}
}

// positive refuses a timeout that would pass at once.
func positive(ctx *cli.Context, options ...string) error {
	return each(options, func(option string) error {
		if d := ctx.Duration(option); d <= 0 {
			return usageErrorf("--"+option+" 30s", "read --%s: %v is not a time to wait", option, d)
		}
		return nil
	})
}
