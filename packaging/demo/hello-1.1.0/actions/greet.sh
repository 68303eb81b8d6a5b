#!/bin/sh
# Says hello to the first argument, and which version of the pack does it.
set -eu
version=$(sed -n 's/^version: *//p' "$(dirname "$0")/../pack.yaml")
echo "Hello, ${1:-world}! (hello $version)"
