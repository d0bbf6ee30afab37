//go:build linux

package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/settings"
)

// commandLine is what a user has typed, parsed. Package flag, which reads the options in the end, stops at the
// first argument and knows one command's options at a time; here an option holds wherever it stands.
type commandLine struct {
	command   *cli.Command
	help      bool
	version   bool
	options   []given
	arguments []string
	warnings  []string
	notes     []string // that are no warnings
	filename  string   // of the file of options, perhaps of none; "": none is read
	file      *settings.File
	workers   *given   // NUM of the file
	elsewhere []string // options that variables of Rails say, which go before the file
}

// given is an option with its value, of the command line, of an environment variable, or of a file.
type given struct {
	flag     cli.Flag
	value    string
	variable string    // "" on the command line and in a file
	from     *fromFile // nil elsewhere
}

func (g given) name() string { return g.flag.Names()[0] }

// said is the value as its variable has it.
func (g given) said() string {
	if g.variable == portVariable {
		return strings.TrimPrefix(g.value, ":")
	}
	return g.value
}

// negative is a number, not an option: "launcher -1" is a wrong NUM.
var negative = regexp.MustCompile(`^-\d`)

// Names of the options that every command has.
var (
	helpNames    = []string{"help", "h"}
	versionNames = []string{"version", "v"}
)

// typedOption is an option as it stands on the command line.
type typedOption struct {
	text, name, value string
	hasValue          bool
}

// readCommandLine parses the words after the program's name. An option may stand before the command that it
// is for, and is never dropped: one that the command does not have is a mistake.
func readCommandLine(app *cli.App, words []string) (commandLine, error) {
	line := commandLine{command: app.Command(runName)}
	all := allFlags(app)
	var options []typedOption
	named := false       // a command, by its name
	versionWord := false // is the command, and no option
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			line.arguments = append(line.arguments, words[i+1:]...)
			i = len(words)
		case len(word) > 1 && word[0] == '-' && !negative.MatchString(word):
			option := splitOption(word)
			if takesValue(all[option.name]) && !option.hasValue && i+1 < len(words) && !isOption(all, words[i+1]) {
				i++
				option.value, option.hasValue = words[i], true
			}
			options = append(options, option)
		case !named && len(line.arguments) == 0 && isCommand(app, word):
			line.command, named = app.Command(word), true
		case word == "help" && len(line.arguments) == 0:
			line.help = true
		case word == "version" && !named && len(line.arguments) == 0:
			line.version, versionWord = true, true
		default:
			line.arguments = append(line.arguments, word)
		}
	}
	line.takeSubcommand(app)
	line.takeHelpAndVersion(&options)
	switch {
	case versionWord:
		return line, line.checkVersion(options)
	case line.version:
		return line, nil
	}
	if line.help {
		return line, line.checkHelp(app, named)
	}
	for _, option := range options {
		if err := line.take(app, option); err != nil {
			if mistaken := line.checkArguments(app, named); mistaken != nil && all[option.name] != nil {
				err = mistaken // the option is another command's: its name is what was mistyped
			}
			return line, err
		}
	}
	return line, line.checkArguments(app, named)
}

// takeSubcommand has the first argument be part of the command, where the two together are one.
func (l *commandLine) takeSubcommand(app *cli.App) {
	if len(l.arguments) == 0 {
		return
	}
	if command := app.Command(l.command.Name + " " + l.arguments[0]); command != nil {
		l.command, l.arguments = command, l.arguments[1:]
	}
}

// checkVersion refuses what stands beside the command version, which none of it can mean anything to.
func (l *commandLine) checkVersion(options []typedOption) error {
	beside := slices.Clone(l.arguments)
	for _, option := range options {
		beside = append(beside, option.text)
	}
	if len(beside) == 0 {
		return nil
	}
	return usageErrorf("launcher version", "read command line: version takes nothing more, not %q", beside[0])
}

func isCommand(app *cli.App, word string) bool {
	command := app.Command(word)
	return command != nil && !command.Hidden
}

func splitOption(word string) typedOption {
	name, value, joined := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	text, _, _ := strings.Cut(word, "=")
	return typedOption{text: text, name: name, value: value, hasValue: joined}
}

// isOption says whether a word is an option for certain, and so not the value of the option before it.
func isOption(all map[string]cli.Flag, word string) bool {
	if word == "--" {
		return true
	}
	name := splitOption(word).name
	return len(word) > 1 && word[0] == '-' && (all[name] != nil || slices.Contains(helpNames, name) || slices.Contains(versionNames, name))
}

// allFlags returns the options of every command by each of their names.
func allFlags(app *cli.App) map[string]cli.Flag {
	all := map[string]cli.Flag{}
	for _, command := range app.Commands {
		for _, flag := range command.Flags {
			for _, name := range flag.Names() {
				all[name] = flag
			}
		}
	}
	return all
}

func flagOf(command *cli.Command, name string) cli.Flag {
	for _, flag := range command.Flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

// takesValue says whether an option is followed by its value as a word of its own.
func takesValue(flag cli.Flag) bool {
	doc, ok := flag.(cli.DocGenerationFlag)
	return ok && doc.TakesValue()
}

func (l *commandLine) takeHelpAndVersion(options *[]typedOption) {
	*options = slices.DeleteFunc(*options, func(o typedOption) bool {
		help, version := slices.Contains(helpNames, o.name), slices.Contains(versionNames, o.name)
		l.help, l.version = l.help || help, l.version || version
		return help || version
	})
}

// checkHelp refuses help for what is no command. "launcher 4 --help" is help for the whole.
func (l *commandLine) checkHelp(app *cli.App, named bool) error {
	if named {
		return l.noSubcommand(app)
	}
	if len(l.arguments) == 0 || !isWord(l.arguments[0]) {
		return nil
	}
	return noCommand(app, l.arguments[0], usageErrorf("launcher help", "read command line: there is no command %q", l.arguments[0]))
}

// take adds an option of the command line to those of the command.
func (l *commandLine) take(app *cli.App, option typedOption) error {
	flag := flagOf(l.command, option.name)
	switch {
	case flag == nil:
		return l.noOption(app, option)
	case takesValue(flag) && !option.hasValue:
		return usageErrorf(l.helpCommand(), "read command line: %s needs a value: %s %s", option.text, option.text, placeholder(flag))
	case !takesValue(flag) && !option.hasValue:
		option.value = "true"
	case takesValue(flag) && option.value == "" && !slices.Contains(mayBeEmpty, flag.Names()[0]):
		return usageErrorf("leave "+option.text+" out, or give it a value; is a variable of the shell empty?",
			"read %s: its value is empty", option.text)
	}
	this := given{flag: flag, value: option.value}
	if err := checkValue(this); err != nil {
		return err
	}
	if !isRepeatable(flag) {
		for i, before := range l.options {
			if before.name() != this.name() {
				continue
			}
			if before.value != this.value {
				l.warnings = append(l.warnings, fmt.Sprintf("--%s is given twice; %q holds, and %q does not", this.name(), this.value, before.value))
			}
			l.options[i].value = this.value
			return nil
		}
	}
	l.options = append(l.options, this)
	return nil
}

// mayBeEmpty are the options whose empty value means none.
var mayBeEmpty = []string{optURLPrefix, optWarmupHeader, optWithout}

func isRepeatable(flag cli.Flag) bool {
	_, ok := flag.(cli.DocGenerationSliceFlag)
	return ok
}

// commandName returns the name that a user types: "" for "launcher NUM".
func (l *commandLine) commandName() string {
	if l.command.Name == runName {
		return ""
	}
	return l.command.Name
}

// typed returns the command as a user types it.
func (l *commandLine) typed() string { return strings.TrimSpace("launcher " + l.commandName()) }

func (l *commandLine) helpCommand() string { return l.typed() + " --help" }

// isWord says whether an argument may be meant as a command.
func isWord(text string) bool { return text != "" && !strings.ContainsAny(text[:1], "0123456789+-./") }

// checkArguments refuses a word that is not a command, where a number was to be.
func (l *commandLine) checkArguments(app *cli.App, named bool) error {
	if len(l.arguments) == 0 {
		return nil
	}
	first := l.arguments[0]
	if !named && len(l.arguments) == 2 && isCommand(app, l.arguments[1]) {
		return usageErrorf("launcher "+l.arguments[1]+" "+first, "read command line: the command %s stands before NUM", l.arguments[1])
	}
	if named {
		return l.noSubcommand(app)
	}
	if !isWord(first) || first == autoNumber || isCommand(app, first) { // the last of these stands behind "--"
		return nil
	}
	return noCommand(app, first, notANumber(first, "launcher 4"))
}

// words returns the command line as the options' own parser reads it: the command, options with their values, arguments.
func (l *commandLine) words() []string {
	words := []string{"launcher", l.command.Name}
	for _, option := range l.options {
		words = append(words, "--"+option.name()+"="+option.value)
	}
	return append(append(words, "--"), l.arguments...)
}
