#!/bin/sh
# Runs a command as a child and ends with its exit code. A POSIX shell gives background commands /dev/null
# as stdin, so stdin travels through descriptor 9; and it has them ignore SIGINT and SIGQUIT, which `env` undoes.
# SIGTERM, SIGHUP and SIGINT are forwarded. What a terminal or a service manager sends to all processes at once
# therefore arrives more than once: whoever counts signals takes those of one moment as one. SIGQUIT is only
# survived here. As pid 1 of a pid namespace, `wait` also reaps the orphans, and what is frozen is thawed before
# the end: under cgroup v1 a frozen process does not die of the kernel's SIGKILL, and the namespace can't end
# before it has.
exec 9<&0
env --default-signal=INT,QUIT "$@" <&9 9<&- &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM
trap 'kill -HUP "$child" 2>/dev/null' HUP
trap 'kill -INT "$child" 2>/dev/null' INT
trap : QUIT
thaw() {
  for state in /sys/fs/cgroup/freezer/ward/*/*/freezer.state; do
    # Only processes of this pid namespace are listed.
    read -r pid 2>/dev/null <"${state%/*}/cgroup.procs" && echo THAWED >"$state"
  done
}
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null && continue
  # When a signal came just then, that was its number; the child's own code is still to be had, but only once.
  wait "$child"
  last=$?
  [ "$last" = 127 ] || code=$last
  [ "$$" = 1 ] && thaw 2>/dev/null
  exit "$code"
done
