# SPDX-License-Identifier: MIT
"""Thousands of readers: processes of many threads, each of which reads one file to its end.

As a program: FIRST and COUNT, then paths: reader number N reads path N, over and over. Says when all
have opened theirs and, when all have ended, as JSON how many had which end: what they read, or the
name of the error.
"""

import collections
import errno
import json
import os
import subprocess
import sys
import threading

STACK_BYTES = 64 * 1024
THREADS_MAX = 240  # of one process
OPENED = "opened"


def read(path, opened, ends):
    """The end of one reader."""
    text = b""
    try:
        try:
            fd = os.open(path, os.O_RDONLY)
        finally:
            opened.release()
        while piece := os.read(fd, 65536):
            text += piece
        os.close(fd)
        ends.append(text.decode())
    except OSError as error:
        ends.append(errno.errorcode[error.errno])


def main(first, count, paths):
    opened, ends = threading.Semaphore(0), []
    threading.stack_size(STACK_BYTES)
    threads = [threading.Thread(target=read, args=[paths[i % len(paths)], opened, ends])
               for i in range(first, first + count)]
    for thread in threads:
        thread.start()
    for _ in threads:
        opened.acquire()
    print(OPENED, flush=True)
    for thread in threads:
        thread.join()
    print(json.dumps(collections.Counter(ends)))


class Crowd:
    """That many readers of some files, while it is entered: all have them open, and only read."""

    def __init__(self, count, *paths):
        sizes = [THREADS_MAX] * (count // THREADS_MAX) + [count % THREADS_MAX]
        self.processes = [
            subprocess.Popen([sys.executable, "-I", "-S", "-B", __file__, str(i * THREADS_MAX),
                              str(size), *paths], stdout=subprocess.PIPE,
                             bufsize=0)  # communicate() sees no buffer
            for i, size in enumerate(sizes) if size]

    def __enter__(self):
        for process in self.processes:
            assert process.stdout.readline() == f"{OPENED}\n".encode()
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """End them all, as the kernel does: returns when they are gone."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            process.stdout.close()

    def end(self, limit):
        """How many had which end, once all have."""
        ends = collections.Counter()
        for process in self.processes:
            out, _ = process.communicate(timeout=limit)
            assert process.returncode == 0
            ends.update(json.loads(out))
        return ends


if __name__ == "__main__":
    os.umask(0o022)
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
