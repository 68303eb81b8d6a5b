#!/bin/sh
# Greets the first argument and lists full file systems, with the packs that lie beside this one.
set -eu
packs=${0%/*/*/*}
"$packs/hello/actions/greet.sh" "${1:-world}"
"$packs/disk_report/actions/report.sh"
