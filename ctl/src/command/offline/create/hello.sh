#!/bin/sh
# Says hello to the first argument.
set -eu
echo "Hello, ${1:-world}!"
