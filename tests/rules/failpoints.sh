#!/bin/sh
# SPDX-License-Identifier: MIT
# Nothing of the failpoints is in a program that is not built for them: neither the function, nor
# the variable that chooses, nor the name of any step. Usage: failpoints.sh PROGRAM SRC
set -eu
names=$(grep -rhoE 'failpoint\("[^"]+"\)' "$2" --include='*.c' | sed 's/.*"\(.*\)".*/\1/' | sort -u)
[ "$(echo "$names" | wc -l)" -gt 30 ] || { echo "the names of the failpoints are not found"; exit 1; }
bad=0
if nm "$1" 2>/dev/null | grep failpoint; then
    bad=1
fi
# A word of the rodata that is a name, and nothing else.
if strings -a "$1" | grep -xF -e EASELFS_FAIL -e "$names"; then
    bad=1
fi
exit $bad
