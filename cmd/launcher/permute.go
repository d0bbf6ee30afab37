//go:build linux

package main

import (
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

// negative is a number, not an option: "launcher -1" is a wrong NUM.
var negative = regexp.MustCompile(`^-\d+$`)

// permute puts the options before the arguments, so that "launcher 4 --http :3000"
// means what it says: package flag, which the command line is read with, stops at
// the first argument. A word that names a command starts that command's own
// options.
func permute(app *cli.App, args []string) []string {
	flags := app.Flags
	out := []string{args[0]}
	var options, rest []string
	for i := 1; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case len(arg) > 1 && arg[0] == '-' && !negative.MatchString(arg):
			options = append(options, arg)
			if takesValue(flags, arg) && i+1 < len(args) {
				i++
				options = append(options, args[i])
			}
		case len(rest) == 0 && len(out) == 1 && app.Command(arg) != nil:
			out = append(append(out, options...), arg)
			options, flags = nil, app.Command(arg).Flags
		default:
			rest = append(rest, arg)
		}
	}
	out = append(out, options...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out
}

// takesValue says whether an option is followed by its value as a word of its own.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, flag := range flags {
		for _, known := range flag.Names() {
			if known == name {
				_, boolean := flag.(*cli.BoolFlag)
				return !boolean
			}
		}
	}
	return false
}
