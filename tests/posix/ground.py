# SPDX-License-Identifier: MIT
"""One directory, and operations in it: each gives what is to be compared, or the name of an errno.

Names are relative to the directory, which is the process's own while one is done: so a user may
work in it who could not come there by its path.
"""

import ctypes
import errno
import mmap
import os
import shutil
import stat
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from harness import call, libc, renameat2  # noqa: E402

LONG_AGO_NS = 10 ** 17  # in 1973: such a time was set, and is no clock's
READ_BYTES = 1 << 20


def describe(status):
    """What of a file is the same wherever it is. A directory's size is its file system's own."""
    is_directory = stat.S_ISDIR(status.st_mode)
    return (oct(status.st_mode), status.st_nlink, status.st_uid, status.st_gid,
            None if is_directory else status.st_size)


def set_time(time_ns):
    return time_ns if time_ns < LONG_AGO_NS else "now"


def attempt(action):
    """What it gives, or the name of its errno: a plain user may not read everything."""
    try:
        return action()
    except OSError as error:
        return errno.errorcode[error.errno]


def xattrs_of(path):
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


class Ground:
    """A directory with the descriptors that are open there."""

    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir()
        self.path.chmod(0o1777)
        self.directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        self.slots = {}
        self.user = os.getuid()

    def close(self):
        for fd in self.slots.values():
            os.close(fd)
        os.close(self.directory)

    def remove(self):
        """A plain user may have made what only root can remove."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=os.getuid() != 0)

    def perform(self, operation):
        """Do ("name", argument, ...). The process is who it was before and after."""
        before = os.open(".", os.O_PATH)
        umask = os.umask(0o022)
        try:
            return attempt(lambda: self.perform_here(operation))
        finally:
            os.seteuid(os.getuid())
            os.setegid(os.getgid())
            os.fchdir(before)
            os.umask(umask)
            os.close(before)

    def perform_here(self, operation):
        os.fchdir(self.directory)
        os.setegid(self.user)
        os.seteuid(self.user)
        return getattr(self, "do_" + operation[0])(*operation[1:])

    def slot(self, number):
        if number not in self.slots:
            raise OSError(errno.EBADF, "nothing is open there")
        return self.slots[number]

    # --- who

    def do_user(self, user):
        if os.getuid() == 0:
            self.user = user

    # --- names

    def do_create(self, path, flags, mode, data):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, mode)
        try:
            return os.write(fd, data)
        finally:
            os.close(fd)

    def do_mknod(self, path, mode):
        os.mknod(path, stat.S_IFREG | mode)

    def do_mkdir(self, path, mode):
        os.mkdir(path, mode)

    def do_symlink(self, target, path):
        os.symlink(target, path)

    def do_readlink(self, path):
        return os.readlink(path)

    def do_unlink(self, path):
        os.unlink(path)

    def do_rmdir(self, path):
        os.rmdir(path)

    def do_rename(self, old, new, flags):
        if flags:
            renameat2(old, new, flags)
        else:
            os.rename(old, new)

    def do_list(self, path):
        return sorted(os.listdir(path))

    # --- attributes

    def do_stat(self, path):
        return describe(os.stat(path))

    def do_lstat(self, path):
        status = os.lstat(path)
        return describe(status), set_time(status.st_mtime_ns)

    def do_access(self, path, mode):
        return os.access(path, mode, effective_ids=True)

    def do_chmod(self, path, mode):
        os.chmod(path, mode)

    def do_chown(self, path, user, group):
        os.chown(path, user, group, follow_symlinks=False)

    def do_utime(self, path, times):
        if times:
            os.utime(path, ns=times, follow_symlinks=False)
        else:
            os.utime(path, follow_symlinks=False)

    def do_setxattr(self, path, name, value, flags):
        os.setxattr(path, name, value, flags)

    def do_getxattr(self, path, name):
        return os.getxattr(path, name)

    def do_removexattr(self, path, name):
        os.removexattr(path, name)

    def do_listxattr(self, path):
        return sorted(os.listxattr(path))

    # --- content

    def do_truncate(self, path, size):
        os.truncate(path, size)

    def do_content(self, path):
        with open(path, "rb") as file:
            return file.read()

    # --- what is open

    def do_open(self, number, path, flags):
        self.do_close(number)
        self.slots[number] = os.open(path, flags, 0o640)

    def do_close(self, number):
        if number in self.slots:
            os.close(self.slots.pop(number))

    def do_write(self, number, data):
        return os.write(self.slot(number), data)

    def do_pwrite(self, number, data, offset):
        return os.pwrite(self.slot(number), data, offset)

    def do_read(self, number, size):
        return os.read(self.slot(number), size)

    def do_pread(self, number, size, offset):
        return os.pread(self.slot(number), size, offset)

    def do_seek(self, number, offset, whence):
        if stat.S_ISDIR(os.fstat(self.slot(number)).st_mode):
            return None  # a position in a directory is its file system's own
        return os.lseek(self.slot(number), offset, whence)

    def do_ftruncate(self, number, size):
        os.ftruncate(self.slot(number), size)

    def do_fallocate(self, number, mode, offset, length):
        call(libc.fallocate64(self.slot(number), mode, ctypes.c_int64(offset),
                              ctypes.c_int64(length)))

    def do_copy(self, source, target, size, offset, to_offset):
        return os.copy_file_range(self.slot(source), self.slot(target), size, offset, to_offset)

    def do_map(self, number, data, offset):
        """Change what a shared mapping shows, as far as the file goes."""
        fd = self.slot(number)
        status = os.fstat(fd)
        size = status.st_size
        if os.getuid() != 0 and status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            return None  # a daemon without privileges takes them when the pages are written
        if size <= offset:
            return "EMPTY"
        with mmap.mmap(fd, size) as view:
            data = data[:size - offset]
            view[offset:offset + len(data)] = data
            view.flush()
            return view[:]

    def do_fsync(self, number):
        fd = self.slot(number)
        if os.getuid() != 0 and stat.S_ISDIR(os.fstat(fd).st_mode):
            return  # a daemon without privileges cannot, where the mode has changed since
        os.fsync(fd)

    def do_fstat(self, number):
        return describe(os.fstat(self.slot(number)))

    def do_fchmod(self, number, mode):
        os.fchmod(self.slot(number), mode)

    def do_fchown(self, number, user, group):
        os.fchown(self.slot(number), user, group)

    def do_same(self, number, path):
        """Whether what is open is what has that name."""
        return os.path.samestat(os.fstat(self.slot(number)), os.stat(path))

    # --- all of it

    @staticmethod
    def one(path):
        status = attempt(path.lstat)
        if isinstance(status, str):
            return status
        content, xattrs = None, None
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        else:
            xattrs = attempt(lambda: xattrs_of(path))
        if stat.S_ISREG(status.st_mode):
            content = attempt(path.read_bytes)
        return describe(status), set_time(status.st_mtime_ns), content, xattrs

    def everything(self):
        """{name: attributes and content} of all that is there, and {name: times}."""
        found, times = {}, {}
        for root, directories, files in os.walk(self.path):
            for path in (Path(root) / name for name in directories + files):
                name = str(path.relative_to(self.path))
                found[name] = self.one(path)
                if os.access(path, os.F_OK, follow_symlinks=False):
                    status = path.lstat()
                    times[name] = (status.st_mtime_ns, status.st_ctime_ns)
        return found, times
