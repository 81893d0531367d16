# SPDX-License-Identifier: MIT
"""A mount for all users of the machine, and three of them, who need no entry in /etc/passwd.

Its daemon is root's, as after `easelfs -o shared`, or a user's without any privilege, as after
`mount.fuse3 -o setuid=USER,drop_privileges`, which mounts before it starts the daemon.
"""

import ctypes
import os
import pwd
import signal
import stat
import subprocess
from pathlib import Path

from harness import (BUILD, HELD, MODEL, Mount, call, end, environment, libc, mounted, run, serves,
                     unmount, until)
from test_tree_users import as_user

ALICE, BOB, CAROL = 60001, 60002, 60003
NOBODY = pwd.getpwnam("nobody")  # whom every system has; the daemon without privileges
MOUNT_OPTIONS = "allow_other,default_permissions,nosuid,nodev,noexec"
MS_REMOUNT = 32
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
ENDLESS = f"[[standin: {HELD}]]"


def let_in(directory):
    """Let every user reach a directory of the test."""
    for path in (Path(directory), *Path(directory).parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o055)


class SharedMount(Mount):
    """As root."""

    daemon_uid, daemon_gid = 0, 0

    def __init__(self, directory, url, *options, **named):
        let_in(directory)
        path = named.pop("path", None) or Path(directory) / "mnt"
        super().__init__(directory, url, "-oshared", *options, path=path, **named)

    def home(self, uid, model=MODEL):
        return self.path / model / str(uid)

    def do(self, uid, *actions, **named):
        """The errno, or None, of each action of a user in the own place."""
        return as_user(self.path / MODEL / "me", *actions, user=uid, group=uid, **named)

    def forget(self):
        """Have the kernel forget every name that is not in use."""
        call(libc.mount(None, os.fsencode(self.path), None, ctypes.c_ulong(
            MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC), None), "remount")

    def store_of(self, uid, model=MODEL):
        return self.store / "tree" / model / str(uid)


class HandedMount(SharedMount):
    """By mount.fuse3, which hands the mount over to a user without privileges."""

    daemon_uid, daemon_gid = NOBODY.pw_uid, NOBODY.pw_gid
    mount_options = MOUNT_OPTIONS

    def __init__(self, directory, url, *options, store=None, **named):
        store = Path(store or Path(directory) / "store")
        store.mkdir(exist_ok=True)
        for path in (store, *store.rglob("*")):
            os.chown(path, self.daemon_uid, self.daemon_gid, follow_symlinks=False)
        super().__init__(directory, url, *options, store=store, **named)

    def command(self, *more):
        key = self.log.parent / "key"
        if key.exists():
            os.chown(key, self.daemon_uid, self.daemon_gid)
        options = ",".join([f"setuid={NOBODY.pw_name},drop_privileges", self.mount_options,
                            *(option.removeprefix("-o") for option in self.options), *more])
        return ["mount.fuse3", f"{BUILD / 'src' / 'easelfs'}#{self.url}", str(self.path), "-o",
                options]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command("foreground"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(HOME="/root", **self.variables))
        until(lambda: self.process.poll() is not None or self.is_ready(), "a mount")
        assert self.process.poll() is None, self.log_text()
        self.connection = mounted(self.path)[2].split(":")[1]

    def is_ready(self):
        return serves(self.path) and f"mounted on {self.path}" in self.log_text()

    def daemon(self):
        """The id of the daemon: mount.fuse3 starts it by way of a shell."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0]) if children.split() else self.process.pid

    def unmount(self):
        unmount("umount", self.path)
        self.join()

    def close(self):
        """The daemon cannot unmount what it was given."""
        run(["umount", "-l", self.path], check=False)
        end(self.process, lambda: os.kill(self.daemon(), signal.SIGTERM))


def daemons():
    return [SharedMount, HandedMount]


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def owner_of(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid
