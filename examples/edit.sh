#!/bin/sh
# SPDX-License-Identifier: MIT
# Change a picture by words, again and again: each change works on what the one before made.
#
# Usage: edit.sh [-p PICTURE] [INSTRUCTION...]
#
# PICTURE lies in a directory of the mount; without it, it is the newest picture of the current
# directory. Each INSTRUCTION is one change, and costs one picture; without any, they are read from
# standard input, one a line. The name of each new picture is printed.
#
#   cd ~/easel/gemini-3-pro-image-preview
#   edit.sh -p 0001.jpg "make it night" "add a full moon"
set -eu

picture=
while getopts p: option; do
    case $option in
    p) picture=$OPTARG ;;
    *)
        sed -n 's/^# Usage: /Usage: /p' "$0" >&2
        exit 2
        ;;
    esac
done
shift $((OPTIND - 1))

if [ -z "$picture" ]; then
    # shellcheck disable=SC2012 # these names are told apart by their times
    picture=$(ls -t -- *.png *.jpg *.webp 2>/dev/null | head -n 1)
fi
if [ ! -f "$picture" ]; then
    echo "edit.sh: there is no picture here to begin with" >&2
    exit 1
fi
cd "$(dirname "$picture")"
picture=$(basename "$picture")
case $picture in
*,*)
    echo "edit.sh: a comma in a name would end it: rename $picture" >&2
    exit 1
    ;;
esac

# change INSTRUCTION: results are no references unless they are named, and here only this one is.
change() {
    cat >edit.prompt <<END
---
references: $picture
---
$1
END
    if ! picture=$(cat .edit.prompt.wait 2>/dev/null); then
        cat edit.error.txt >&2
        exit 1
    fi
    picture=$(printf '%s\n' "$picture" | head -n 1)
    printf '%s\n' "$picture"
}

if [ $# -gt 0 ]; then
    for instruction; do
        change "$instruction"
    done
else
    while IFS= read -r instruction; do
        [ -z "$instruction" ] || change "$instruction"
    done
fi
