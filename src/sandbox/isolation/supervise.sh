#!/bin/sh
# Runs a command as a child and ends with its exit code: supervise.sh outside|inside COMMAND [ARGUMENT …]
# A POSIX shell gives background commands /dev/null as stdin, so stdin travels through descriptor 9; and it has them
# ignore SIGINT and SIGQUIT, which `env` undoes. It forwards SIGTERM, SIGHUP and SIGINT. So a signal that a terminal or
# a service manager sends to all processes at once arrives more than once: a receiver that counts signals takes those of
# one moment as one. It only survives SIGQUIT.
# Inside, it is pid 1 of a pid namespace: `wait` also reaps the orphans. It thaws frozen processes before it ends: under
# cgroup v1 a frozen process does not die of the kernel's SIGKILL, and the namespace can't end before it has. The kernel
# sends SIGUSR1 when the supervisor outside dies. It may have died before this shell listened, when pid 1 gets no
# signal: descriptor 8 is the outer one's line in /proc, which can't be read any more when there is no such process.
side=$1
shift
orphaned=
if [ "$side" = inside ]; then
  trap 'orphaned=1; kill -KILL "$child" 2>/dev/null' USR1
  { read -r outer <&8; } 2>/dev/null || exit 137
  case $outer in *') Z '*) exit 137 ;; esac
  exec 8<&-
else
  exec 8</proc/$$/stat
fi
exec 9<&0
env --default-signal=INT,QUIT "$@" <&9 9<&- &
child=$!
# The kernel refuses connections only when no process has the socket any more: see src/server/listener.
[ -n "$WARD_LISTENER" ] && exec 3<&- 4<&-
[ -n "$orphaned" ] && kill -KILL "$child"
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
  # If a signal came just then, this was its number; `wait` still returns the child's own code, but only once.
  wait "$child"
  last=$?
  [ "$last" = 127 ] || code=$last
  [ "$side" = inside ] && thaw 2>/dev/null
  exit "$code"
done
