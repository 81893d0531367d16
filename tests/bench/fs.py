#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast the mount is as a file system, beside the plain directory and beside others like it.

In one run and in turns, each freshly mounted for each round: the plain directory, easelfs, bindfs
(the Debian package; with one thread and with many), and libfuse's example passthrough_ll, with its
caches (cache=always), with none (cache=never) and with writeback. Machines are noisy: only the
ratios count, each the median of those of the rounds. 1.00 is as fast as the plain directory, and
less is slower.

passthrough_ll comes in no package. It is built from libfuse's source, of the release of the
libfuse3-dev that is installed:

    gcc -O2 -D_FILE_OFFSET_BITS=64 -I/usr/include/fuse3 -o passthrough_ll \\
        example/passthrough_ll.c -lfuse3

"Cold" is what the mount has not been asked before. Where the store is on a disk, the page cache is
dropped before, so that it is cold there, too.

Usage: EASELFS_BUILD=build fs.py [--rounds N] [--directory DIR] [--passthrough-ll PROGRAM]
                                   [--only MEASURE] [--beside OTHER]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from conftest import enter_namespace  # noqa: E402
from harness import LIMIT, MODEL, Mount, Standin, mounted, run, until  # noqa: E402

MIB = 1 << 20
BIG_FILES, BIG_BYTES = 32, 4 * MIB
WRITTEN_FILES, WRITTEN_BYTES = 20, 5 * MIB
SMALL_FILES, SMALL_BYTES = 2000, 4096
ENTRIES = 10_000
PLL = "timeout=3600,cache={}"


def fill(directory):
    """What is read: the same in every file system."""
    for name in ("big", "small", "many", "new"):
        (directory / name).mkdir(parents=True)
    block = os.urandom(BIG_BYTES)
    for i in range(BIG_FILES):
        (directory / "big" / f"{i:04}.png").write_bytes(block)
    for i in range(SMALL_FILES):
        (directory / "small" / f"{i:04}.png").write_bytes(block[:SMALL_BYTES])
    for i in range(ENTRIES):
        (directory / "many" / f"{i + 1:04}.png").write_bytes(b"\x89PNG")


class Plain:
    """The directory itself, and what the others have in common."""

    name = "plain"

    def __init__(self, directory):
        self.source = directory / self.name.replace(" ", "-")
        self.place = self.source
        fill(self.source)

    def begin(self):
        pass

    def end(self):
        pass


class Other(Plain):
    """A file system of somebody else's, over a directory."""

    def __init__(self, directory, name, command):
        self.name = name
        super().__init__(directory)
        self.place = directory / (self.source.name + "-mount")
        self.place.mkdir()
        self.command = [word.format(source=self.source, place=self.place) for word in command]
        self.process = None

    def begin(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        until(lambda: mounted(self.place) or self.process.poll() is not None, self.name)
        assert self.process.poll() is None, self.command

    def end(self):
        run(["fusermount3", "-u", self.place])
        self.process.wait(LIMIT)


class Easelfs(Plain):
    """A workspace of ours. It was filled in the store, while nothing was mounted."""

    name = "easelfs"

    def __init__(self, directory):
        own = directory / "own"
        own.mkdir()
        self.standin = Standin(own)
        self.mount = Mount(own, self.standin.url)
        self.mount.unmount()
        self.place = self.mount.top / "bench"
        fill(self.mount.store / "tree" / MODEL / "bench")

    def begin(self):
        self.mount.start()

    def end(self):
        self.mount.idle()
        self.mount.unmount()

    def stop(self):
        assert not self.standin.requests()
        self.standin.stop()


def timed(action, *arguments):
    begin = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begin


def read_big(place):
    buffer = bytearray(MIB)
    for i in range(BIG_FILES):
        fd = os.open(place / "big" / f"{i:04}.png", os.O_RDONLY)
        while os.readv(fd, [buffer]):
            pass
        os.close(fd)


def write(place, size):
    block = b"x" * size
    for i in range(WRITTEN_FILES):
        fd = os.open(place / "new" / f"{i:04}.png", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        for _ in range(WRITTEN_BYTES // size):
            os.write(fd, block)
        os.close(fd)


def clean(place):
    for entry in os.scandir(place / "new"):
        os.unlink(entry.path)


def list_many(place):
    subprocess.run(["ls", "-l", place / "many"], stdout=subprocess.DEVNULL, check=True,
                   env={"LC_ALL": "C", "PATH": os.environ["PATH"]})


def read_small(place):
    buffer = bytearray(SMALL_BYTES)
    top = os.fsencode(place / "small")
    for i in range(SMALL_FILES):
        fd = os.open(b"%s/%04d.png" % (top, i), os.O_RDONLY)
        os.readv(fd, [buffer])
        os.close(fd)


def stat_many(place):
    top = os.fsencode(place / "many")
    for i in range(ENTRIES):
        os.stat(b"%s/%04d.png" % (top, i + 1))


READ_MB, WRITTEN_MB = BIG_FILES * BIG_BYTES / 1e6, WRITTEN_FILES * WRITTEN_BYTES / 1e6
# What is measured, in this order: unit, what one second is divided into, function, arguments.
MEASURES = {
    "ls -l of 10,000, cold": ("ms", None, list_many),
    "ls -l of 10,000, warm": ("ms", None, list_many),
    "stat, warm": ("k/s", ENTRIES / 1000, stat_many),
    "open, read 4K, close, cold": ("k/s", SMALL_FILES / 1000, read_small),
    "open, read 4K, close, warm": ("k/s", SMALL_FILES / 1000, read_small),
    "read, cold": ("MB/s", READ_MB, read_big),
    "read, warm": ("MB/s", READ_MB, read_big),
    "write by 128K": ("MB/s", WRITTEN_MB, write, 128 * 1024),
    "write by 1M": ("MB/s", WRITTEN_MB, write, MIB),
}


def measure(system, times, drops_caches):
    """One round of one of them."""
    system.begin()
    os.sync()  # nobody pays for what another has left to be written
    if drops_caches:
        Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    for name in times:
        _, _, function, *arguments = MEASURES[name]
        times[name][system.name].append(timed(function, system.place, *arguments))
        clean(system.place)
    system.end()


def show(systems, times):
    names = [system.name for system in systems]
    width = max(len(name) for name in names) + 2
    print(f"\n{'':28}{'':>6}" + "".join(f"{name:>{width}}" for name in names))
    for measure_name, row in times.items():
        unit, amount, *_ = MEASURES[measure_name]
        medians = [statistics.median(row[name]) for name in names]
        values = [amount / value if amount else value * 1000 for value in medians]
        print(f"{measure_name:28}{unit:>6}" + "".join(f"{value:{width}.1f}" for value in values))
        ratios = [statistics.median(a / b for a, b in zip(row["plain"], row[name])) for name in names]
        print(f"{'':28}{'x':>6}" + "".join(f"{ratio:{width}.2f}" for ratio in ratios))
    print("\neaselfs is so many times as fast as:")
    for measure_name, row in times.items():
        print(f"{measure_name:34}" + "".join(
            f"{statistics.median(b / a for a, b in zip(row['easelfs'], row[name])):{width}.2f}"
            for name in names))


def others(directory, options):
    found = []
    if shutil.which("bindfs"):
        bindfs = ["bindfs", "-f", "{source}", "{place}"]
        found += [Other(directory, "bindfs", bindfs),
                  Other(directory, "bindfs mt", bindfs + ["--multithreaded"])]
    else:
        print("bindfs is not installed: left out")
    if options.passthrough_ll:
        for name, cache in (("pll", "always"), ("pll direct", "never"),
                            ("pll writeback", "always,writeback")):
            source = "source={source}," + PLL.format(cache)
            found.append(Other(directory, name, [options.passthrough_ll, "-f", "-o", source, "{place}"]))
    else:
        print("no path of passthrough_ll was given: left out (see --help)")
    return [system for system in found if options.beside in system.name]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--directory", default="/dev/shm", help="where the files are (/dev/shm)")
    options.add_argument("--passthrough-ll", default=os.environ.get("PASSTHROUGH_LL"),
                         help="the program; or the environment variable PASSTHROUGH_LL")
    options.add_argument("--only", default="", help="of the measures, those with this in their name")
    options.add_argument("--beside", default="", help="of the others, those with this in their name")
    options = options.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        directory = Path(directory)
        kind = run(["stat", "-f", "-c", "%T", directory], text=True).stdout.strip()
        easelfs = Easelfs(directory)
        systems = [Plain(directory), easelfs, *others(directory, options)]
        times = {name: {system.name: [] for system in systems} for name in MEASURES if options.only in name}
        for _ in range(options.rounds):
            for system in systems:
                measure(system, times, kind != "tmpfs")
        print(f"{options.rounds} rounds on {kind}, {os.cpu_count()} processors, medians")
        show(systems, times)
        easelfs.stop()


if __name__ == "__main__":
    os.umask(0o022)
    enter_namespace()
    main()
