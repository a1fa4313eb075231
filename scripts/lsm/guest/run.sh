#!/bin/sh
# What the test system runs: the test, with the Node of the lock file.
cd /project || exit 1
export WARD_IMAGES=/ward/images PATH="/project/node_modules/.bin:$PATH"
exec node scripts/lsm/guest/main.ts
