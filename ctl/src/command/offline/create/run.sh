#!/bin/sh
# Tests the actions of this pack, and says how many tests passed.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0

# check WHAT EXPECTED COMMAND...: the command prints just what is expected
check() {
    what=$1
    expected=$2
    shift 2
    if actual=$("$@" 2>&1) && [ "$actual" = "$expected" ]; then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        echo "not ok: $what: expected '$expected', got '$actual'"
    fi
}

check "greets the world" "Hello, world!" actions/hello.sh
check "greets whoever is named" "Hello, Ada!" actions/hello.sh Ada

echo "Total Tests: $((passed + failed))"
echo "Passed: $passed"
echo "Failed: $failed"
echo "Skipped: 0"
[ "$failed" -eq 0 ]
