package usage

import (
	"slices"
	"strings"
	"time"
)

// Program is a program with its commands.
type Program struct {
	Name     string
	Version  string
	Made     time.Time
	Commands []Command // the first one is the program without the name of a command
	Options  []Option  // that each command has
	Files    []File    // of which the manual tells
	SeeAlso  []string  // other manual pages: "systemd.service(5)"
}

// Command is one command.
type Command struct {
	Name      string // "" for the first one
	What      string // one line, in a list of commands
	Usage     string // a line for each way to call it; what it does stands behind three spaces
	Text      string // paragraphs, with empty lines between
	Options   []Option
	Arguments Value // its first argument
}

// Option is one option of a command.
type Option struct {
	Names       []string // without dashes; first the long one
	Placeholder string   // of its value; "": it takes none
	What        string   // with its placeholder in backquotes
	Default     string
	Variables   []string // of the environment
	Value       Value
}

// Value is what is known of values that a user may type.
type Value struct {
	Kind  Kind
	Words []string // also those that begin one, as "unix:"
	List  bool     // several, with commas between
}

// Kind is what a value names.
type Kind string

// Kinds of values.
const (
	Anything Kind = ""
	Files    Kind = "files"
	Folders  Kind = "folders"
	Users    Kind = "users"
	Groups   Kind = "groups"
	Programs Kind = "programs"
	Commands Kind = "commands" // of this program
)

// File is a file that the program reads or makes.
type File struct {
	Path string
	What string
}

// named are the commands that are called by a name.
func (p Program) named() []Command { return p.Commands[1:] }

// optionsOf are all options of a command.
func (p Program) optionsOf(c Command) []Option { return slices.Concat(c.Options, p.Options) }

// typed is an option as a user types it.
func typed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// takers are all names of options that are followed by a value, of whatever command.
func (p Program) takers() (names []string) {
	for _, command := range p.Commands {
		for _, option := range command.Options {
			if option.Placeholder == "" {
				continue
			}
			for _, name := range option.Names { // old ones too
				if !slices.Contains(names, typed(name)) {
					names = append(names, typed(name))
				}
			}
		}
	}
	return names
}

// owned is an option with the commands that have it in this form.
type owned struct {
	Option
	commands []string
}

// merged are the options of all commands, each form of one once.
func (p Program) merged() (all []owned) {
	for _, command := range p.Commands {
		for _, option := range p.optionsOf(command) {
			i := slices.IndexFunc(all, func(o owned) bool { return o.same(option) })
			if i < 0 {
				all = append(all, owned{Option: option})
				i = len(all) - 1
			}
			all[i].commands = append(all[i].commands, command.Name)
		}
	}
	return all
}

// same says whether two options are one, which several commands have.
func (o Option) same(other Option) bool {
	return slices.Equal(o.Names, other.Names) && o.What == other.What && o.Default == other.Default && o.Value.same(other.Value)
}

func (v Value) same(other Value) bool {
	return v.Kind == other.Kind && v.List == other.List && slices.Equal(v.Words, other.Words)
}

func (v Value) known() bool { return v.Kind != Anything || len(v.Words) > 0 }

// short is a line of what an option is for, as shells show it in a list.
func (o Option) short() string { return brief(o.What) }

// shown are the names that an option has by now: a further long one is of former times.
func (o Option) shown() (names []string) {
	for i, name := range o.Names {
		if i == 0 || len(name) == 1 {
			names = append(names, name)
		}
	}
	return names
}

// widestBrief is how much of a text a list has room for.
const widestBrief = 70

// brief is the beginning of a text, without backquotes.
func brief(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "`", "")), " ")
	runes := []rune(text)
	if len(runes) <= widestBrief {
		return text
	}
	cut := string(runes[:widestBrief])
	if end := strings.LastIndexAny(cut, ";:("); end > widestBrief/3 {
		return strings.TrimRight(cut[:end], " ")
	}
	return strings.TrimRight(cut[:max(0, strings.LastIndexByte(cut, ' '))], " ,") + " …"
}

// plainWord says whether a word stands for itself in every shell.
func plainWord(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:+/@", r))
	})
}

// plainWords are those words that stand for themselves.
func plainWords(words []string) (plain []string) {
	for _, word := range words {
		if plainWord(word) {
			plain = append(plain, word)
		}
	}
	return plain
}

// commandNames are the names of the commands.
func (p Program) commandNames() (names []string) {
	for _, command := range p.named() {
		names = append(names, command.Name)
	}
	return names
}

// words are those that a value may be, names of commands among them.
func (p Program) words(v Value) []string {
	words := plainWords(v.Words)
	if v.Kind == Commands {
		words = append(words, p.commandNames()...)
	}
	return words
}

// firstArguments are what the first argument of a command may be: for the program itself, also the name of a command.
func (p Program) firstArguments(c Command) Value {
	value := c.Arguments
	if c.Name == "" {
		value.Words = append(p.commandNames(), value.Words...)
	}
	return value
}
