#!/bin/sh
# Lists the file systems that are at least as full as the first argument says, in percent.
set -eu
limit=${1:-90}
df -P -x tmpfs -x devtmpfs | awk -v limit="$limit" '
    NR > 1 && $5 + 0 >= limit { print $6 " is " $5 " full"; found = 1 }
    END { if (!found) print "no file system is " limit " % full" }'
