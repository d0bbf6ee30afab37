//go:build linux

package cli

import (
	"os"
	"strconv"
	"strings"

	"launcher/preforker/ident"

	"github.com/urfave/cli/v2"
)

// workerCount reads NUM.
func workerCount(ctx *cli.Context, example string) (int, error) {
	switch {
	case ctx.NArg() == 0 && os.Getenv("WEB_CONCURRENCY") != "": // which platforms set, and other servers read
		return 0, usageErrorf(example[:len(example)-1]+`"$WEB_CONCURRENCY"`, "read command line: NUM, the number of workers, is missing")
	case ctx.NArg() == 0:
		return 0, usageErrorf(example, "read command line: NUM, the number of workers, is missing")
	case ctx.NArg() > 1:
		return 0, usageErrorf(example, "read command line: one NUM is expected, not %q", ctx.Args().Slice())
	}
	text := strings.TrimSpace(ctx.Args().First())
	if !wholeNumber.MatchString(text) {
		return 0, notANumber(ctx.Args().First(), example)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > ident.MaxWorkers {
		return 0, usageErrorf(example, "read command line: NUM is from 1 to %d, not %s", ident.MaxWorkers, text)
	}
	return n, nil
}

func notANumber(text, example string) error {
	return usageErrorf(example, "read command line: NUM is a number of workers, not %q", text)
}
