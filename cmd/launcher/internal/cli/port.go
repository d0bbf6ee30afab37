//go:build linux

package cli

import (
	"slices"
	"strconv"
	"strings"
)

// portVariable is the variable by which platforms and what runs Procfiles tell where an application is to listen.
const portVariable = "PORT"

// readPort has PORT mean --http :PORT, where nothing else says how the application is reached.
func (l *commandLine) readPort(variables []string) error {
	text, _ := lookup(variables, portVariable)
	text = strings.TrimSpace(text)
	takes := slices.Contains([]string{runName, configShowName, configCheckName}, l.command.Name)
	said := slices.ContainsFunc(l.options, func(g given) bool { return g.name() == optListen || g.name() == optHTTP && g.from == nil })
	if !takes || text == "" || said {
		return nil
	}
	if port, err := strconv.Atoi(text); err != nil || port < 1 || port > maxPort || !wholeNumber.MatchString(text) || text[0] == '+' {
		return usageErrorf("PORT=3000, or --http 127.0.0.1:3000; to do without: env -u PORT launcher NUM",
			"read PORT: %q is not a port from 1 to %d", text, maxPort)
	}
	l.options = slices.DeleteFunc(l.options, func(g given) bool { return g.name() == optHTTP }) // of the file, which the environment goes before
	l.options = append(l.options, given{flag: flagOf(l.command, optHTTP), value: ":" + text, variable: portVariable})
	l.notes = append(l.notes, "PORT is in the environment: the application is served over HTTP at all addresses of this host, as with --http :"+text)
	return nil
}
