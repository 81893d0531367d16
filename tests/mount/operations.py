# SPDX-License-Identifier: MIT
"""Every operation of the table in easelfs(7), as one function of the node that it is done on.

Symbolic links are not followed where a call can be told so.
"""

import ctypes
import fcntl
import mmap
import os
import select
import socket
import stat
from pathlib import Path

from harness import LIMIT, RENAME_EXCHANGE, RENAME_NOREPLACE, call, libc, renameat2

SOME = "user.some"
MORE_BYTES = 100
KEEP_SIZE = 1
MS_SYNC = 4

libc.mmap.restype = ctypes.c_void_p


class Aid:
    """What an operation needs beside its node: a text to write, and room for other files."""

    def __init__(self, ground, number, text, size):
        self.ground = ground  # a workspace of another model
        self.number = number  # no other operation on a node has it
        self.text = text  # what is written; for a setting a value that it may have
        self.size = size  # of the node's content

    def free(self):
        """A name that nothing has."""
        return self.ground / f"{self.number}-free"

    def peer(self):
        """Another file, with that text."""
        path = self.ground / f"{self.number}-peer"
        path.write_bytes(self.text)
        return path

    def peer_directory(self):
        path = self.ground / f"{self.number}-directory"
        path.mkdir()
        return path

    def new(self, node):
        """A name in the node, which should be a directory, that nothing has."""
        return node / f"{self.number}-new"


def opened(path, flags, action=lambda fd: None):
    """Open the node, do something with its descriptor, and close it."""
    fd = os.open(path, flags | os.O_NOFOLLOW, 0o644)
    try:
        action(fd)
    except BaseException:
        try:
            os.close(fd)
        except OSError:
            pass  # of the two errors the first one counts
        raise
    os.close(fd)


def open_with(flags):
    return lambda path, aid: opened(path, flags)


def write_with(flags):
    return lambda path, aid: opened(path, os.O_WRONLY | flags, lambda fd: os.write(fd, aid.text))


def on_descriptor(flags, action):
    return lambda path, aid: opened(path, flags, action)


def fallocate_with(mode):
    def more(path, aid):
        length = ctypes.c_int64(aid.size + MORE_BYTES)
        opened(path, os.O_RDWR,
               lambda fd: call(libc.fallocate64(fd, mode, ctypes.c_int64(0), length)))
    return more


def copy_from(path, aid):
    target = os.open(aid.free(), os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        opened(path, os.O_RDONLY, lambda fd: os.copy_file_range(fd, target, 1, 0, 0))
    finally:
        os.close(target)


def copy_to(path, aid):
    source = os.open(aid.peer(), os.O_RDONLY)
    try:
        opened(path, os.O_WRONLY | os.O_TRUNC,
               lambda fd: os.copy_file_range(source, fd, len(aid.text), 0, 0))
    finally:
        os.close(source)


def mapped(path, flags, protection, how, first=None):
    """Map the first page, and look at its first byte or write it. Python's own mmap would not let
    an empty file through."""
    def use(fd):
        address = libc.mmap(None, mmap.PAGESIZE, protection, how, fd, ctypes.c_long(0))
        if address == ctypes.c_void_p(-1).value:
            call(-1)
        try:
            if first:
                ctypes.memmove(address, first, 1)
                call(libc.msync(ctypes.c_void_p(address), mmap.PAGESIZE, MS_SYNC))
            elif os.fstat(fd).st_size:
                ctypes.string_at(address, 1)
        finally:
            libc.munmap(ctypes.c_void_p(address), mmap.PAGESIZE)
    opened(path, flags, use)


def map_shared(path, _):
    mapped(path, os.O_RDONLY, mmap.PROT_READ, mmap.MAP_SHARED)


def map_private(path, _):
    mapped(path, os.O_RDONLY, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE)


def map_written(path, aid):
    mapped(path, os.O_RDWR, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED,
           aid.text[:1] if aid.size else None)


def polled(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(LIMIT * 1000)


def bind(path, aid):
    """By a short way to the node: an address has 107 bytes at most."""
    place = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    try:
        with socket.socket(socket.AF_UNIX) as own:
            own.bind(str(aid.new(Path(f"/proc/self/fd/{place}"))))
    finally:
        os.close(place)


def make_node(kind):
    return lambda path, aid: os.mknod(aid.new(path), kind | 0o644, os.makedev(1, 3))


OPERATIONS = {
    "stat": lambda path, aid: os.lstat(path),
    "statfs": lambda path, aid: os.statvfs(path),
    "open r": open_with(os.O_RDONLY),
    "open w": open_with(os.O_WRONLY),
    "open rw": open_with(os.O_RDWR),
    "O_TRUNC": open_with(os.O_WRONLY | os.O_TRUNC),
    "O_CREAT": open_with(os.O_WRONLY | os.O_CREAT),
    "O_EXCL": open_with(os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "O_DIRECTORY": open_with(os.O_RDONLY | os.O_DIRECTORY),
    "O_TMPFILE": lambda path, aid: os.close(os.open(path, os.O_TMPFILE | os.O_RDWR, 0o600)),
    "read": on_descriptor(os.O_RDONLY, lambda fd: os.read(fd, 1)),
    "write": write_with(os.O_TRUNC),
    "append": write_with(os.O_APPEND),
    "truncate": lambda path, aid: os.truncate(path, 0),
    "extend": lambda path, aid: os.truncate(path, aid.size + MORE_BYTES),
    "fallocate": fallocate_with(0),
    "KEEP_SIZE": fallocate_with(KEEP_SIZE),
    "copy from": copy_from,
    "copy to": copy_to,
    "SEEK_HOLE": on_descriptor(os.O_RDONLY, lambda fd: os.lseek(fd, 0, os.SEEK_HOLE)),
    "map shared": map_shared,
    "map written": map_written,
    "map private": map_private,
    "fsync": on_descriptor(os.O_RDONLY, os.fsync),
    "flock": on_descriptor(os.O_RDONLY, lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "fcntl lock": on_descriptor(os.O_RDONLY,
                                lambda fd: fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    "poll": on_descriptor(os.O_RDONLY, polled),
    "chmod": lambda path, aid: os.chmod(path, stat.S_IMODE(os.stat(path).st_mode)),
    "chown": lambda path, aid: os.chown(path, os.getuid(), os.getgid(), follow_symlinks=False),
    "utimens": lambda path, aid: os.utime(path, (1, 2), follow_symlinks=False),
    "setxattr": lambda path, aid: os.setxattr(path, SOME, b"1", follow_symlinks=False),
    "getxattr": lambda path, aid: os.getxattr(path, "user.none", follow_symlinks=False),
    "listxattr": lambda path, aid: os.listxattr(path, follow_symlinks=False),
    "removexattr": lambda path, aid: os.removexattr(path, "user.none", follow_symlinks=False),
    "readlink": lambda path, aid: os.readlink(path),
    "rename": lambda path, aid: os.rename(path, aid.free()),
    "rename onto": lambda path, aid: os.rename(aid.peer(), path),
    "NOREPLACE": lambda path, aid: renameat2(aid.peer(), path, RENAME_NOREPLACE),
    "EXCHANGE": lambda path, aid: renameat2(aid.peer(), path, RENAME_EXCHANGE),
    "dir onto": lambda path, aid: os.rename(aid.peer_directory(), path),
    "link": lambda path, aid: os.link(path, aid.free(), follow_symlinks=False),
    "unlink": lambda path, aid: os.unlink(path),
    "rmdir": lambda path, aid: os.rmdir(path),
    "in: lookup": lambda path, aid: os.lstat(path / "none"),
    "in: create": lambda path, aid: opened(aid.new(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "in: mkdir": lambda path, aid: os.mkdir(aid.new(path)),
    "in: symlink": lambda path, aid: os.symlink("x", aid.new(path)),
    "in: rename": lambda path, aid: os.rename(aid.peer(), aid.new(path)),
    "in: link": lambda path, aid: os.link(aid.peer(), aid.new(path)),
    "in: mknod": make_node(stat.S_IFREG),
    "in: fifo": make_node(stat.S_IFIFO),
    "in: device": make_node(stat.S_IFCHR),
    "in: socket": bind,
}
