#!/bin/sh
# SPDX-License-Identifier: MIT
# A picture for each line of a list, and never the same one twice.
#
# Usage: batch.sh [--again] LIST [WORKSPACE]
#
# A line of LIST is "NAME: PROMPT"; its picture becomes NAME.jpg or NAME.png in WORKSPACE, a
# directory in the mount (default: the current one). Empty lines, and those that begin with #, are
# left out. What was asked for by an earlier run is not asked for again, so that a run that was
# interrupted can be repeated, and a list that grew only costs what is new. A changed prompt is asked
# for again, and with --again also those that failed. The exit status is 1 where one failed.
set -eu

again=
if [ "${1-}" = --again ]; then
    again=yes
    shift
fi
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n 's/^# Usage: /Usage: /p' "$0" >&2
    exit 2
fi
list=$1
workspace=${2:-.}

# for_each_line COMMAND: call it with name and prompt of each.
for_each_line() {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '' | '#'*) ;;
        *) "$1" "${line%%: *}" "${line#*: }" ;;
        esac
    done <"$list"
}

# Nothing is asked for before all of the list is understood.
names=
check() {
    case $line in
    *': '*) ;;
    *) echo "batch.sh: not \"NAME: PROMPT\": $line" >&2 && exit 2 ;;
    esac
    case $1 in
    '' | *[!A-Za-z0-9_-]*)
        echo "batch.sh: a name has letters, digits, - and _ only: $1" >&2
        exit 2
        ;;
    esac
    case " $names " in
    *" $1 "*) echo "batch.sh: this name is there twice: $1" >&2 && exit 2 ;;
    esac
    names="$names $1"
}

asked=0
ask() {
    file=$workspace/$1.prompt
    if [ -e "$file" ] && [ "$(cat "$file")" = "$2" ]; then
        if [ -z "$again" ] || [ ! -e "$workspace/$1.error.txt" ]; then
            return
        fi
    fi
    printf '%s\n' "$2" >"$file"
    asked=$((asked + 1))
}

for_each_line check
for_each_line ask
echo "Asked for $asked; waiting."
failed=0
for name in $names; do
    # Fails where the last try of that prompt did; its error file says why.
    if pictures=$(cat "$workspace/.$name.prompt.wait" 2>/dev/null); then
        [ -z "$pictures" ] || printf '%s\n' "$pictures" | sed "s|^|$name: |"
    else
        failed=1
        echo "$name: failed: $(head -n 1 "$workspace/$name.error.txt")" >&2
    fi
done
exit $failed
