#!/bin/sh
# Without a user namespace, root in a container is the machine's own root. So the machine's settings are made read-only
# in a mount namespace of its own, even for the runtime that makes the container.
set -eu
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec "$@"
