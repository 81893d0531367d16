#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether things cost more in a large directory, or in a store of many workspaces.

A picture is asked for, published and waited for in directories that hold 1 to 10,000 results
already, under `prompt` (numbered results) and under `cat.prompt` (cat-2, cat-3...); and in one of 1
to 1,000 workspaces. What one costs must not grow with what is there; what looks at everything (ls
-l, du) must grow with the number and no faster. Machines are noisy: the medians count.

Usage: EASELFS_BUILD=build scale.py [--results N,N...] [--workspaces N,N...] [--rounds N]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from conftest import enter_namespace  # noqa: E402
from harness import MODEL, Mount, Standin, jpeg  # noqa: E402

JOB = "0190f5a1b2c0000000000000"
TEXT = "[[standin: size=16x16, words=]] small"


def timed(action, *arguments):
    begin = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begin


def listing(place):
    subprocess.run(["ls", "-lR", place], stdout=subprocess.DEVNULL, check=True,
                   env={"LC_ALL": "C", "PATH": os.environ["PATH"]})


def add_result(path):
    path.write_bytes(jpeg())
    path.chmod(0o444)
    os.setxattr(path, "user.easelfs.job", JOB.encode())


class Scene:
    """A mount over a store that was filled before."""

    def __init__(self, directory, fill):
        self.standin = Standin(directory)
        self.mount = Mount(directory, self.standin.url, settle=0)
        self.mount.unmount()
        fill(self.mount.store / "tree" / MODEL)
        self.mounted = timed(self.mount.start)

    def generate(self, place, name, rounds):
        """Seconds that one picture takes, and of the daemon's those on a processor."""
        times = []
        self.mount.generate(TEXT, name, place)
        before = self.processor()
        for _ in range(rounds):
            times.append(timed(self.mount.generate, TEXT, name, place))
        return statistics.median(times), (self.processor() - before) / rounds

    def processor(self):
        fields = Path(f"/proc/{self.mount.process.pid}/stat").read_text(encoding="ascii")
        user, system = fields.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.mount.settled()
        memory = self.mount.peak_memory_bytes() / 2**20
        self.mount.unmount()
        self.standin.stop()
        return memory


def results(directory, count, rounds):
    """A directory with so many results."""
    def fill(top):
        (top / "w").mkdir()
        add_result(top / "w" / "cat.jpg")
        for i in range(1, count + 1):
            add_result(top / "w" / (f"{i:04}.jpg" if i % 2 else f"cat-{i // 2 + 1}.jpg"))
    scene = Scene(directory, fill)
    place = scene.mount.top / "w"
    listed = timed(listing, place)
    numbered, numbered_cpu = scene.generate(place, "prompt", rounds)
    named, named_cpu = scene.generate(place, "cat.prompt", rounds)
    memory = scene.close()
    print(f"{count:9}{scene.mounted * 1000:9.0f}{listed * 1000:9.0f}{listed / count * 1e6:9.1f}"
          f"{numbered * 1000:10.1f}{numbered_cpu * 1000:9.1f}{named * 1000:10.1f}"
          f"{named_cpu * 1000:9.1f}{memory:9.1f}", flush=True)


def workspaces(directory, count, rounds):
    """So many workspaces, of which one is used."""
    def fill(top):
        for i in range(count):
            (top / f"w{i}").mkdir()
            (top / f"w{i}" / "prompt").write_text("", encoding="utf-8")
            for j in range(1, 10):
                add_result(top / f"w{i}" / f"{j:04}.jpg")
    scene = Scene(directory, fill)
    listed = timed(listing, scene.mount.top)
    spent, processor = scene.generate(scene.mount.top / "w0", "prompt", rounds)
    begin = time.perf_counter()
    for i in range(count):
        (scene.mount.top / f"w{i}" / "prompt").write_text(TEXT, encoding="utf-8")
    scene.mount.wait(limit=600)
    everywhere = time.perf_counter() - begin
    memory = scene.close()
    print(f"{count:9}{scene.mounted * 1000:9.0f}{listed * 1000:9.0f}{listed / count * 1e6:9.1f}"
          f"{spent * 1000:10.1f}{processor * 1000:9.1f}{everywhere / count * 1000:10.1f}{'':9}"
          f"{memory:9.1f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--results", default="1,100,1000,10000")
    options.add_argument("--workspaces", default="1,100,1000")
    options.add_argument("--rounds", type=int, default=21)
    options = options.parse_args()
    print("  results    mount    ls -l      per    numbered, and its       named, and its   memory\n"
          "               ms       ms   one us   picture ms   CPU ms  picture ms   CPU ms      MiB")
    for count in map(int, options.results.split(",")):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            results(Path(directory), count, options.rounds)
    print("\n   work-    mount   ls -lR      per  in one of them, and     a picture in        memory\n"
          "   spaces       ms       ms   one us   its ms    CPU ms     each, ms each          MiB")
    for count in map(int, options.workspaces.split(",")):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            workspaces(Path(directory), count, options.rounds)


if __name__ == "__main__":
    os.umask(0o022)
    enter_namespace()
    main()
