#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Results appear, thousands of them, in directories in which others list, search, move and remove
without a pause: a watcher sees exactly one event for each, and nothing hangs. Then the daemon is killed in the middle of it: whoever was at work in the mount can
be killed, too, and the next start delivers the rest, with no picture asked for twice.

Usage: EASELFS_BUILD=build publications.py [--publications N] [--kills N] [--directories N]
"""

import argparse
import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from harness import LIMIT, MODEL, Mount, Standin, Watch, error_of, unmount, until  # noqa: E402

PICTURES = 16  # of one answer; there are the words, too
TEXT = f"[[standin: pictures={PICTURES}, size=16x16]] many"
STALL_S = 10 * LIMIT  # without a publication for so long, one hangs

# What others do in a directory {0}; {1} is the number of the shell.
LOAD = {
    "ls": "while :; do ls -la {0} > /dev/null; done",
    "find": "while :; do find {0} -newer {0}/prompt -size +1 > /dev/null; done",
    "mv": "i=0; while :; do i=$((i+1)); echo $i > {0}/n-{1}; mv {0}/n-{1} {0}/m-{1};"
          " mv {0}/m-{1} {0}/../m-{1}; mv {0}/../m-{1} {0}/m-{1}; done",
    "rm": "while :; do mkdir -p {0}/d-{1}/e; echo x > {0}/d-{1}/e/f; rm -r {0}/d-{1};"
          " rm -f {0}/gone*.jpg; done",
    "results": "while :; do for f in {0}/0*9.jpg; do mv $f {0}/moved/ && rm {0}/moved/*; done; done",
}


def is_result(event):
    _, name, _ = event
    return name[:4].isdigit() and name.endswith((".jpg", ".txt"))


class Load:
    """Shells that are busy in the directories."""

    def __init__(self, *directories):
        self.children = [
            subprocess.Popen(["sh", "-c", line.format(directory, number)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
            for number, directory in enumerate(directories) for line in LOAD.values()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Kill them all, whatever they do. @return how many did not die of it."""
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        left = 0
        for child in self.children:
            try:
                child.wait(LIMIT)
            except subprocess.TimeoutExpired:
                left += 1
        self.children = []
        return left


class Play:
    def __init__(self, directory, publications, places):
        self.standin = Standin(directory)
        self.mount = Mount(directory, self.standin.url, f"-omodels={MODEL}", "-omax_in_flight=8",
                           "-olog_level=debug", settle=0)
        self.places = [self.mount.top / f"w{i}" for i in range(places)]
        for place in self.places:
            (place / "moved").mkdir(parents=True)
            (place / "prompt").touch()
        # Each prompt makes its pictures and one file of words.
        self.jobs = -(-publications // (PICTURES + 1))
        self.saved = 0
        self.seen = 0
        self.longest = 0.0  # s between two publications
        self.looks = []  # s

    def save(self, number):
        place = self.places[number % len(self.places)]
        (place / "prompt").write_text(f"{TEXT} {number}", encoding="utf-8")
        self.saved += 1

    def expected(self):
        return self.jobs * (PICTURES + 1)

    def look(self, stop):
        """In a thread: what a person does meanwhile, timed."""
        while not stop.wait(0.01):
            begin = time.monotonic()
            os.listdir(self.places[0])
            error_of(os.stat, self.places[0] / "none")
            self.looks.append(time.monotonic() - begin)

    def watch(self, watch, goal):
        """Note what appears until that many have."""
        last = time.monotonic()
        while self.seen < goal:
            if not is_result(watch.next(STALL_S)):
                continue
            self.seen += 1
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now

    def publish_all(self):
        """All of them under load, with a watcher in each directory."""
        stop = threading.Event()
        looker = threading.Thread(target=self.look, args=[stop])
        with Watch(*self.places, mask=Watch.MOVED_TO) as watch, Load(*self.places) as load:
            looker.start()
            writer = threading.Thread(target=lambda: [self.save(i) for i in range(self.jobs)])
            writer.start()
            self.watch(watch, self.expected())
            writer.join()
            stop.set()
            looker.join()
            left = load.end()
            self.mount.settled()
            self.seen += sum(is_result(event) for event in watch.drain())
        return left

    def kill(self, number):
        """The daemon dies while it publishes. @return processes that could not be killed."""
        place = self.places[number % len(self.places)]
        with Watch(place, mask=Watch.MOVED_TO) as watch, Load(*self.places) as load:
            for i in range(8):
                (place / f"k{number}-{i}.prompt").write_text(TEXT, encoding="utf-8")
            watch.await_name(f"k{number}-0-2.jpg")
            self.mount.process.kill()
            self.mount.process.wait(LIMIT)
            until(lambda: error_of(os.listdir, place) == "ENOTCONN", "a dead mount")
            left = load.end()
        unmount("fusermount3", "-u", self.mount.path)
        self.mount.start()
        return left

    def requests_twice(self):
        sent = collections.Counter(one["idempotency_key"] for one in self.standin.requests())
        return sum(count > 1 for count in sent.values())

    def cut(self):
        """Pictures in the store that are not whole."""
        found = 0
        for path in (self.mount.store / "tree").rglob("*.jpg"):
            with contextlib.suppress(FileNotFoundError):
                data = path.read_bytes()
                found += not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9"))
        return found


def play(directory, publications, kills, places):
    """The figures."""
    one = Play(directory, publications, places)
    try:
        begin = time.monotonic()
        left = one.publish_all()
        took = time.monotonic() - begin
        log = one.mount.log_text()
        for number in range(kills):
            left += one.kill(number)
        one.mount.settled()
        one.mount.unmount()
    finally:
        one.mount.close()
    looks = sorted(one.looks)
    figures = {
        "publications": one.expected(), "seen": one.seen,
        "not_through_the_mount": log.count("through the mount:"),
        "longest_pause_s": round(one.longest, 3), "seconds": round(took, 1),
        "look_p99_ms": round(looks[len(looks) * 99 // 100] * 1000, 1),
        "look_max_ms": round(looks[-1] * 1000, 1), "looks": len(looks),
        "kills": kills, "unkillable": left, "sent_twice": one.requests_twice(), "cut": one.cut(),
        "unfinished": len(one.mount.unfinished()), "staged": len(one.mount.staged()),
    }
    one.standin.stop()
    return figures


def broken(figures):
    """The promises that the figures break."""
    zero = ("unkillable", "sent_twice", "cut", "unfinished", "staged",
            "not_through_the_mount")
    found = [name for name in zero if figures[name]]
    if figures["seen"] != figures["publications"]:
        found.append("seen")
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--publications", type=int, default=15000)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--directories", type=int, default=4)
    options = options.parse_args()
    from conftest import enter_namespace
    enter_namespace()
    directory = Path(tempfile.mkdtemp(prefix="publications-"))
    figures = play(directory, options.publications, options.kills, options.directories)
    print(json.dumps(figures))
    found = broken(figures)
    if found:
        print(f"broken: {found}; the store is in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
