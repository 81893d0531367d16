#!/bin/sh
# SPDX-License-Identifier: MIT
# pages.sh MAN: mandoc finds nothing to say of any page, and a page of ours that another one names is
# there. (Whether the pages of others are installed here is not asked.)
set -eu
failed=0
command -v mandoc > /dev/null || { echo "mandoc is not installed"; exit 1; }
for page in "$1"/*.[1-8]; do
    mandoc -T lint -W style "$page" 2>/dev/null |
        grep -v -e 'STYLE: referenced manual not found' -e 'outdated mandoc.db' && failed=1
    for named in $(sed -n 's/^\.Xr \(easelfs[a-z.-]*\) \([1-8]\).*/\1.\2/p' "$page"); do
        test -e "$1/$named" || { echo "$page names $named"; failed=1; }
    done
done
exit $failed
