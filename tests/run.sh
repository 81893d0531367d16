#!/bin/sh
# SPDX-License-Identifier: MIT
# Set up, build, and run every test: plain, under AddressSanitizer and UndefinedBehaviorSanitizer,
# the unit tests under ThreadSanitizer, and a short run of each fuzz target. On Debian 12, as root or
# with sudo.
#
# Usage: run.sh [plain|sanitize|thread|fuzz|thread-mounts]...    (default: the first four)
#   thread-mounts   the tests on real mounts under ThreadSanitizer, too: slow
set -eu
cd "$(dirname "$0")/.."
repo=$PWD

parts=${*:-plain sanitize thread fuzz}

examples/setup.sh clang libclang-rt-14-dev libcmocka-dev python3 python3-pytest \
    python3-pytest-timeout python3-pytest-xdist acl attr curl e2fsprogs file inotify-tools iproute2 \
    jq mandoc openssl procps psmisc rsync strace util-linux vim-tiny

python=/usr/bin/python3
if [ "$(id -u)" != 0 ]; then
    echo "run.sh: the mount tests need several users and mounts: running as root by sudo"
    exec sudo --preserve-env=CI "$0" "$@"
fi

failed=

# build FOLDER CMAKE-OPTIONS...
build() {
    folder=$1
    shift
    cmake -S . -B "$folder" -G Ninja -DEASELFS_WERROR=ON -DEASELFS_TESTS=ON "$@" >"$folder.log" 2>&1 &&
        ninja -C "$folder" >>"$folder.log" 2>&1 || {
        tail -n 60 "$folder.log"
        echo "run.sh: the build in $folder failed" >&2
        exit 1
    }
    rm -f "$folder.log"
}

# step NAME COMMAND...: go on after a failure, to show all of them
step() {
    name=$1
    shift
    echo
    echo "== $name"
    "$@" || failed="$failed
  $name"
}

# mounts FOLDER: the tests on real mounts, with what was built there
mounts() {
    step "mount tests ($1)" env EASELFS_BUILD="$repo/$1" $python -B -m pytest -q -p no:cacheprovider \
        -n 2 --dist loadfile --timeout 300 tests/mount
}

export ASAN_OPTIONS=halt_on_error=1:detect_leaks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:suppressions=$repo/tests/tsan.supp

for part in $parts; do
    case $part in
    plain)
        build build-plain
        step "unit tests (plain)" ctest --test-dir build-plain --output-on-failure -j 2
        step "stand-in" env EASELFS_STANDIN="$repo/build-plain/src/easelfs-standin" \
            $python -B -m pytest -q -p no:cacheprovider --timeout 300 tests/standin
        mounts build-plain
        step "what is delivered" env EASELFS_BUILD="$repo/build-plain" $python -B -m pytest -q \
            -p no:cacheprovider --timeout 300 tests/package
        ;;
    sanitize)
        build build-sanitize -DEASELFS_SANITIZE=address,undefined -DEASELFS_FAILPOINTS=ON
        step "unit tests (address, undefined)" ctest --test-dir build-sanitize --output-on-failure -j 2
        mounts build-sanitize
        ;;
    thread)
        build build-thread -DEASELFS_SANITIZE=thread
        step "unit tests (thread)" ctest --test-dir build-thread --output-on-failure -j 2
        ;;
    thread-mounts)
        build build-thread -DEASELFS_SANITIZE=thread
        mounts build-thread
        ;;
    fuzz)
        build build-fuzz -DEASELFS_FUZZ=ON -DCMAKE_C_COMPILER=clang
        step "fuzz targets" ctest --test-dir build-fuzz --output-on-failure -j 2 -R '^fuzz/'
        ;;
    *)
        echo "run.sh: no such part: $part" >&2
        exit 2
        ;;
    esac
done

echo
if [ -n "$failed" ]; then
    echo "Failed:$failed"
    exit 1
fi
echo "All tests passed: $parts"
