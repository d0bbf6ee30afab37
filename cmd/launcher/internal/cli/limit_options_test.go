//go:build linux

package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
)

// readLimitsOf reads the limits of a command line.
func readLimitsOf(t *testing.T, args ...string) (limits preforker.Limits, err error) {
	t.Helper()
	app := &cli.App{Flags: limitFlags(), Action: func(ctx *cli.Context) error {
		limits, err = readLimits(ctx)
		return nil
	}}
	if err := app.Run(append([]string{"launcher"}, args...)); err != nil {
		t.Fatal(err)
	}
	return limits, err
}

func TestLimits(t *testing.T) {
	for args, want := range map[string]preforker.Limits{
		"":                    {RequestTimeout: time.Minute},
		"--request-timeout 0": {},
		"--request-timeout 5m --slow-log 2s --max-age 6h --memory-limit 1.5G": {RequestTimeout: 5 * time.Minute, SlowLog: 2 * time.Second,
			MaxAge: 6 * time.Hour, Memory: 3 << 29},
		"--memory-limit OFF": {RequestTimeout: time.Minute},
	} {
		if got, err := readLimitsOf(t, strings.Fields(args)...); got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", args, got, err, want)
		}
	}
	for args, want := range map[string]string{
		"--memory-limit 500":       "not a size",
		"--memory-limit 4MB":       `"4MB" is not a size of memory from 16MB on`,
		"--memory-limit lots":      "not a size",
		"--max-age 500ms":          "below a second",
		"--request-timeout 5ms":    "below 100ms",
		"--slow-log 99ms":          "--slow-log",
		"--memory-limit auto":      "nor off",
		"--max-age 1ns":            "--max-age",
		"--request-timeout 1500us": "--request-timeout",
	} {
		if got, err := readLimitsOf(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", args, got, err, want)
		}
	}
}

func TestLimitsWithoutEffect(t *testing.T) {
	config := preforker.Config{Limits: preforker.Limits{RequestTimeout: time.Minute, SlowLog: time.Minute, Memory: 100 << 20}}
	config.Renewal.Budget.Bytes = 100 << 20
	if got := limitsWithoutEffect(config); len(got) != 2 {
		t.Errorf("%q", got)
	}
	config.Limits.SlowLog, config.Renewal.Budget.Bytes = time.Second, 50<<20
	if got := limitsWithoutEffect(config); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
