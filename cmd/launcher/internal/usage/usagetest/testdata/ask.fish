# Prints what fish completes at the end of each line: ask.fish SCRIPT LINE …
source $argv[1]
or exit 1
for line in $argv[2..-1]
    complete -C $line
    echo =
end
