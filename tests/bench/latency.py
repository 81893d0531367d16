#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long a look takes while many generations hang, others come in, and hundreds wait.

The promise: stat and ls answer within 50 ms (p99) while 1,000 generations hang. Meanwhile prompts
are saved and their pictures appear in the same directories, without a pause. Ends with status 1
where a p99 is above --limit. Usage: latency.py [--hanging N] [--rounds N] [--waiters N] [--limit MS]
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from crowd import Crowd  # noqa: E402
from harness import FUSECTL, Mount, Standin, error_of, until  # noqa: E402

HANG = "[[standin: delay=3600000, size=16x16, drafts=0, words=]] hangs"
PLACES = 4


class Publications(threading.Thread):
    """Saves prompts, one after the other in each place, until it is stopped."""

    def __init__(self, mount, places):
        super().__init__()
        self.mount, self.places = mount, places
        self.stopping, self.count = threading.Event(), 0

    def run(self):
        while not self.stopping.is_set():
            for place in self.places:
                (place / "new.prompt").write_text(f"[[standin: size=64x64]] {self.count}",
                                                  encoding="utf-8")
            for place in self.places:
                self.mount.wait(".new.prompt.wait", place, 60)
                self.count += 1
                for name in os.listdir(place):
                    if name.startswith("new") and name != "new.prompt":
                        (place / name).unlink()

    def stop(self):
        self.stopping.set()
        self.join()


def hang(mount, standin, places, count):
    begin = time.perf_counter()
    for number in range(count):
        (places[number % PLACES] / f"p{number}.prompt").write_text(f"{HANG} {number}",
                                                                   encoding="utf-8")
    until(lambda: mount.status().count("\nsending") == count, "all of them under way", 300)
    print(f"{count} generations hang, saved and sent in {time.perf_counter() - begin:.1f} s")


def read(path):
    with open(path, "rb", buffering=0) as file:
        return file.read()


def list_long(path):
    for entry in os.scandir(path):
        error_of(entry.stat)  # it may just have been removed


def save(path):
    path.write_text("x", encoding="utf-8")
    path.unlink()


def measure(looks, rounds):
    took = {name: [] for name in looks}
    for _ in range(rounds):
        for name, look in looks.items():
            begin = time.perf_counter()
            look()
            took[name].append((time.perf_counter() - begin) * 1000)
    return {name: sorted(values) for name, values in took.items()}


def show(took):
    print(f"{'ms':34} {'p50':>8} {'p99':>8} {'max':>8}")
    for name, values in took.items():
        print(f"{name:34} {values[len(values) // 2]:8.2f} {values[len(values) * 99 // 100]:8.2f}"
              f" {values[-1]:8.2f}")


def play(directory, options):
    standin = Standin(directory)
    mount = Mount(directory, standin.url, f"-omax_in_flight={options.hanging + 64}", settle=0)
    places = [mount.top / f"w{i}" for i in range(PLACES)]
    quiet = mount.top / "quiet"
    for place in (*places, quiet):
        place.mkdir()
    old = places[0] / mount.generate("[[standin: words=]] a result", directory=places[0])[0]
    hang(mount, standin, places, options.hanging)
    publications = Publications(mount, places)
    looks = {
        "stat of a result": lambda: old.stat(),
        "stat of no file": lambda: error_of(os.stat, places[0] / "none"),
        "stat of a workspace": lambda: places[0].stat(),
        "ls of a workspace": lambda: os.listdir(places[0]),
        "ls -l of a workspace": lambda: list_long(places[0]),
        "ls of a quiet workspace": lambda: os.listdir(quiet),
        "stat of the model's status.txt": lambda: os.stat(mount.top / "status.txt"),
        "status.txt of a workspace": lambda: read(places[0] / "status.txt"),
        "status.txt of the model": lambda: read(mount.top / "status.txt"),
        "status.txt of the root": lambda: read(mount.path / "status.txt"),
        "a result read": lambda: read(old),
        "a note saved and removed": lambda: save(quiet / "note"),
    }
    waiting = FUSECTL / mount.connection / "waiting"
    with Crowd(options.waiters, *(place / ".wait" for place in places)):
        until(lambda: int(waiting.read_text()) >= options.waiters, "the waiters", 60)
        publications.start()
        begin = time.perf_counter()
        took = measure(looks, options.rounds)
        spent = time.perf_counter() - begin
        publications.stop()
    print(f"{options.rounds} rounds, {options.waiters} waiters, {publications.count} pictures"
          f" appeared meanwhile ({publications.count / spent:.0f} in a second)")
    show(took)
    mount.hurry()
    mount.join(60)
    standin.stop()
    return [name for name, values in took.items()
            if values[len(values) * 99 // 100] > options.limit]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--hanging", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=1000)
    options.add_argument("--waiters", type=int, default=500)
    options.add_argument("--limit", type=float, default=50, help="ms that a p99 may have")
    options = options.parse_args()
    from conftest import enter_namespace
    enter_namespace()
    with tempfile.TemporaryDirectory() as directory:
        slow = play(Path(directory), options)
    if slow:
        print(f"slower than {options.limit:g} ms: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
