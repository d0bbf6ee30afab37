//go:build linux

package cli

import (
	"os"
	"strconv"
	"strings"

	"launcher/preforker/ident"

	"github.com/urfave/cli/v2"
)

// webConcurrency is the variable by which platforms tell how many workers there are to be.
const webConcurrency = "WEB_CONCURRENCY"

// autoNumber is in the place of NUM where it is to be chosen.
const autoNumber = "auto"

// number is how many workers there are to be.
type number struct {
	workers int
	why     string // it was chosen; "": it was given
}

// workerCount reads NUM, else WEB_CONCURRENCY, else workers in the file.
func workerCount(ctx *cli.Context, example string) (number, error) {
	if ctx.NArg() > 1 {
		return number{}, usageErrorf(example, "read command line: one NUM is expected, not %q", ctx.Args().Slice())
	}
	if ctx.NArg() == 1 {
		return parseNumber(ctx.Args().First(), "read command line: NUM", example)
	}
	text := os.Getenv(webConcurrency)
	line := lineOf(ctx)
	switch {
	case strings.TrimSpace(text) != "":
	case line.workers != nil:
		return parseNumber(line.workers.value, workersSetting, example)
	case line.file != nil:
		return number{}, usageErrorf(example+", or a line workers: 4 in the file", "read command line: NUM, the number of workers, is missing, and %s has no workers", line.file.Path)
	default:
		return number{}, usageErrorf(example, "read command line: NUM, the number of workers, is missing")
	}
	found, err := parseNumber(text, "read "+webConcurrency+": it", webConcurrency+"=4, or "+example)
	if err == nil && found.why == "" {
		found.why = "from " + webConcurrency
	}
	return found, err
}

// parseNumber reads a number of workers, or auto. What names it in errors.
func parseNumber(given, what, example string) (number, error) {
	if strings.TrimSpace(given) == autoNumber {
		return chooseWorkers(thisMachine()), nil
	}
	workers, err := parseWorkers(given, what, example)
	return number{workers: workers}, err
}

// parseWorkers reads a number of workers.
func parseWorkers(given, what, example string) (int, error) {
	text := strings.TrimSpace(given)
	if !wholeNumber.MatchString(text) {
		return 0, usageErrorf(example, "%s is a number of workers, not %q", what, given)
	}
	workers, err := strconv.Atoi(text)
	if err != nil || workers < 1 || workers > ident.MaxWorkers {
		return 0, usageErrorf(example, "%s is from 1 to %d, not %s", what, ident.MaxWorkers, text)
	}
	return workers, nil
}

func notANumber(text, example string) error {
	return usageErrorf(example, "read command line: NUM is a number of workers, not %q", text)
}
