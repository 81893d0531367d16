#!/bin/sh
# SPDX-License-Identifier: MIT
# Run a command for each picture as soon as it is there, until it is stopped.
#
# Usage: each.sh WORKSPACE COMMAND [ARGUMENT...]
#
# The path of the picture is put behind the arguments. It is complete when it appears: nothing is to
# be waited for. What failed is printed. Needs inotify-tools.
#
#   each.sh ~/easel/gemini-3-pro-image-preview xdg-open
#   each.sh ~/easel/gemini-3-pro-image-preview cp -t ~/Pictures
set -eu

if [ $# -lt 2 ]; then
    sed -n 's/^# Usage: /Usage: /p' "$0" >&2
    exit 2
fi
workspace=$1
shift

# A result comes by a rename, and nothing else in a workspace need do so.
inotifywait -m -q -e moved_to --format '%f' "$workspace" | while IFS= read -r name; do
    case $name in
    *.error.txt) cat "$workspace/$name" >&2 ;;
    *.png | *.jpg | *.webp) "$@" "$workspace/$name" || echo "each.sh: $1 failed: $name" >&2 ;;
    esac
done
