# SPDX-License-Identifier: MIT
"""Load without mercy: one file that is changed in every way and compared with what it should hold,
as fsx does it, and many processes that do everything in one tree at once, as fsstress does."""

import ctypes
import mmap
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import LIMIT, SANITIZED, call, libc, snapshot

SIZE_MAX = 200_000
CHANGES = 300 if SANITIZED else 1000
PROCESSES = 6
STEPS = 150 if SANITIZED else 600
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16


class Mirror:
    """A file on the mount and the bytes that it should hold."""

    def __init__(self, path, seed):
        self.path, self.random = path, random.Random(seed)
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.bytes = bytearray()

    def span(self, limit):
        """A place and a length that end before `limit`."""
        offset = self.random.randrange(limit + 1)
        return offset, self.random.randrange(min(limit - offset, 40_000) + 1)

    def put(self, offset, data):
        if data:
            self.bytes.extend(bytes(max(0, offset - len(self.bytes))))
            self.bytes[offset:offset + len(data)] = data

    def write(self):
        offset, length = self.span(SIZE_MAX)
        data = self.random.randbytes(length)
        assert os.pwrite(self.fd, data, offset) == length
        self.put(offset, data)

    def append(self):
        if len(self.bytes) < SIZE_MAX:
            data = self.random.randbytes(self.random.randrange(5000))
            with open(self.path, "ab", buffering=0) as file:
                file.write(data)
            self.bytes += data

    def truncate(self):
        size = self.random.randrange(SIZE_MAX)
        self.random.choice([lambda: os.ftruncate(self.fd, size),
                            lambda: os.truncate(self.path, size)])()
        self.bytes = self.bytes[:size].ljust(size, b"\0")

    def map(self):
        if self.bytes:
            offset, length = self.span(len(self.bytes))
            data = self.random.randbytes(length)
            with mmap.mmap(self.fd, len(self.bytes)) as view:
                assert view[:] == self.bytes
                view[offset:offset + length] = data
                if self.random.random() < 0.5:
                    view.flush()
            self.put(offset, data)

    def fallocate(self, mode):
        offset, length = self.span(SIZE_MAX)
        if not length:
            return
        call(libc.fallocate64(self.fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))
        end = offset + length
        if not mode & KEEP_SIZE:
            self.bytes.extend(bytes(max(0, end - len(self.bytes))))
        if mode & ~KEEP_SIZE:
            end = min(end, len(self.bytes))
            self.bytes[offset:end] = bytes(max(0, end - offset))

    def copy(self):
        offset, length = self.span(len(self.bytes))
        target = self.random.randrange(SIZE_MAX)
        if target < offset + length and offset < target + length or not length:
            return
        assert os.copy_file_range(self.fd, self.fd, length, offset, target) == length
        self.put(target, self.bytes[offset:offset + length])

    def read(self):
        offset, length = self.span(SIZE_MAX)
        assert os.pread(self.fd, length, offset) == self.bytes[offset:offset + length]

    def reopen(self):
        os.close(self.fd)
        self.fd = os.open(self.path, os.O_RDWR)

    def step(self):
        fallocates = [lambda mode=mode: self.fallocate(mode)
                      for mode in (0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE)]
        self.random.choice([self.write, self.write, self.append, self.truncate, self.map, self.map,
                            self.copy, self.read, self.read, self.reopen, *fallocates])()
        assert os.fstat(self.fd).st_size == len(self.bytes)


@pytest.mark.parametrize("seed", range(4))
def test_a_file_holds_what_was_done_to_it(shared, place, seed):
    mirror = Mirror(place / "file", seed)
    for number in range(CHANGES):
        mirror.step()
        if number % 20 == 0:
            assert mirror.path.read_bytes() == mirror.bytes, number
    os.close(mirror.fd)
    assert mirror.path.read_bytes() == mirror.bytes
    stored = shared.store / "tree" / place.relative_to(shared.path) / "file"
    assert stored.read_bytes() == mirror.bytes


STRESS = """
import errno, os, random, sys
sys.path.insert(0, sys.argv[1])
from sequences import Maker
from ground import Ground
ground = Ground.__new__(Ground)
ground.directory, ground.slots, ground.user = os.open(sys.argv[2], os.O_RDONLY), {}, 0
maker = Maker(int(sys.argv[3]))
done = 0
for _ in range(int(sys.argv[4])):
    operation = maker.operation()
    if operation[0] in ("user", "map"):  # the others may make shorter what is mapped
        continue
    result = ground.perform(operation)
    done += not (isinstance(result, str) and result in errno.errorcode.values())
    assert result not in ("EIO", "ENOTCONN", "ESTALE", "ENOSYS", "EFAULT", "ENOMEM"), operation
print(done)
"""


def test_many_processes_in_one_tree_leave_it_whole(shared, place, shared_standin):
    before = len(shared_standin.requests())
    modules = Path(__file__).resolve().parent.parent / "posix"
    processes = [subprocess.Popen([sys.executable, "-B", "-c", STRESS, modules, place, str(seed),
                                   str(STEPS)], stdout=subprocess.PIPE, text=True)
                 for seed in range(PROCESSES)]
    done = [process.communicate(timeout=3 * LIMIT)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert sum(map(int, done)) > PROCESSES * STEPS // 5
    shared.idle()
    stored = shared.store / "tree" / place.relative_to(shared.path)
    assert snapshot(place) == snapshot(stored)
    shutil.rmtree(place)
    assert not place.exists()
    assert len(shared_standin.requests()) == before
