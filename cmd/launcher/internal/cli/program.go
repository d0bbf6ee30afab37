//go:build linux

package cli

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/usage"
)

// describe returns the command line as data, for completions and the manual. Commands are those that launcher --help lists, each
// with what stands there.
func describe(app *cli.App) usage.Program {
	program := usage.Program{Name: app.Name, Version: app.Version, Options: []usage.Option{
		{Names: helpNames, What: "print this"}, {Names: versionNames, What: "print the version of the launcher"}}}
	main := app.Command(runName)
	program.Commands = []usage.Command{describeCommand("", main)}
	for line := range strings.Lines(main.UsageText) {
		call, what, _ := strings.Cut(strings.TrimSpace(line), "   ")
		words := strings.Fields(call)
		if len(words) < 2 || isPlaceholder(words[1]) || strings.HasPrefix(words[1], "[") {
			continue
		}
		if i := slices.IndexFunc(program.Commands, func(c usage.Command) bool { return c.Name == words[1] }); i > 0 { // launcher config show
			addArguments(&program.Commands[i].Arguments, call, words[1])
			addSubcommand(app, &program.Commands[i], strings.Join(words[1:min(3, len(words))], " "))
			continue
		}
		command := usage.Command{Name: words[1], What: strings.TrimSpace(what), Usage: call, Arguments: arguments(call, words[1])}
		if defined := app.Command(words[1]); defined != nil {
			command = describeCommand(words[1], defined)
			command.What = strings.TrimSpace(what)
		}
		program.Commands = append(program.Commands, command)
	}
	return program
}

// addSubcommand adds what two words call that are a command together.
func addSubcommand(app *cli.App, command *usage.Command, name string) {
	defined := app.Command(name)
	if defined == nil {
		return
	}
	command.Usage = strings.TrimSpace(command.Usage) + "\n" + defined.UsageText
	command.Text += "\n\n" + defined.Name + ": " + defined.Usage + ". " + defined.Description
	for _, flag := range defined.Flags {
		if !slices.ContainsFunc(command.Options, func(o usage.Option) bool { return o.Names[0] == flag.Names()[0] }) {
			command.Options = append(command.Options, describeOption(flag))
		}
	}
}

func describeCommand(name string, c *cli.Command) usage.Command {
	command := usage.Command{Name: name, What: c.Usage, Usage: c.UsageText, Text: c.Description, Arguments: arguments(c.UsageText, name)}
	if name == "" {
		command.Arguments = usage.Value{Words: []string{autoNumber}}
	}
	for _, flag := range c.Flags {
		command.Options = append(command.Options, describeOption(flag))
	}
	return command
}

func describeOption(flag cli.Flag) usage.Option {
	option := usage.Option{Names: flag.Names(), Placeholder: placeholder(flag), Value: optionValue(flag)}
	if doc, ok := flag.(cli.DocGenerationFlag); ok {
		option.What, option.Variables = doc.GetUsage(), doc.GetEnvVars()
		option.Default = strings.Trim(doc.GetDefaultText(), `"`)
	}
	return option
}

// isPlaceholder says whether a word of a usage stands for another: NUM, HOST:PORT, +NUM.
func isPlaceholder(word string) bool {
	return !strings.ContainsFunc(word, unicode.IsLower)
}

// arguments are what the first argument of a command can be, by the lines of its usage: show|check are two words, unix:PATH is one that
// goes on, FILE and [FILE] are files.
func arguments(usageText, name string) (value usage.Value) {
	addArguments(&value, usageText, name)
	return value
}

func addArguments(value *usage.Value, usageText, name string) {
	for line := range strings.Lines(usageText) {
		call, _, _ := strings.Cut(strings.TrimSpace(line), "   ")
		words := strings.Fields(call)
		at := slices.Index(words, name)
		for _, word := range words[at+1:] {
			if word = strings.Trim(word, "[]"); word == "options" || strings.HasPrefix(word, "-") {
				continue
			}
			for one := range strings.SplitSeq(word, "|") {
				addArgument(value, one)
			}
			break
		}
	}
}

func addArgument(value *usage.Value, word string) {
	begun := strings.IndexFunc(word, unicode.IsUpper)
	switch {
	case word == "command":
		value.Kind = usage.Commands
	case isPlaceholder(word):
		if kind := kindOf(word); kind != usage.Anything {
			value.Kind = kind
		}
	default:
		if begun > 0 {
			word = word[:begun]
		}
		if !slices.Contains(value.Words, word) {
			value.Words = append(value.Words, word)
		}
	}
}

// kindOf returns what a value names, by the word that stands for it.
func kindOf(placeholder string) usage.Kind {
	switch placeholder {
	case "FILE":
		return usage.Files
	case "FOLDER":
		return usage.Folders
	case "USER":
		return usage.Users
	case "GROUP":
		return usage.Groups
	case "COMMAND":
		return usage.Programs
	default:
		return usage.Anything
	}
}

// optionValue is what is known of an option's values.
func optionValue(flag cli.Flag) usage.Value {
	doc, ok := flag.(cli.DocGenerationFlag)
	if !ok || !doc.TakesValue() {
		return usage.Value{}
	}
	words, known := optionWords()[flag.Names()[0]]
	if !known {
		words = wordsInText(doc.GetUsage())
	}
	return usage.Value{Kind: kindOf(placeholder(flag)), Words: words, List: strings.Contains(doc.GetUsage(), "`[,")}
}

// choiceInText is how a text ends that names all values.
var choiceInText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`: ((?:[a-z][a-z0-9-]*, )*[a-z][a-z0-9-]*) or ([a-z][a-z0-9-]*)$`)
})

// specialInText is a value with what it means.
var specialInText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([a-z][a-z0-9-]*|-): `) })

// wordsInText are the values that the text of an option names: "text or json" behind a colon, and "auto: chosen, off: never" behind a semicolon.
func wordsInText(text string) (words []string) {
	if match := choiceInText().FindStringSubmatch(text); match != nil {
		return append(strings.Split(match[1], ", "), match[2])
	}
	for _, part := range strings.Split(text, "; ")[1:] {
		for i, special := range strings.Split(part, ", ") {
			if match := specialInText().FindStringSubmatch(special); match != nil {
				words = append(words, match[1])
			} else if i == 0 {
				break
			}
		}
	}
	return words
}
