#!/bin/sh
# Keeps running and counts its calls: a line on stdin is a call, a line on fd 3 its result (OpenWhisk's ActionLoop).
calls=0
while read -r request; do
  calls=$((calls + 1))
  echo "call $calls of $(echo "$request" | jq -r .action_name)"
  echo "{\"calls\": $calls}" >&3
done
