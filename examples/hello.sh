#!/bin/sh
# Greets whoever is named: ward action invoke hello-sh --param name World --result
# The parameters are the first argument; what is said last is the result, and all before it goes to the log.
echo "called with $1"
echo "$1" | jq -c '{greeting: ("Hello, " + (.name // "stranger"))}'
