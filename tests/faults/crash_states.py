#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Replays what a daemon did to its store up to every point, with what the disk may have lost, and
lets a daemon start on each of these stores: whether every promise is kept.

Usage: EASELFS_BUILD=build crash_states.py [--states N] [--seed N] [--jobs N]
"""

import argparse
import collections
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from disk import Disk, Image  # noqa: E402
from harness import MODEL, Mount, Standin, sha256  # noqa: E402
from recorder import Recorder, command  # noqa: E402

OPTIONS = (f"-omodels={MODEL}", "-oimages_per_day=50", "-omax_in_flight=4",
           "-oresult_hosts=127.0.0.1")
SMALL = "variant=0, size=64x64"
REFUSED_ONCE = "Refused once"  # the prompt that the API does not serve at first
RESULTS = (".png", ".jpg")
APPENDED = "usage/history"


def directed(text, directives=SMALL):
    return f"{text} [[standin: {directives}]]"


class Workload:
    """What users do, with a mark in the record wherever something was promised to them."""

    def __init__(self, mount):
        self.mount = mount
        self.prompts = {}  # mark: text
        self.taken_back = set()  # texts

    def mark(self, text):
        assert not os.path.lexists(self.mount.top / f"mark-{text}")

    def closed(self, text):
        self.prompts[f"closed-{len(self.prompts)}"] = text
        self.mark(f"closed-{len(self.prompts) - 1}")

    def save(self, path, text):
        path.write_text(text, encoding="utf-8")
        self.closed(text)

    def visible(self):
        self.mount.settled()
        self.mark("visible")

    def run(self):
        top = self.mount.top
        self.save(top / "prompt", directed("Inline"))
        self.visible()
        (top / "room").mkdir()
        (top / "room" / "chair.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(3000))
        self.save(top / "room" / "cat.prompt", directed("A part", "picture_bytes=60000"))
        self.save(top / "url.prompt", directed("By link", f"{SMALL}, form=url"))
        self.save(top / "two.prompt", f"---\ncount: 3\n---\n{directed('Three')}")
        self.visible()
        self.save(top / "no.prompt", directed("Refused", "status=400"))
        self.save(top / "late.prompt", directed(REFUSED_ONCE, f"status=503 | {SMALL}"))
        (top / "settings" / "aspect_ratio").write_text("16:9\n", encoding="utf-8")
        (top / "draft").write_text(directed("Renamed", f"{SMALL}, words_bytes=50000"),
                                   encoding="utf-8")
        (top / "draft").rename(top / "prompt")
        self.closed(directed("Renamed", f"{SMALL}, words_bytes=50000"))
        with open(top / "room" / "open.txt", "wb"):
            text = directed("Taken back")
            self.save(top / "room" / "gone.prompt", text)
            (top / "room" / "gone.prompt").unlink()
            self.mark("taken-back")
        self.visible()


class Recording:
    """One run of the workload, and what was promised by when."""

    def __init__(self, directory):
        standin = Standin(directory)
        log = directory / "strace"
        mount = Mount(directory, standin.url, *OPTIONS, settle=0, under=command(log),
                      variables={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"})  # no ptrace in ptrace
        workload = Workload(mount)
        workload.run()
        mount.unmount()
        self.standin = standin  # whose links are good for as long as it runs
        recorder = Recorder(mount.store)
        self.operations = recorder.read(log)
        self.directories = set(recorder.names)
        self.check_complete(mount.store)
        self.learn(mount, workload, recorder)

    def check_complete(self, store):
        """Everything replayed has to be the store as it is: no call was overlooked. Only which of
        several lines that threads append at once came first is not recorded."""
        image = Image()
        for operation in self.operations:
            if operation.what in ("add", "remove", "move"):
                image.rename(operation)
            elif operation.what in ("write", "size", "xattr", "mode"):
                image.change(operation)
        def content(path, data):
            return sorted(data.splitlines()) if path == APPENDED else bytes(data)

        replayed = {path: (content(path, image.data.get(file, b"")), image.mode[file],
                           image.xattrs.get(file, {}))
                    for path, file in image.walk(0, self.directories)
                    if file not in self.directories}
        there = {name: (content(name, path.read_bytes()), path.stat().st_mode & 0o7777,
                        {attribute: os.getxattr(path, attribute)
                         for attribute in os.listxattr(path)})
                 for path in store.rglob("*") if path.is_file()
                 for name in [str(path.relative_to(store))]}
        assert sorted(replayed) == sorted(there)
        for path, what in there.items():
            assert replayed[path] == what, f"{path} was not recorded as it is"

    def learn(self, mount, workload, recorder):
        records = mount.records()
        self.jobs = collections.defaultdict(list)  # text: ids
        for record in records:
            self.jobs[record["prompt"]].append(record["id"])
        self.pictures = {}  # id: sha256
        for path, job in results(mount.store):
            self.pictures[job] = sha256(path.read_bytes())
        self.states = {record["id"]: record["state"] for record in records}
        self.closed, self.sent, self.answered, self.seen, self.gone = {}, {}, {}, {}, {}
        moves = {}  # directory: when its answer got its name
        ids = {}
        for operation in self.operations:
            if operation.what == "mark":
                self.learn_mark(operation, workload)
            elif operation.what == "send":
                self.sent.setdefault(operation.more[0], []).append(operation.at)
            elif operation.what == "add" and operation.more[2] in self.directories:
                ids[operation.more[2]] = operation.more[1]
            elif operation.what == "move" and operation.more[2] in self.directories:
                directory, name = operation.more[2:]
                if name == "answer":
                    moves[directory] = operation.at
            elif operation.what == "sync" and moves.get(operation.more[0], 1e9) < operation.more[1]:
                job = ids[operation.more[0]].removeprefix(".new-")
                self.answered.setdefault(job, operation.at)

    def learn_mark(self, operation, workload):
        text = operation.more[0]
        if text in workload.prompts:
            for job in self.jobs[workload.prompts[text]][:1]:
                self.closed.setdefault(job, operation.at)
        elif text == "taken-back":
            self.gone[self.jobs[directed("Taken back")][0]] = operation.at
        elif text == "visible":
            for job in self.pictures:
                if self.answered.get(job, 1e9) < operation.at:
                    self.seen.setdefault(job, operation.at)


def results(store):
    """The results in the tree: (path, job)."""
    for path in (store / "tree").rglob("*"):
        if path.suffix in RESULTS:
            try:
                yield path, os.getxattr(path, "user.easelfs.job").decode()
            except OSError:
                pass


def counted(store):
    """Pictures that the day's file says were asked for."""
    lines = "".join(path.read_text(encoding="utf-8", errors="replace")
                    for path in (store / "usage").glob("20*"))
    return lines.count("+") - lines.count("-")


def come_to_rest(directory, image, directories):
    """A daemon starts on that store and does what there is to do. @return its mount, its requests."""
    image.write_to(directory / "store", directories)
    standin = Standin(directory)
    mount = Mount(directory, standin.url, *OPTIONS, settle=0)
    mount.settled()
    mount.unmount()
    requests = collections.Counter(one["idempotency_key"] for one in standin.requests())
    standin.stop()
    return mount, requests


def broken_promises(recording, cut, mount, requests):
    """What was promised by the operation `cut` and is not kept, as sentences."""
    before = {job: sum(at < cut for at in times) for job, times in recording.sent.items()}
    states = {record["id"]: record["state"] for record in mount.records()}
    visible = collections.defaultdict(list)
    for path, job in results(mount.store):
        data = path.read_bytes()
        visible[job].append(sha256(data))
        if len(data) != 60000 and not data.endswith((b"\xff\xd9", b"IEND\xaeB`\x82")):
            yield f"{path}: is not whole"
    visible.default_factory = None
    late = recording.jobs[directed(REFUSED_ONCE, f"status=503 | {SMALL}")][0]

    def by_then(times):
        return {job for job, at in times.items() if at < cut}

    for job in by_then(recording.closed) - by_then(recording.gone):
        # A job that was done may be found in done/ with an older record: it is there as its result.
        there = states.get(job) in ("done", "unknown", "failed") or visible.get(job)
        if not there and not (states.get(job) == "cancelled" and job in recording.gone):
            yield f"{job}: close() had returned 0, and it is {states.get(job)}"
    for job, state in states.items():
        if state == "failed" and recording.states.get(job) != "failed":
            yield f"{job}: failed"
    for job, count in requests.items():
        allowed = 1 if not before.get(job) else 0
        if job == late:  # refused at first: that may be asked again
            allowed = 2 if not before.get(job) else 2 - before[job] if before[job] < 2 else 0
            allowed += before.get(job) == 1  # the fresh stand-in refuses it once more
        if count > allowed:
            yield f"{job}: sent {before.get(job, 0)} times before and {count} times after"
    for job in by_then(recording.gone):
        if requests[job] or states.get(job) == "done":
            yield f"{job}: was taken back and sent"
    for job in by_then(recording.answered) & set(recording.pictures):
        if requests[job] or len(visible.get(job, ())) != 1:
            yield f"{job}: was answered; {states.get(job)}, {len(visible.get(job, ()))} pictures"
    for job in by_then(recording.seen):
        if len(visible.get(job, ())) != 1:
            yield f"{job}: was visible"
    for job, sums in visible.items():
        if len(sums) != 1 or recording.pictures.get(job, sums[0]) != sums[0]:
            yield f"{job}: {len(sums)} results, not the one that it should be"
    for job, state in states.items():
        if state == "done" and not visible.get(job):
            yield f"{job}: done without a picture"
    if os.listdir(mount.store / "corrupt"):
        yield f"corrupt/ has {os.listdir(mount.store / 'corrupt')}"
    if mount.unfinished() or mount.staged():
        yield f"left: {mount.unfinished()} {mount.staged()}"
    asked = {job for job, count in before.items() if count and (job != late or count > 1)}
    asked |= {job for job, count in requests.items() if job != late or count > 1}
    asked -= {job for job, state in recording.states.items() if state == "failed"}
    if counted(mount.store) < len(asked):
        yield f"{len(asked)} pictures were asked for and {counted(mount.store)} counted"


def distinct_states(recording, seed, more, cut_count=None):
    """(cut, image) for the states there can be, each once, after each operation or a sample."""
    disk = Disk(recording.operations, recording.directories)
    choice = random.Random(seed)
    known = set()
    cuts = [one.at + 1 for one in recording.operations if one.what != "sync"]
    if cut_count:
        cuts = sorted(choice.sample(cuts, cut_count))
    for cut in cuts:
        for image in disk.states(cut, choice, more):
            digest = image.digest(recording.directories)
            if digest not in known:
                known.add(digest)
                yield cut, image


def check(recording, parent, number, cut, image):
    """The broken promises of one state; its store is kept where there are any."""
    directory = Path(tempfile.mkdtemp(prefix=f"state-{number}-", dir=parent))
    try:
        mount, requests = come_to_rest(directory, image, recording.directories)
        broken = list(broken_promises(recording, cut, mount, requests))
    except (AssertionError, OSError) as error:
        broken = [f"{type(error).__name__}: {error}"]
    if broken:
        image.write_to(directory / "before", recording.directories)
    else:
        shutil.rmtree(directory)
    return [f"state {number} (operation {cut}, {directory}): {line}" for line in broken]


def worker(recording, parent, chosen, first, step, queue):
    for number in range(first, len(chosen), step):
        queue.put(check(recording, parent, number, *chosen[number]))


def check_all(recording, parent, chosen, jobs):
    """The broken promises of all the chosen states."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=worker,
                               args=(recording, parent, chosen, first, jobs, queue))
               for first in range(jobs)]
    for process in workers:
        process.start()
    broken = [line for _ in chosen for line in queue.get(timeout=300)]
    for process in workers:
        process.join()
    return broken


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--states", type=int, default=1200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--random", type=int, default=4, help="random states at each operation")
    options.add_argument("--only", type=int, help="this one state, by its number")
    options = options.parse_args()
    from conftest import enter_namespace
    enter_namespace()
    parent = Path(tempfile.mkdtemp(prefix="crash-states-"))
    recording = Recording(parent)
    states = list(distinct_states(recording, options.seed, options.random))
    total = len(states)
    chosen = random.Random(options.seed).sample(states, min(options.states, total))
    begin = time.monotonic()
    broken = check_all(recording, parent, chosen, options.jobs)
    recording.standin.stop()
    for line in broken:
        print(line)
    print(json.dumps({"operations": len(recording.operations), "distinct_states": total,
                      "replayed": len(chosen), "broken": len(broken), "seed": options.seed,
                      "seconds": round(time.monotonic() - begin)}))
    if not broken:
        shutil.rmtree(parent)
    return 1 if broken else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
