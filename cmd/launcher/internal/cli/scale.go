//go:build linux

package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
	"launcher/preforker/sockets"
)

const scaleName = "scale"

func scaleCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      scaleName,
		Usage:     "change the number of workers of a running launcher",
		ArgsUsage: "NUM",
		UsageText: "launcher scale [options] NUM    have NUM workers from now on\n" +
			"launcher scale [options] +NUM   have so many more; -NUM: so many fewer\n",
		Description: "Sockets and workers that are new are added; those that are too many, with the highest numbers, can be connected\n" +
			"to no more, serve what they have, and leave. The configuration for lighttpd beside the sockets is written anew:\n" +
			"what is printed says whether the web server has to be told. kill -TTIN adds one, kill -TTOU takes one away.\n" +
			"It holds until the launcher ends: what starts it has a NUM of its own." + runningDescription,
		Flags:        runningFlags(),
		Action:       func(ctx *cli.Context) error { return scale(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

// scale has a running launcher change the number of its workers.
func scale(ctx *cli.Context, stdout io.Writer) error {
	dir, err := runningDir(ctx, 1)
	if err != nil {
		return err
	}
	request, err := scaleRequest(ctx.Args().First())
	if err != nil {
		return err
	}
	result, err := control.Scale(ctx.Context, dir, request)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, scaleText(result)); err != nil {
		return fmt.Errorf("print the number of workers: %w", err)
	}
	return nil
}

// scaleRequest reads NUM, +NUM or -NUM.
func scaleRequest(text string) (control.ScaleRequest, error) {
	const example = "launcher scale 4"
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return control.ScaleRequest{}, usageErrorf(example, "read command line: NUM, the number of workers, is missing")
	case text[0] != '+' && text[0] != '-':
		workers, err := parseWorkers(text, "read command line: NUM", example)
		return control.ScaleRequest{Slots: workers}, err
	}
	change, err := strconv.Atoi(text)
	if !wholeNumber.MatchString(text) || err != nil || change == 0 {
		return control.ScaleRequest{}, usageErrorf("launcher scale +1", "read command line: %q is not how many workers more or fewer", text)
	}
	return control.ScaleRequest{Change: change}, nil
}

// scaleText says what there is by now, and who is to be told of it.
func scaleText(r control.ScaleResult) string {
	if r.Slots == r.From {
		return counted(r.Slots, "worker", "workers") + ", as before.\n"
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s, before %d: %s", counted(r.Slots, "worker", "workers"), r.From, visible(r.Places[0]))
	if r.Slots > 1 {
		fmt.Fprintf(&out, " to %s", visible(r.Places[r.Slots-1]))
	}
	out.WriteString(".\n")
	if len(r.Closed) > 0 {
		fmt.Fprintf(&out, "Not bound yet, and tried again (see the log): %s.\n", strings.Trim(fmt.Sprint(r.Closed), "[]"))
	}
	if r.Front {
		out.WriteString("The launcher's own web server (--http) knows already: nothing is to be reloaded.\n")
		return out.String()
	}
	if r.Slots > r.From {
		out.WriteString("The web server uses the new ones once it is reloaded.\n")
	} else {
		out.WriteString("The web server still knows those that are gone, until it is reloaded")
		if !sockets.IsPort(r.Places[0]) {
			out.WriteString("; their names lead to the others meanwhile")
		}
		out.WriteString(".\n")
	}
	fmt.Fprintf(&out, "lighttpd, which includes %s: systemctl reload lighttpd\n", visible(r.Snippet))
	at := fmt.Sprintf("--socket-dir %s ", visible(strings.TrimSuffix(r.Snippet, "/"+snippetName)))
	if sockets.IsPort(r.Places[0]) {
		at = "--listen " + visible(r.Places[0]) + " "
	}
	fmt.Fprintf(&out, "Another one: launcher config --server nginx %s%d, in the place of what it has, and its reload\n", at, r.Slots)
	return out.String()
}
