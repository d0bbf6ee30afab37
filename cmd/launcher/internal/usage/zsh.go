package usage

import (
	"fmt"
	"strings"
)

const zshHead = `#compdef %[1]s
# Completion of %[1]s for zsh. Made by "%[1]s completion zsh".

_%[1]s() {
    local command='' option='' word
    local -a choices
    integer i arguments=0
    for ((i = 2; i < CURRENT; i++)); do
        word=${(Q)words[i]}
        case $word in
        (%[2]s)
            if ((i + 1 == CURRENT)); then option=$word; fi
            ((i++))
            ;;
        (--)
            arguments=1
            break
            ;;
        (-[^0-9]*) ;;
        (*)
            case $command$arguments$word in
            (%[3]s) command=$word ;;
            (*) ((++arguments)) ;;
            esac
            ;;
        esac
    done
    if [[ -z $option && $PREFIX == -*=* ]]; then
        option=${PREFIX%%%%=*}
        compset -P 1 '*='
    fi
`

const zshTail = `}

if [[ $funcstack[1] == _%[1]s ]]; then
    _%[1]s "$@"
else
    compdef _%[1]s %[1]s
fi
`

// Zsh is the completion for zsh, as a file of a folder of fpath or to be read by "source".
func (p Program) Zsh() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	var commands []string
	for _, name := range p.commandNames() {
		commands = append(commands, "0"+name)
	}
	fmt.Fprintf(&b, zshHead, p.Name, alternatives(p.takers()), alternatives(commands))
	line("    if [[ -n $option ]]; then\n        case \"$command $option\" in")
	for _, group := range p.values() {
		line("        (%s)\n%s            ;;", strings.Join(group.patterns("'%s %s'", "*' %s'"), "|"), p.zshValue(group.value, group.options[0].Placeholder))
	}
	line("        esac\n    elif [[ $PREFIX == -* ]]; then\n        case $command in")
	for _, command := range p.Commands {
		line("        ('%s')\n            choices=(", command.Name)
		for _, option := range p.optionsOf(command) {
			for _, name := range option.shown() {
				line("                %s", zshQuote(zshName(typed(name))+":"+option.short()))
			}
		}
		line("            )\n            ;;")
	}
	line("        esac\n        _describe -o option choices\n    elif ((arguments == 0)); then\n        case $command in")
	for _, command := range p.Commands {
		switch value := command.Arguments; {
		case command.Name == "":
			line("        ('')\n            choices=(")
			for _, word := range plainWords(value.Words) {
				line("                %s", zshQuote(zshName(word)))
			}
			line("%s            )\n            _describe -t commands command choices\n            ;;", p.zshCommands())
		case value.Kind == Commands:
			line("        ('%s')\n            choices=(\n%s            )\n            _describe -t commands command choices\n            ;;", command.Name, p.zshCommands())
		case value.known():
			line("        ('%s')\n%s            ;;", command.Name, p.zshValue(value, "argument"))
		}
	}
	line("        esac\n    fi")
	fmt.Fprintf(&b, zshTail, p.Name)
	return b.String()
}

func (p Program) zshCommands() string {
	var b strings.Builder
	for _, command := range p.named() {
		fmt.Fprintf(&b, "                %s\n", zshQuote(zshName(command.Name)+":"+brief(command.What)))
	}
	return b.String()
}

// zshKinds are the functions of zsh that complete what a value names.
var zshKinds = map[Kind]string{Files: "_files", Folders: "_files -/", Users: "_users", Groups: "_groups", Programs: "_command_names -e"}

// zshValue completes a value.
func (p Program) zshValue(v Value, what string) (text string) {
	const indent = "            "
	if v.List {
		text += indent + "compset -P '*,'\n"
	}
	if words := p.words(v); len(words) > 0 {
		text += indent + "choices=(" + strings.Join(words, " ") + ")\n"
		add := "compadd"
		if words[0][len(words[0])-1] == ':' { // more follows
			add = "compadd -S ''"
		}
		text += indent + "_wanted values expl " + zshQuote(what) + " " + add + " -a choices\n"
	}
	if complete := zshKinds[v.Kind]; complete != "" {
		text += indent + complete + "\n"
	}
	return text
}

// zshName is a name before the colon that its description follows.
func zshName(name string) string { return strings.ReplaceAll(name, ":", `\:`) }

func zshQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
