#!/bin/sh
# SPDX-License-Identifier: MIT
# Install every program of the tests here, on Debian 12, and run all of these tests, those of the big
# programs too, against what stands in $EASELFS_BUILD, or build. As root or with sudo.
#
# Usage: run.sh [PYTEST-ARGUMENT]...
set -eu
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ]; then
    exec sudo --preserve-env=EASELFS_BUILD "$0" "$@"
fi

missing=
for package in python3-pytest python3-pytest-timeout \
    $(sed 's/#.*//' tests/clients/packages | awk '{ print $1 }'); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "Installing:$missing"
    # Of a list that cannot be refreshed the packages may be there all the same.
    apt-get update -q || true
    # shellcheck disable=SC2086
    env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
fi

EASELFS_CLIENTS=all exec /usr/bin/python3 -B -m pytest -q -p no:cacheprovider --timeout 300 \
    tests/clients "$@"
