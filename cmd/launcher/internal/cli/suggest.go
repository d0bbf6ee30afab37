//go:build linux

package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// The likeness from which on a word counts as misspelt, by Jaro and Winkler: exchanged, missing and doubled
// letters stay above, another word that begins alike stays below.
const (
	alike      = 0.88
	boostFrom  = 0.7
	prefixSize = 4
)

// nearest returns the name that a word is most like, "" where it is like none.
func nearest(word string, names []string) (near string) {
	best := alike
	for _, name := range names {
		if likeness := smetrics.JaroWinkler(word, name, boostFrom, prefixSize); likeness > best {
			near, best = name, likeness
		}
	}
	return near
}

// noOption returns an error with the option that may have been meant.
func (l *commandLine) noOption(app *cli.App, option typedOption) error {
	var owners []string
	for _, command := range app.Commands {
		mirrored := slices.Contains([]string{systemdName, configShowName, configCheckName}, command.Name) && flagOf(app.Command(runName), option.name) != nil
		if flagOf(command, option.name) != nil && !mirrored {
			owners = append(owners, strings.TrimSpace("launcher "+strings.TrimPrefix(command.Name, runName)))
		}
	}
	if len(owners) > 0 {
		verb := "has"
		if len(owners) > 1 {
			verb = "have"
		}
		return usageErrorf(l.helpCommand(), "read command line: %s has no option %s; %s %s", l.typed(), option.text, strings.Join(owners, ", "), verb)
	}
	var names []string
	for _, flag := range l.command.Flags {
		names = append(names, flag.Names()[0])
	}
	names = append(names, "help", "version")
	if near := nearest(option.name, names); near != "" {
		return usageErrorf(l.helpCommand(), "read command line: there is no option %s; did you mean --%s?", option.text, near)
	}
	for _, flag := range l.command.Flags {
		for _, short := range flag.Names() {
			if len(short) == 1 && strings.HasPrefix(option.text, "-"+short) {
				return usageErrorf(l.helpCommand(), "read command line: there is no option %s; did you mean -%s %s?",
					option.text, short, option.text[2:])
			}
		}
	}
	return usageErrorf(l.helpCommand(), "read command line: there is no option %s", option.text)
}

// noSubcommand returns an error with the command of two words that was meant, or with all that there are where the second word is like
// none of them; nil where it is no word, or no command begins with the first.
func (l *commandLine) noSubcommand(app *cli.App) error {
	if len(l.arguments) == 0 {
		return nil
	}
	var names []string
	for _, command := range app.Commands {
		if second, is := strings.CutPrefix(command.Name, l.command.Name+" "); is {
			names = append(names, second)
		}
	}
	word := l.arguments[0]
	near := nearest(word, names)
	switch {
	case len(names) == 0 || near == "" && (!isWord(word) || word == autoNumber):
		return nil
	case near == "":
		return usageErrorf(l.helpCommand(), "read command line: there is no command %q, but %s, and %s with a number of workers",
			l.command.Name+" "+word, l.command.Name+" "+strings.Join(names, ", "+l.command.Name+" "), l.command.Name)
	}
	near = l.command.Name + " " + near
	return usageErrorf("launcher "+near, "read command line: there is no command %q; did you mean %s?", l.command.Name+" "+word, near)
}

// otherWords are what other servers' commands are called.
var otherWords = map[string]string{
	"run": "launcher 4", "start": "launcher 4", "serve": "launcher 4", "server": "launcher 4",
	"quit": "launcher stop", "shutdown": "launcher stop",
	"reload": "launcher restart", "deploy": "launcher restart",
	"init": "launcher 4", "up": "launcher 4",
}

// noCommand returns an error with the command that a word may have been meant for, otherwise the given one.
func noCommand(app *cli.App, word string, otherwise error) error {
	if other := otherWords[word]; other != "" {
		return usageErrorf(other, "read command line: there is no command %q", word)
	}
	names := []string{"help", "version"}
	for _, command := range app.Commands {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	if near := nearest(word, names); near != "" {
		return usageErrorf("launcher "+near, "read command line: there is no command %q; did you mean %s?", word, near)
	}
	return otherwise
}
