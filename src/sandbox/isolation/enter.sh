#!/bin/sh
# Pid 1 of Ward's namespaces: enter.sh SUPERVISE [MOUNT-TO-HIDE …] -- COMMAND [ARGUMENT …]
# Mounts a /proc of this pid namespace, unmounts what the OCI runtime must not see, marks the mount namespace
# as Ward's own, and runs the command. Any failure ends everything.
set -e
supervise=$1
shift
mount -t proc -o nosuid,nodev,noexec proc /proc
while [ "$1" != -- ]; do
  umount "$1"
  # The runtime makes folders there instead; they must not reach the host's folder below the mount.
  mount -t tmpfs -o mode=755,size=64m,nosuid,nodev,noexec ward "$1"
  shift
done
shift
WARD_MOUNT_NAMESPACE=$(readlink /proc/self/ns/mnt)
export WARD_MOUNT_NAMESPACE
# From here on, the death of the outer supervisor is a signal that supervise.sh can answer.
exec /usr/bin/setpriv --pdeathsig USR1 -- /bin/sh "$supervise" inside "$@"
