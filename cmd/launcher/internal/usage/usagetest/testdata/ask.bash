# Calls the completion of a program as readline does, and prints what it finds: ask.bash PROGRAM SCRIPT [LINE COUNT WORD …] …
# where COUNT has as many characters as there are words.
program=$1
source "$2" || exit 1
shift 2
function=$(complete -p "$program" | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
while (($# > 0)); do
    COMP_LINE=$1 COMP_POINT=${#1} count=${#2}
    COMP_WORDS=("${@:3:count}") COMP_CWORD=$((count - 1)) COMPREPLY=()
    "$function" "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
    echo =
    shift $((count + 2))
done
