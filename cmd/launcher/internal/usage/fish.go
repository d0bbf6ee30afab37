package usage

import (
	"fmt"
	"slices"
	"strings"
)

const fishHead = `# Completion of %[1]s for fish. Made by "%[1]s completion fish".

function __%[1]s_typed --description 'the command, and how many arguments it has'
    set -l typed (commandline -opc)
    set -l command ''
    set -l arguments 0
    set -l i 2
    while test $i -le (count $typed)
        switch $typed[$i]
            case %[2]s
                set i (math $i + 1)
                if test $i -gt (count $typed) # its value is typed, not an argument
                    set arguments 1
                end
            case --
                set arguments 1
                break
            case '*'
                if string match -qr -- '^-[^0-9]' $typed[$i]
                else if test -z "$command" -a $arguments -eq 0; and contains -- $typed[$i] %[3]s
                    set command $typed[$i]
                else
                    set arguments (math $arguments + 1)
                end
        end
        set i (math $i + 1)
    end
    echo $command
    echo $arguments
end

function __%[1]s_in --description 'whether it is one of these commands'
    set -l typed (__%[1]s_typed)
    contains -- "$typed[1]" $argv
end

function __%[1]s_first --description 'whether the first argument of one of these commands comes next'
    set -l typed (__%[1]s_typed)
    test "$typed[2]" = 0; and contains -- "$typed[1]" $argv
end

function __%[1]s_value --description 'what is typed of a value'
    string replace -r -- '^-[^=]*=' '' (commandline -ct)
end

function __%[1]s_list --description 'several words, with commas between'
    set -l before (string match -r -- '^.*,' (__%[1]s_value))
    for word in $argv
        echo "$before$word"
    end
end

complete -c %[1]s -f
`

// Fish is the completion for fish.
func (p Program) Fish() string {
	var b strings.Builder
	names := p.commandNames()
	fmt.Fprintf(&b, fishHead, p.Name, strings.Join(p.takers(), " "), strings.Join(names, " "))
	for _, command := range p.named() {
		p.fishArgument(&b, p.Commands[0].Name, command.Name, brief(command.What))
	}
	for _, command := range p.Commands {
		value := command.Arguments
		for _, word := range plainWords(value.Words) {
			p.fishArgument(&b, command.Name, word, "")
		}
		if value.Kind == Commands {
			for _, other := range p.named() {
				p.fishArgument(&b, command.Name, other.Name, brief(other.What))
			}
		} else if files := p.fishKind(value.Kind); files != "" {
			fmt.Fprintf(&b, "complete -c %s -n %s %s\n", p.Name, fishQuote(p.fishCondition("first", command.Name)), files)
		}
	}
	for _, option := range p.merged() {
		fmt.Fprintf(&b, "complete -c %s", p.Name)
		if len(option.commands) < len(p.Commands) {
			fmt.Fprintf(&b, " -n %s", fishQuote(p.fishCondition("in", option.commands...)))
		}
		for _, name := range option.shown() {
			if len(name) == 1 {
				b.WriteString(" -s " + name)
			} else {
				b.WriteString(" -l " + name)
			}
		}
		if option.Placeholder != "" {
			b.WriteString(p.fishValue(option.Value))
		}
		fmt.Fprintf(&b, " -d %s\n", fishQuote(option.short()))
	}
	return b.String()
}

func (p Program) fishArgument(b *strings.Builder, command, word, what string) {
	fmt.Fprintf(b, "complete -c %s -n %s -a %s", p.Name, fishQuote(p.fishCondition("first", command)), word)
	if what != "" {
		fmt.Fprintf(b, " -d %s", fishQuote(what))
	}
	b.WriteString("\n")
}

// fishCondition calls a function of the head for commands.
func (p Program) fishCondition(function string, commands ...string) string {
	quoted := slices.Clone(commands)
	for i, command := range quoted {
		if command == "" {
			quoted[i] = "''"
		}
	}
	return "__" + p.Name + "_" + function + " " + strings.Join(quoted, " ")
}

// fishValue says what follows an option.
func (p Program) fishValue(v Value) string {
	words := p.words(v)
	text := " -x"
	if v.Kind == Files || v.Kind == Programs {
		text = " -r -F"
	}
	switch {
	case len(words) > 0 && v.List:
		text += " -a " + fishQuote("(__"+p.Name+"_list "+strings.Join(words, " ")+")")
	case len(words) > 0:
		text += " -a " + fishQuote(strings.Join(words, " "))
	}
	if v.Kind != Files {
		text += p.fishKind(v.Kind)
	}
	return text
}

// fishKind completes what a value names.
func (p Program) fishKind(kind Kind) string {
	switch kind {
	case Files:
		return "-F"
	case Folders:
		return " -a " + fishQuote("(__fish_complete_directories (__"+p.Name+"_value) '')")
	case Users:
		return " -a '(__fish_complete_users)'"
	case Groups:
		return " -a '(__fish_complete_groups)'"
	case Programs:
		return " -a '(__fish_complete_command)'"
	default:
		return ""
	}
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
