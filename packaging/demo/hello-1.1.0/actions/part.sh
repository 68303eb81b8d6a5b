#!/bin/sh
# Says goodbye to the first argument.
set -eu
echo "Goodbye, ${1:-world}!"
