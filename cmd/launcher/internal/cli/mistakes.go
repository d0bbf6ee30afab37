//go:build linux

package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/settings"
	"launcher/preforker/hint"
)

// mistake is an error as it is printed.
type mistake struct {
	text, try string
	excerpt   string // of the file
}

// maxProblems is how many problems of a file are printed at once.
const maxProblems = 20

// mistakes returns what an error stands for, with the places that the values of options came from.
func (l *commandLine) mistakes(err error) (all []mistake) {
	var several severalErrors
	if errors.As(err, &several) {
		for _, one := range several {
			all = append(all, l.mistakes(one)...)
		}
		return all
	}
	var problems settings.Problems
	if !errors.As(err, &problems) {
		if p, is := l.problemInFile(err); is {
			problems = settings.Problems{p}
		}
	}
	more := len(problems) - maxProblems
	if more > 0 {
		problems = problems[:maxProblems]
	}
	for _, p := range problems {
		all = append(all, mistake{"read options: " + p.Error(), p.Try, p.Excerpt()})
	}
	if more > 0 {
		all = append(all, mistake{text: fmt.Sprintf("read options: there are %d more", more)})
	}
	if len(all) == 0 {
		text, try := l.fromElsewhere(err.Error(), hint.Of(err))
		all = append(all, mistake{text: text, try: try})
	}
	return all
}

// problemInFile makes a problem of an error about an option that the file has.
func (l *commandLine) problemInFile(err error) (p settings.Problem, is bool) {
	for _, option := range l.options {
		if option.from == nil || !strings.HasPrefix(err.Error(), "read --"+option.name()+":") {
			continue
		}
		if text, try := inFile(option.name(), err.Error(), hint.Of(err)); !is || strings.Contains(text, fmt.Sprintf("%q", option.value)) {
			p, is = option.from.file.Problem(option.from.at, try, "%s", text), true // of a list, the value that is named
		}
	}
	return p, is
}

// fromElsewhere names the environment variable, or the place in the file, in an error where the value came from there.
func (l *commandLine) fromElsewhere(text, try string) (string, string) {
	for _, option := range l.options {
		if option.variable == "" && option.from == nil {
			continue
		}
		name := "--" + option.name()
		if option.variable != "" && strings.HasPrefix(text, "read "+name+":") {
			text = strings.Replace(text, "read "+name+":", "read "+option.variable+":", 1)
			if value, found := strings.CutPrefix(try, name+" "); found {
				try = option.variable + "=" + value + ", or " + name + " " + value
			} else if try == name {
				try = option.variable + "=true, or " + name
			}
			continue
		}
		if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(text + " " + try) {
			continue
		}
		if option.from != nil {
			try += fmt.Sprintf(" (%s is %q in %s:%d)", option.name(), option.value, option.from.file.Path, option.from.at.Line)
		} else {
			try += fmt.Sprintf(" (%s is %q in the environment)", option.variable, option.said())
		}
	}
	return text, try
}

// lineOf returns the command line that a command was called by.
func lineOf(ctx *cli.Context) *commandLine {
	if line, is := ctx.App.Metadata[lineKey].(*commandLine); is {
		return line
	}
	return &commandLine{}
}

// inFile says whether an option's value is the file's.
func (l *commandLine) inFile(name string) bool {
	i := l.index(name)
	return i >= 0 && l.options[i].from != nil
}

// index returns where the first value of an option is, -1 where there is none.
func (l *commandLine) index(name string) int {
	return slices.IndexFunc(l.options, func(g given) bool { return g.name() == name })
}
