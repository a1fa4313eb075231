#!/bin/sh
# What the test system runs: the test, with the Node of the lock file. SELinux's domain for mount(8) may not mount on
# programs; what starts this may.
cd "$1" || exit 1
busybox mount -o bind /ward/node_modules node_modules || exit 1
busybox mount -o bind compiled node_modules/.cache/ward || exit 1
export WARD_IMAGES=/ward/images PATH="$1/node_modules/.bin:$PATH" NODE_COMPILE_CACHE="$1/node_modules/.cache/ward"
exec node scripts/lsm/guest/main.ts
