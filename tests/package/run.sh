#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian package on a clean machine: made, installed with what it depends on, used by a user and
# by mount(8), removed and purged; then nothing is left but what its users made. On demand, as root:
# it downloads a small Debian (from where this machine gets its packages) into a folder below /tmp.
#
# Usage: run.sh [PACKAGE]     (default: what cpack makes of this source, in build-package)
#   EASELFS_ROOT=DIRECTORY    use, and keep, the clean system there: the second run takes a minute
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ]; then
    exec sudo --preserve-env=EASELFS_ROOT "$0" "$@"
fi
# Whatever is mounted goes with the script.
if [ -z "${EASELFS_PACKAGE_NAMESPACE-}" ]; then
    EASELFS_PACKAGE_NAMESPACE=yes exec unshare --mount --propagation private "$0" "$@"
fi

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}

for program in debootstrap cmake ninja dpkg-deb; do
    command -v $program >/dev/null || die "$program is missing: examples/setup.sh debootstrap"
done

package=${1-}
if [ -z "$package" ]; then
    say "Making the package"
    cmake -S . -B build-package -G Ninja -DEASELFS_TESTS=OFF >/dev/null
    ninja -C build-package >/dev/null
    rm -f build-package/*.deb
    (cd build-package && cpack -G DEB >/dev/null)
    package=$(ls build-package/easelfs_*.deb)
fi
version=$(dpkg-deb -f "$package" Version)

# --- a clean system

root=${EASELFS_ROOT-}
if [ -z "$root" ]; then
    root=$(mktemp -d /tmp/easelfs-root.XXXXXX)
    trap 'rm -rf --one-file-system "$root"' EXIT
fi
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
if [ ! -e "$root/.complete" ]; then
    say "A clean Debian ($codename)"
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' \
        'Component: main' | sed -n "s/ $codename\$//p" | head -n 1)
    debootstrap --variant=minbase "$codename" "$root" "$mirror" >"$root.log" 2>&1 ||
        die "debootstrap failed: see $root.log"
    rm -f "$root.log"
    touch "$root/.complete"
fi
if [ -n "${EASELFS_ROOT-}" ]; then # what is done to it is forgotten
    mkdir -p "$root.changes" && mount -t tmpfs none "$root.changes"
    mkdir "$root.changes/upper" "$root.changes/work"
    mount -t overlay overlay "$root" \
        -o "lowerdir=$root,upperdir=$root.changes/upper,workdir=$root.changes/work"
fi
mount -t proc proc "$root/proc"
mount -t tmpfs none "$root/dev"
for node in null zero random urandom tty; do
    touch "$root/dev/$node" && mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mknod -m 666 "$root/dev/fuse" c 10 229
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# as_user USER SCRIPT
as_user() {
    chroot "$root" setpriv --reuid="$1" --regid="$1" --init-groups --reset-env \
        env LC_ALL=C.UTF-8 sh -euc "$2"
}

# Everything that is there, but for what apt and dpkg themselves write.
everything() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./run -o -path ./tmp \
        -o -path ./home -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache \
        -o -path ./var/log \) \
        -prune -o -printf '%p %y %m %u:%g %l\n' | sort)
}

say "What the package depends on"
inside apt-get update -q=2
inside apt-get satisfy -y -q=2 --no-install-recommends "$(dpkg-deb -f "$package" Depends)" >/dev/null
inside useradd --create-home --shell /bin/sh alice
inside useradd --create-home --shell /bin/sh bob
passwd_before=$(cat "$root/etc/passwd")
everything >"$root/tmp/before"

# --- installed and used

say "Installing easelfs $version"
cp "$package" "$root/tmp/easelfs.deb"
inside apt-get install -y -q=2 --no-install-recommends /tmp/easelfs.deb >"$root/tmp/apt" 2>&1 || {
    cat "$root/tmp/apt"
    die "it does not install"
}
[ "$(inside dpkg-query -W -f '${Status}' easelfs)" = "install ok installed" ] || die "not installed"
[ "$(inside easelfs --version)" = "easelfs $version" ] || die "another version"
inside getent passwd easelfs | grep -q ':/var/lib/easelfs:/usr/sbin/nologin$' || die "no user"
[ "$(stat -c '%a %U' "$root/var/lib/easelfs" 2>/dev/null || echo none)" != none ] ||
    die "no place for a store"

say "A user's demo"
# It is a picture, it lies where it should, and nothing is left mounted or running.
as_user alice 'cd
    mkdir easel
    easelfs --demo easel
    cd easel/gemini-3-pro-image-preview
    echo "A lighthouse in a storm" >prompt
    picture=$(cat .prompt.wait)
    test "$(head -c 3 "$picture" | od -An -tx1)" = " ff d8 ff"
    ls -l
    cd
    fusermount3 -u easel
    flock .local/share/easelfs-demo/lock true'

say "mount(8)"
mkdir -p "$root/mnt/easel"
for type in easelfs fuse.easelfs; do
    inside mount -t $type none /mnt/easel -o demo,store=/tmp/store,noauto,_netdev
    grep -q " $root/mnt/easel .* - fuse.easelfs " /proc/self/mountinfo || die "not mounted"
    ls "$root/mnt/easel"
    umount "$root/mnt/easel"
    inside flock /tmp/store/lock true
done

say "A workstation"
inside install -d -o easelfs -g easelfs -m 700 /tmp/workstation
inside mount -t easelfs none /mnt/easel \
    -o demo,setuid=easelfs,drop_privileges,multiuser,store=/tmp/workstation
as_user alice 'cd /mnt/easel/gemini-3-pro-image-preview/me
    echo "A lighthouse in a storm" >prompt
    test "$(head -c 3 "$(cat .prompt.wait)" | od -An -tx1)" = " ff d8 ff"'
as_user bob 'cd /mnt/easel/gemini-3-pro-image-preview
    test -z "$(ls me/*.jpg 2>/dev/null)"
    ! cat alice/0001.jpg 2>/dev/null
    ls -l'
umount "$root/mnt/easel"
inside flock /tmp/workstation/lock true
rmdir "$root/mnt/easel"

# --- removed

say "Removing"
inside apt-get remove -y -q=2 easelfs >/dev/null 2>&1
inside sh -c '! command -v easelfs' >/dev/null || die "still there"
inside apt-get purge -y -q=2 easelfs >/dev/null 2>&1
everything >"$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" || die "this is left, or gone"
diff <(echo "$passwd_before") "$root/etc/passwd" || die "a user is left"
test -d "$root/home/alice/.local/share/easelfs-demo/tree" || die "alice's pictures are gone"

say "Installing again; a store that has something in it stays, and its owner with it"
inside apt-get install -y -q=2 --no-install-recommends /tmp/easelfs.deb >/dev/null 2>&1
touch "$root/var/lib/easelfs/picture"
inside apt-get purge -y -q=2 easelfs >/dev/null 2>&1
test -e "$root/var/lib/easelfs/picture" || die "the store is gone"
inside getent passwd easelfs >/dev/null || die "its owner is gone"

say "All is well with $(basename "$package")"
