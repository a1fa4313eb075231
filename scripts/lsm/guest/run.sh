#!/bin/sh
# What the test system runs: the test, with the Node of the lock file.
cd "$1" || exit 1
export WARD_IMAGES=/ward/images PATH="$1/node_modules/.bin:$PATH" NODE_COMPILE_CACHE="$1/node_modules/.cache/ward"
exec node scripts/lsm/guest/main.ts
