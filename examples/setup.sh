#!/bin/sh
# SPDX-License-Identifier: MIT
# Set up what easelfs needs on Debian 12 and build it into build/, as root or with sudo.
# Usage: setup.sh [PACKAGE...]    more packages to install
set -eu
cd "$(dirname "$0")/.."

packages="build-essential cmake ninja-build pkg-config fuse3 libfuse3-dev libcurl4-openssl-dev
libcjson-dev libmagic-dev libssl-dev libinih-dev libseccomp-dev libmicrohttpd-dev libcairo2-dev
libjpeg62-turbo-dev fonts-dejavu-core $*"

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "Installing:$missing"
    # Of a list that cannot be refreshed the packages may be there all the same.
    $sudo apt-get update -q || true
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
fi

cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEASELFS_TESTS=OFF >build.log 2>&1 &&
    ninja -C build >>build.log 2>&1 || {
    tail -n 40 build.log
    echo "setup.sh: the build failed; all of it is in build.log" >&2
    exit 1
}
rm -f build.log
echo "Built: build/src/easelfs"
