# Types lines into a zsh at a terminal of its own, with a tab behind each, and prints what that zsh has found:
# ask.zsh PROGRAM SCRIPT FILE LINE …
zmodload zsh/zpty || exit 1
program=$1 script=$2 found=$3
shift 3
cat >"$found.setup" <<'END'
PS1= PS2= RPS1=
unsetopt prompt_cr prompt_sp auto_list beep
autoload -Uz compinit && compinit -D -u
source $script
compadd() {
    # What _describe and others only try out is no candidate.
    if [[ "${(j: :)@[1,(i)(-|--)]} " == *\ -(O|A|D)* || $1 == -(O|A|D)* ]]; then
        builtin compadd "$@"
        return
    fi
    local -a candidates
    builtin compadd -A candidates "$@"
    (($#candidates)) && print -rl -- $candidates >>$found
    builtin compadd "$@"
}
finish() {
    print -r -- '=' >>$found
    BUFFER=
    print -r -- '[done]'
}
zle -N finish
bindkey '^T' finish
print -r -- '[ready]'
END
zpty asked zsh -f -i
zpty -w asked "script=${(q)script} found=${(q)found}; source ${(q)found}.setup"
zpty -r -m asked text $'*\n\\[ready\\]*' || exit 1
for line; do
    zpty -w -n asked "$line"$'\t\C-t'
    zpty -r -m asked text '*\[done\]*' || exit 1
done
zpty -d asked
cat "$found"
