#!/bin/sh
# SPDX-License-Identifier: MIT
# From nothing to pictures: set up, build, mount the demo, make two pictures.
#
# The demo talks to a stand-in API on this machine: no key, no cost. On Debian 12, as root or with
# sudo. Usage: demo.sh [--once] [MOUNTPOINT]
#   --once   unmount at the end, and fail where anything did
set -eu

once=
if [ "${1-}" = --once ]; then
    once=yes
    shift
fi
here=$(cd "$(dirname "$0")" && pwd)
mountpoint=${1:-$HOME/easel}

"$here/setup.sh"

mkdir -p "$mountpoint"
if grep -q " $mountpoint " /proc/self/mountinfo; then
    echo "demo.sh: $mountpoint is mounted already; unmount it with: fusermount3 -u $mountpoint" >&2
    exit 1
fi
store=$(mktemp -d "${TMPDIR:-/tmp}/easelfs-demo.XXXXXX")
"$here/../build/src/easelfs" --demo --store="$store" "$mountpoint"

unmount() {
    cd /
    fusermount3 -u "$mountpoint"
    # The daemon lets go of its store when it has ended.
    flock "$store/lock" true
    rm -rf "$store"
}
[ -z "$once" ] || trap 'unmount 2>/dev/null || true' EXIT INT TERM

# A prompt, and its picture.
cd "$mountpoint/gemini-3-pro-image-preview"
echo "A lighthouse in a storm, oil on canvas" >prompt
first=$(cat .prompt.wait)

# A workspace of its own, with that picture as a reference.
mkdir -p postcard
cp "$first" postcard/lighthouse.jpg
echo "The lighthouse on a postcard, with the words: wish you were here" >postcard/card.prompt
second=$(cat postcard/.card.prompt.wait)

echo
echo "Your pictures:"
for picture in "$PWD/$first" "$PWD/postcard/$second"; do
    test -s "$picture"
    case $(od -An -tx1 -N3 "$picture") in
    " ff d8 ff" | " 89 50 4e") echo "  $picture" ;;
    *) echo "demo.sh: $picture is no picture" >&2 && exit 1 ;;
    esac
done

if [ -n "$once" ]; then
    trap - EXIT INT TERM
    unmount
    echo "Unmounted."
else
    echo
    echo "Make more:  cd $PWD && echo 'A red kite over dunes' > prompt && cat .prompt.wait"
    echo "Unmount:    fusermount3 -u $mountpoint && rm -r $store"
fi
