#!/bin/sh
# An entrypoint with an argument: `berth run --rm shell-script Ada`.
echo "$GREETING, $1! I am $(id -un) in $(hostname), process $$."
