#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kills the daemon at random moments while prompts are saved: none is lost, none is sent twice, no
result is cut, and no more is unknown than was in flight at the kills.

Usage: EASELFS_BUILD=build kills.py [--kills N] [--prompts N] [--seed N]
"""

import argparse
import collections
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from harness import MODEL, Mount, Standin, until  # noqa: E402

IN_FLIGHT = 16
PICTURE = "variant=0, size=16x16, words="
DIRECTORY_FILES = 250  # prompts in one workspace: looking for free names costs by what is there


def text_of(number):
    return f"---\naspect_ratio: 1:1\n---\n{number} [[standin: {PICTURE}, delay={number % 7 * 4}]]"


class Play:
    """Prompts are saved, and the daemon dies now and then."""

    def __init__(self, directory, prompts, kills, seed, *options, within=None, tries=None):
        self.random = random.Random(seed)
        self.prompts, self.kills = prompts, kills  # prompts that are to be accepted
        self.within = within or prompts  # the kills fall while the first ones of these are saved
        self.tries = tries or 2 * prompts  # prompts that are saved at most, whatever is said to it
        self.standin = Standin(directory)
        self.mount = Mount(directory, self.standin.url, f"-omodels={MODEL}",
                           f"-omax_in_flight={IN_FLIGHT}", *options, settle=0)
        self.kept = []  # numbers whose close() returned 0
        self.refused = collections.Counter()  # names of errors
        self.number = 0
        self.interrupted = 0  # at most so many were in flight at the kills
        self.up = threading.Condition()
        self.is_up = True

    def save(self):
        """One prompt; what its close() said."""
        number = self.number
        self.number += 1
        directory = self.mount.top / f"{number // DIRECTORY_FILES:03}"
        try:
            directory.mkdir(exist_ok=True)
            with open(directory / f"{number:05}.prompt", "wb", buffering=0) as file:
                file.write(text_of(number).encode())
        except OSError as error:
            self.refused[os.strerror(error.errno)] += 1
            return False
        self.kept.append(number)
        return True

    def save_all(self):
        """In a thread: prompts, as fast as they are taken, until enough were."""
        while len(self.kept) < self.prompts and self.number < self.tries:
            with self.up:
                self.up.wait_for(lambda: self.is_up)
            self.save()

    def in_flight(self):
        """Jobs of the dead daemon that were being sent, and of which no answer is on disk."""
        count = 0
        for path in (self.mount.store / "jobs").iterdir():
            record = path / "record.json"
            if record.exists() and not (path / "answer").exists():
                count += json.loads(record.read_text(encoding="utf-8"))["state"] == "sending"
        return count

    def kill(self):
        with self.up:
            self.is_up = False
        self.mount.process.kill()
        self.mount.kill()
        in_flight = self.in_flight()
        assert in_flight <= IN_FLIGHT
        self.interrupted += in_flight
        self.mount.start()
        with self.up:
            self.is_up = True
            self.up.notify_all()

    def run(self):
        writer = threading.Thread(target=self.save_all, daemon=True)
        writer.start()
        until(lambda: any((self.mount.store / "tree").glob("*/*/*.jpg")), "a picture", 300)
        for kill in range(self.kills):
            goal = (kill + 1) * self.within // (self.kills + 1)
            until(lambda: self.number >= goal or not writer.is_alive(), "prompts", 300)
            threading.Event().wait(self.random.uniform(0, 0.05))
            self.kill()
        writer.join()
        until(self.is_at_rest, "the end", 600)
        self.mount.idle()
        self.mount.unmount()

    def is_at_rest(self):
        """Whether nothing is unfinished but what waits for another day's budget."""
        left = len(self.mount.unfinished())  # also what a start has not yet taken up
        lines = self.mount.status(self.mount.top).splitlines()
        if lines[0] == "Nothing is unfinished.":
            return not left
        return len(lines) == left and all("tomorrow" in line for line in lines)

    def requests(self):
        """How often each job was read whole."""
        return collections.Counter(one["idempotency_key"] for one in self.standin.requests())

    def figures(self):
        """All there is to judge. Reads the store of a daemon that has ended."""
        states, unknown, numbers = collections.Counter(), set(), set()
        jobs, kept = {}, set(self.kept)
        for record in self.mount.records():
            number = int(record["prompt_name"].split(".")[0])
            if number not in kept and record["state"] == "failed":
                continue  # as its writer was told
            states[record["state"]] += 1
            numbers.add(number)
            jobs[record["id"]] = record["state"]
            if record["state"] == "unknown":
                unknown.add(record["id"])
        waiting = {json.loads(path.read_text(encoding="utf-8"))["prompt_name"]
                   for path in (self.mount.store / "jobs").glob("*/record.json")}
        numbers |= {int(name.split(".")[0]) for name in waiting}
        results, cut = collections.Counter(), 0
        for path in (self.mount.store / "tree").glob("*/*/*.jpg"):
            data = path.read_bytes()
            cut += not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9"))
            results[os.getxattr(path, "user.easelfs.job").decode()] += 1
        requests = self.requests()
        done = {job for job, state in jobs.items() if state == "done"}
        return {
            "kills": self.kills, "saved": len(self.kept), "requests": sum(requests.values()),
            "lost": len(kept - numbers),
            "sent_twice": sum(count > 1 for count in requests.values()),
            "done": len(done), "unknown": len(unknown), "in_flight_at_kills": self.interrupted,
            "other": sum(states.values()) - len(done) - len(unknown),
            "results": sum(results.values()), "cut": cut,
            "done_without_one_result": sum(results[job] != 1 for job in done),
            "results_of_others": len(set(results) - done),
            "waiting": len(self.mount.unfinished()), "left": len(self.mount.staged()),
            "corrupt": len(os.listdir(self.mount.store / "corrupt")),
        }


def broken(figures, may_wait=False):
    """The promises that the figures break. @may_wait: for another day."""
    zero = ("lost", "sent_twice", "other", "cut", "done_without_one_result", "results_of_others",
            "left", "corrupt")
    found = [name for name in zero if figures[name]]
    if figures["waiting"] and not may_wait:
        found.append("waiting")
    if figures["unknown"] > figures["in_flight_at_kills"]:
        found.append("unknown")
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--prompts", type=int, default=10000)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    from conftest import enter_namespace
    enter_namespace()
    directory = Path(tempfile.mkdtemp(prefix="kills-"))
    begin = time.monotonic()
    play = Play(directory, options.prompts, options.kills, options.seed)
    play.run()
    figures = play.figures()
    play.standin.stop()
    figures |= {"seed": options.seed, "seconds": round(time.monotonic() - begin),
                "refused": dict(play.refused)}
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
