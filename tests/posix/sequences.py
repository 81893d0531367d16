#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random sequences of operations, done in a workspace and in a plain directory of the same file
system: each gives the same in both, and so does all that is there in the end. Of times the order is
compared. A sequence in which something differs is shortened, and printed with its seed.

Usage: EASELFS_BUILD=build sequences.py [--sequences N] [--operations N] [--seed N] [--own]

What easelfs refuses by design is left out: hard links, devices, fifos, sockets, and files that
prompts would be; easelfs(7) has it.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from ground import READ_BYTES, Ground  # noqa: E402
from harness import NOBODY, RENAME_EXCHANGE, RENAME_NOREPLACE, as_user  # noqa: E402

STRANGERS = (12345, 23456)
SHORTER_TRIES = 400

NAMES = ["a", "b", "c.png", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/b", "f", "f/a", "f/b", "f/e",
         ".h", ".h/prompt", "README.txt", "status.txt", "0001.png", "n\u00e4h \n x", "n" * 255,
         "n" * 256, "a/b", "none/a", ".", "d/../a"]
USUAL = 12  # the first names are taken more often than the others
OPEN_FLAGS = [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR, os.O_RDWR | os.O_CREAT,
              os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_WRONLY | os.O_TRUNC,
              os.O_RDWR | os.O_APPEND, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
              os.O_RDONLY | os.O_NOFOLLOW, os.O_RDONLY | os.O_DIRECTORY, os.O_RDONLY | os.O_TRUNC,
              os.O_RDONLY | os.O_CREAT]
MODES = [0o600, 0o640, 0o644, 0o666, 0o700, 0o755, 0o777, 0o444, 0o000, 0o1777, 0o2775, 0o4755,
         0o6711]
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
FALLOCATES = [0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE, ZERO_RANGE | KEEP_SIZE, PUNCH_HOLE]
SLOTS = 4


class Maker:
    """Makes operations out of chance, mostly on what should be there by then."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = set()  # names
        self.opened = set()  # slots

    def any_name(self):
        return self.random.choice(NAMES[:USUAL] if self.random.random() < 0.75 else NAMES)

    def name(self):
        if self.made and self.random.random() < 0.8:
            return self.random.choice(sorted(self.made))
        return self.any_name()

    def slot(self):
        if self.opened and self.random.random() < 0.9:
            return self.random.choice(sorted(self.opened))
        return self.random.randrange(SLOTS)

    def note(self, operation):
        """What there is after it, if it succeeds."""
        name, *arguments = operation
        if name in ("create", "mknod", "mkdir"):
            self.made.add(arguments[0])
        elif name == "symlink":
            self.made.add(arguments[1])
        elif name in ("unlink", "rmdir"):
            self.made.discard(arguments[0])
        elif name == "rename":
            self.made.add(arguments[1])
            if arguments[2] != RENAME_EXCHANGE:
                self.made.discard(arguments[0])
        elif name == "open":
            self.opened.add(arguments[0])
        elif name == "close":
            self.opened.discard(arguments[0])
        return operation

    def offset(self):
        return self.random.choice([0, 1, 100, 4095, 4096, 10_000, self.random.randrange(70_000)])

    def data(self):
        size = self.random.choice([0, 1, 10, 4096, 5000, self.random.randrange(40_000)])
        return self.random.randbytes(size)

    def mode(self):
        return self.random.choice(MODES)

    def user(self):
        return self.random.choice([-1, 0, *STRANGERS])

    def time_ns(self):
        return self.random.randrange(10 ** 16)

    def xattr(self):
        return self.random.choice(["user.a", "user.b", "user.none"])

    def operation(self):
        pick, name, slot, new = self.random.choice, self.name, self.slot, self.any_name
        makers = [
            (1, lambda: ("user", pick([0, 0, *STRANGERS]))),
            (5, lambda: ("create", new(), pick([0, 0, os.O_EXCL, os.O_TRUNC, os.O_APPEND]),
                         self.mode(), self.data())),
            (1, lambda: ("mknod", new(), self.mode())),
            (5, lambda: ("mkdir", pick(["d", "d/e", "f", ".h", new()]),
                         pick([0o755, self.mode()]))),
            (2, lambda: ("symlink", pick(["a", "d", "../a", "none", "x" * 300, "d/e"]), new())),
            (1, lambda: ("readlink", name())),
            (3, lambda: ("unlink", name())),
            (2, lambda: ("rmdir", name())),
            (6, lambda: ("rename", name(), pick([name, new])(), 0)),
            (1, lambda: ("rename", name(), new(), RENAME_NOREPLACE)),
            (2, lambda: ("rename", name(), name(), RENAME_EXCHANGE)),
            (2, lambda: ("list", pick(["d", ".", name()]))),
            (2, lambda: ("stat", name())),
            (2, lambda: ("lstat", name())),
            (1, lambda: ("access", name(), pick([os.F_OK, os.R_OK, os.W_OK, os.X_OK]))),
            (2, lambda: ("chmod", name(), self.mode())),
            (2, lambda: ("chown", name(), self.user(), self.user())),
            (2, lambda: ("utime", name(), pick([None, (self.time_ns(), self.time_ns())]))),
            (2, lambda: ("setxattr", name(), self.xattr(), self.data()[:300], pick([0, 0, 1, 2]))),
            (1, lambda: ("getxattr", name(), self.xattr())),
            (1, lambda: ("removexattr", name(), self.xattr())),
            (1, lambda: ("listxattr", name())),
            (2, lambda: ("truncate", name(), self.offset())),
            (2, lambda: ("content", name())),
            (7, lambda: ("open", slot(), name(), pick(OPEN_FLAGS))),
            (2, lambda: ("close", slot())),
            (4, lambda: ("write", slot(), self.data())),
            (4, lambda: ("pwrite", slot(), self.data(), self.offset())),
            (2, lambda: ("read", slot(), self.offset())),
            (3, lambda: ("pread", slot(), READ_BYTES, self.offset())),
            (2, lambda: ("seek", slot(), self.offset(),
                         pick([os.SEEK_SET, os.SEEK_END, os.SEEK_DATA, os.SEEK_HOLE]))),
            (2, lambda: ("ftruncate", slot(), self.offset())),
            (2, lambda: ("fallocate", slot(), pick(FALLOCATES), self.offset(), self.offset())),
            (2, lambda: ("copy", slot(), slot(), self.offset(), self.offset(), self.offset())),
            (2, lambda: ("map", slot(), self.data(), self.offset())),
            (1, lambda: ("fsync", slot())),
            (2, lambda: ("fstat", slot())),
            (1, lambda: ("fchmod", slot(), self.mode())),
            (1, lambda: ("fchown", slot(), self.user(), self.user())),
            (2, lambda: ("same", slot(), name())),
        ]
        weights = [weight for weight, _ in makers]
        make = self.random.choices([make for _, make in makers], weights)[0]
        return self.note(make())


def make_sequence(seed, length):
    maker = Maker(seed)
    first = [("mkdir", "d", 0o777), ("create", "a", 0, 0o666, maker.data()),
             ("create", "d/b", 0, 0o666, maker.data()), ("open", 0, "a", os.O_RDWR),
             ("open", 1, "d/b", os.O_RDWR)]
    for operation in first:
        maker.note(operation)
    return first + [maker.operation() for _ in range(length)]


def shorten(value, limit=60):
    """What a person reads of it."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)})"


def order_differs(ours, theirs):
    """Two names whose times stand one way round here and the other way there."""
    for which, word in enumerate(("mtime", "ctime")):
        for one, other in itertools.combinations(sorted(ours), 2):
            here = ours[one][which] - ours[other][which]
            there = theirs[one][which] - theirs[other][which]
            if here * there < 0:
                return f"{word} of {one!r} and {other!r}: {here} and {there} ns apart"
    return None


def compare_all(ours, theirs):
    """The first difference of two directories, or None."""
    (here, times_here), (there, times_there) = ours.everything(), theirs.everything()
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            return f"in the end {name!r}: {shorten(here.get(name), 400)}, and plain " \
                   f"{shorten(there.get(name), 400)}"
    return order_differs(times_here, times_there)


class Pair:
    """A workspace and a plain directory, in which sequences are done side by side."""

    def __init__(self, workspaces, plain):
        self.parents = (Path(workspaces), Path(plain))
        self.count = 0

    def difference(self, sequence):
        """What the first difference is, in words; None where there is none."""
        self.count += 1
        ours, theirs = [Ground(parent / f"{self.count}") for parent in self.parents]
        try:
            for number, operation in enumerate(sequence):
                here, there = ours.perform(operation), theirs.perform(operation)
                if here != there:
                    return f"operation {number}: {shorten(here, 200)}, and plain " \
                           f"{shorten(there, 200)}"
            return compare_all(ours, theirs)
        finally:
            ours.remove()
            theirs.remove()

    def shortest(self, sequence):
        """As few of these operations as still make a difference."""
        size, tries = len(sequence) // 2, 0
        while size:
            at = 0
            while at < len(sequence) and tries < SHORTER_TRIES:
                tries += 1
                fewer = sequence[:at] + sequence[at + size:]
                if self.difference(fewer):
                    sequence = fewer
                else:
                    at += size
            size //= 2
        return sequence

    def judge(self, seed, length):
        """None, or a text for who has to find out why."""
        sequence = make_sequence(seed, length)
        found = self.difference(sequence)
        if not found:
            return None
        shortest = self.shortest(sequence)
        lines = [f"  {shorten(operation)}" for operation in shortest]
        return "\n".join([f"seed {seed}: {found}", "shortened:", *lines,
                          f"  -> {self.difference(shortest)}"])


def judge_all(pair, seeds, length):
    """What is found, printed as it comes. @return in how many sequences."""
    broken = 0
    for seed in seeds:
        found = pair.judge(seed, length)
        if found:
            broken += 1
            print(found, flush=True)
    return broken


def judge_on(directory, plain, make_mount, url, options):
    """Mount, and judge all sequences there."""
    seeds = range(options.seed, options.seed + options.sequences)
    if options.own:
        os.chown(directory, NOBODY, NOBODY)
        os.chown(plain, NOBODY, NOBODY)
    mount = make_mount(url, user=NOBODY) if options.own else make_mount(url, "-oallow_other")
    pair = Pair(mount.top, plain)
    if options.own:
        broken = as_user(NOBODY, lambda: judge_all(pair, seeds, options.operations))
    else:
        broken = judge_all(pair, seeds, options.operations)
    mount.unmount()
    return broken


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sequences", type=int, default=1000)
    options.add_argument("--operations", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--own", action="store_true",
                         help="as nobody, on a mount of nobody's own, not as several users")
    options = options.parse_args()
    from conftest import enter_namespace, mounts, standins
    enter_namespace()
    directory = Path(tempfile.mkdtemp(prefix="sequences-"))
    plain = directory / "plain"
    plain.mkdir()
    begin = time.monotonic()
    with standins(directory) as make_standin, mounts(directory) as make_mount:
        standin = make_standin()
        broken = judge_on(directory, plain, make_mount, standin.url, options)
        requests = len(standin.requests())
    shutil.rmtree(directory)
    print(json.dumps({"sequences": options.sequences, "operations": options.operations,
                      "seed": options.seed, "own": options.own, "different": broken,
                      "requests": requests, "seconds": round(time.monotonic() - begin)}))
    return 1 if broken or requests else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
