#!/bin/sh
# SPDX-License-Identifier: MIT
# Run file managers on a screen that nobody sees, on a mount of what stands in $EASELFS_BUILD, or
# build, and leave screenshots to be looked at. Installs what it needs, on Debian 12; as root or
# with sudo. The file managers, and the mount, are those of a user who exists for them only, with a
# home in /tmp; so the folder of the build has to be one that others may enter.
#
# Usage: run.sh [--output FOLDER] [thunar|pcmanfm|nautilus]... [-- PYTEST-ARGUMENT...]
#   --output FOLDER   where the screenshots go (default: a new folder in /tmp)
set -eu

output=
managers=
flags=
while [ $# -gt 0 ]; do
    case $1 in
    --output)
        output=$(realpath -m "$2")
        shift
        ;;
    thunar | pcmanfm | nautilus)
        managers="$managers $1"
        flags="$flags --manager $1"
        ;;
    --)
        shift
        break
        ;;
    *)
        sed -n 's/^# Usage/Usage/p' "$0" >&2
        exit 2
        ;;
    esac
    shift
done

cd "$(dirname "$0")/../../.."
if [ "$(id -u)" != 0 ]; then
    # shellcheck disable=SC2086
    exec sudo --preserve-env=EASELFS_BUILD "$PWD/tests/clients/gui/run.sh" \
        ${output:+--output "$output"} $managers -- "$@"
fi

missing=
for package in python3-pytest python3-pytest-timeout $(sed 's/#.*//' tests/clients/gui/packages); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "Installing:$missing"
    apt-get update -q || true
    # shellcheck disable=SC2086
    env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
fi

# shellcheck disable=SC2086
exec /usr/bin/python3 -B -m pytest -q -s -p no:cacheprovider --timeout 300 --rootdir=. \
    --confcutdir=tests tests/clients/gui/check_managers.py $flags \
    ${output:+--output "$output"} "$@"
