#!/bin/sh
# SPDX-License-Identifier: MIT
# options.sh EASELFS MAN: every option of `easelfs --help` is in easelfs(1), every key of
# `easelfs --print-config` in easelfs.conf(5) with the default it has, and neither page has more.
set -eu

easelfs=$1
man=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# same WHAT A B: two sorted lists of names are equal.
same() {
    if ! diff "$2" "$3" > "$work/diff"; then
        echo "$1:"
        cat "$work/diff"
        failed=1
    fi
}

HOME=/nonexistent
export HOME
unset XDG_CONFIG_HOME XDG_DATA_HOME || true
"$easelfs" --help > "$work/help"
"$easelfs" --config=/dev/null --print-config > "$work/config"

sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' "$work/help" | sort > "$work/help-names"
sed -n 's/^\.It .*Fl -\([a-z-]*\).*/\1/p' "$man/easelfs.1" | sort > "$work/page-names"
test -s "$work/help-names" || { echo "no option found in --help"; exit 1; }
same "options of --help (<) and of easelfs(1) (>)" "$work/help-names" "$work/page-names"

sed -n '/^\[settings\]/q; s/^\([a-z_]*\) =.*/\1/p' "$work/config" | sort > "$work/config-keys"
sed -n 's/^\.It Cm \([a-z_]*\) No = .*/\1/p' "$man/easelfs.conf.5" | sort > "$work/page-keys"
test -s "$work/config-keys" || { echo "no key found in --print-config"; exit 1; }
same "keys of --print-config (<) and of easelfs.conf(5) (>)" "$work/config-keys" "$work/page-keys"

# Each key is an option too, with dashes.
tr _ - < "$work/config-keys" | sort > "$work/config-names"
comm -23 "$work/config-names" "$work/help-names" > "$work/no-option"
: > "$work/nothing"
same "keys that are no option (<)" "$work/no-option" "$work/nothing"

# "Default: 200." and "Default:" with ".Cm ask ." below; what needs a sentence is not compared.
awk '/^\.It Cm [a-z_]* No = / { key = $3 }
     /^Default: [0-9]+[KMG]?\.$/ { sub(/\.$/, "", $2); print key " = " $2 }
     word && /^\.Cm [a-z]+ \.$/ { print key " = " $2 }
     { word = /^Default:$/ }' "$man/easelfs.conf.5" | sort > "$work/page-defaults"
test "$(wc -l < "$work/page-defaults")" -ge 17 || { echo "defaults are missing"; failed=1; }
grep -F -x -f "$work/page-defaults" "$work/config" | sort > "$work/true-defaults"
same "defaults that easelfs.conf(5) says (<) and that are so (>)" \
     "$work/page-defaults" "$work/true-defaults"

exit $failed
