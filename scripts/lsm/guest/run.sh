#!/bin/sh
# What the test system runs: the test, with the Node of the lock file. SELinux's domain for mount(8) may not mount on
# programs; what starts this may.
cd "$1" || exit 1
busybox mount -o bind /ward/node_modules node_modules || exit 1
for cache in ward ward-scan; do
  busybox mount -o bind "compiled/$cache" "node_modules/.cache/$cache" || exit 1
done
# The server's user reads what is compiled for root. Node keeps it apart by user ids.
mkdir -m 711 /run/ward
mkdir -m 755 /run/ward/compile-cache
for compiled in "$1"/node_modules/.cache/ward/*-0; do
  name=${compiled##*/}
  ln -s "$compiled" "/run/ward/compile-cache/${name%-0}-$(id -u ward)"
done
export WARD_IMAGES=/ward/images PATH="$1/node_modules/.bin:$PATH" NODE_COMPILE_CACHE="$1/node_modules/.cache/ward"
exec node scripts/lsm/guest/main.ts
