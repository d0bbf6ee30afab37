#!/bin/sh
# The probe application of "launcher conformance --echo" as a program of CGI, for fcgiwrap;
# fcgi/conformance/README.md has the contract.
command=${QUERY_STRING#probe=}
if [ "$command" = open ]; then printf 'Status: 501 Not Implemented\r\n'; fi # each request has a process of its own
printf 'Content-Type: application/octet-stream\r\nX-Probe: %s\r\n\r\n' "$PPID"
case $command in
  echo) env; echo; cat ;;
  big) head -c 67108864 /dev/zero ;;
  stderr) printf '\033[31mred\007\177\n' >&2 ;;
esac
