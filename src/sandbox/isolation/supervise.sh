#!/bin/sh
# Runs a command as a child and ends with its exit code. A POSIX shell gives background commands /dev/null
# as stdin, so stdin travels through descriptor 9. SIGTERM and SIGHUP are forwarded; SIGINT and SIGQUIT reach
# the whole process group from the terminal, so they are only survived here. As pid 1 of a pid namespace,
# `wait` also reaps the orphans.
exec 9<&0
"$@" <&9 9<&- &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM
trap 'kill -HUP "$child" 2>/dev/null' HUP
trap : INT QUIT
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
