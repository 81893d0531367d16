#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual pages have no fault that mandoc finds, and each is installed.
# Usage: pages.sh MAN CMAKELISTS
set -eu
cd "$1"
bad=0
for page in *.[1-8]; do
    # Which other pages this machine has is no fault of theirs.
    if mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found'; then
        bad=1
    fi
    if ! grep -q "man/$page\\b" "$2"; then
        echo "$page: not installed"
        bad=1
    fi
done
exit $bad
