#!/bin/sh
# Greets by name: ward action invoke hello-sh --param name World --result
# The parameters are the first argument. The last line of output is the result; all lines before it go to the log.
echo "called with $1"
echo "$1" | jq -c '{greeting: ("Hello, " + (.name // "stranger"))}'
