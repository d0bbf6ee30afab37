package usage

import (
	"fmt"
	"slices"
	"strings"
)

// bashHead finds the words as a user has typed them: readline ends a word at "=" and ":", too. Its verbs are the names of the program,
// of the options with a value, and of the commands.
const bashHead = `# Completion of %[1]s for bash. Made by "%[1]s completion bash".

_%[1]s() {
    local line=${COMP_LINE:0:COMP_POINT} typed=() word i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)); then
            word=${line#"${line%%%%[![:space:]]*}"}
        fi
        if ((i == 0)) || [[ $line == [[:space:]]* || -z $line ]]; then
            line=${line#"${line%%%%[![:space:]]*}"}
            typed+=("$word")
        else
            typed[${#typed[@]} - 1]+=$word
        fi
        line=${line#"$word"}
    done
    local last=$((${#typed[@]} - 1))
    local current=${typed[last]} command='' option='' arguments=0
    for ((i = 1; i < last; i++)); do
        case ${typed[i]} in
        %[2]s)
            if ((i + 1 == last)); then option=${typed[i]}; fi
            i=$((i + 1))
            ;;
        --)
            arguments=1
            break
            ;;
        -[!0-9]*) ;;
        *)
            case $command$arguments${typed[i]} in
            %[3]s) command=${typed[i]} ;;
            *) arguments=$((arguments + 1)) ;;
            esac
            ;;
        esac
    done
    local value=$current before='' kind='' list='' choices=''
    if [[ -z $option && $current == -*=* ]]; then
        option=${current%%%%=*} value=${current#*=}
        if [[ $COMP_WORDBREAKS != *=* ]]; then before=$option=; fi
    fi
`

// bashTail takes what is known of a value for words of the shell. A value of a list is the one behind the last comma.
const bashTail = `    COMPREPLY=()
    local begun=$value reply
    if [[ -n $list && $value == *,* ]]; then
        begun=${value##*,} before+=${value%%,*},
    fi
    if [[ -n $kind && -z $value ]]; then choices=''; fi
    while IFS= read -r reply; do
        COMPREPLY+=("$before$reply")
    done < <(
        if [[ -n $choices ]]; then compgen -W "$choices" -- "$begun"; fi
        case $kind in
        users) compgen -u -- "$begun" ;;
        groups) compgen -g -- "$begun" ;;
        programs) compgen -c -- "$begun" ;;
        esac
    )
    if [[ $value == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${value%%"${value##*:}"}"}")
    fi
    case $kind in
    files | programs) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
    esac
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]]; then compopt -o nospace 2>/dev/null; fi
    return 0
}

complete -F _%[1]s %[1]s
`

// Bash is the completion for bash.
func (p Program) Bash() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	var commands []string
	for _, name := range p.commandNames() {
		commands = append(commands, "0"+name)
	}
	fmt.Fprintf(&b, bashHead, p.Name, alternatives(p.takers()), alternatives(commands))
	line("    if [[ -n $option ]]; then\n        case \"$command $option\" in")
	for _, group := range p.values() {
		line("        %s)%s ;;", strings.Join(group.patterns("'%s %s'", "*' %s'"), " | "), p.bashValue(group.value))
	}
	line("        esac\n    elif [[ $current == -* ]]; then\n        case $command in")
	for _, command := range p.Commands {
		var names []string
		for _, option := range p.optionsOf(command) {
			for _, name := range option.shown() {
				names = append(names, typed(name))
			}
		}
		line("        '%s') choices='%s' ;;", command.Name, strings.Join(names, " "))
	}
	line("        esac\n    elif ((arguments == 0)); then\n        case $command in")
	for _, command := range p.Commands {
		if value := p.firstArguments(command); value.known() {
			line("        '%s')%s ;;", command.Name, p.bashValue(value))
		}
	}
	line("        esac\n    fi")
	fmt.Fprintf(&b, bashTail, p.Name)
	return b.String()
}

// alternatives are words as a pattern has them.
func alternatives(words []string) string {
	if len(words) == 0 {
		return "''"
	}
	return strings.Join(words, "|")
}

// bashValue sets what is known of a value.
func (p Program) bashValue(v Value) (text string) {
	if words := p.words(v); len(words) > 0 {
		text += fmt.Sprintf(" choices='%s'", strings.Join(words, " "))
	}
	if v.Kind != Anything && v.Kind != Commands {
		text += " kind=" + string(v.Kind)
	}
	if v.List {
		text += " list=1"
	}
	return text
}

// valueOf is one value with the options that have it.
type valueOf struct {
	value   Value
	options []owned
	every   bool // wherever the option is found
}

// values are what is known of the values of options. An option whose commands do not agree about them has each command's apart.
func (p Program) values() (all []valueOf) {
	merged := p.merged()
	for _, option := range merged {
		if option.Placeholder == "" || !option.Value.known() {
			continue
		}
		agreed := !slices.ContainsFunc(merged, func(o owned) bool {
			return slices.ContainsFunc(o.Names, func(name string) bool { return slices.Contains(option.Names, name) }) && !o.Value.same(option.Value)
		})
		i := slices.IndexFunc(all, func(v valueOf) bool { return v.every == agreed && v.value.same(option.Value) })
		if i < 0 {
			all = append(all, valueOf{value: option.Value, every: agreed})
			i = len(all) - 1
		}
		all[i].options = append(all[i].options, option)
	}
	return all
}

// patterns are those of "COMMAND OPTION", in the form of a shell for one command, and for all.
func (v valueOf) patterns(one, every string) (patterns []string) {
	for _, option := range v.options {
		for _, name := range option.Names {
			if v.every {
				patterns = append(patterns, fmt.Sprintf(every, typed(name)))
				continue
			}
			for _, command := range option.commands {
				patterns = append(patterns, fmt.Sprintf(one, command, typed(name)))
			}
		}
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}
