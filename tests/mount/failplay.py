# SPDX-License-Identifier: MIT
"""Plays a few short stories on a mount whose daemon dies, or whose disk fails, at one failpoint."""

import collections
import contextlib
import os
import random
import signal
import subprocess

from harness import BUILD, LIMIT, MODEL, Mount, error_of, sha256, until
from job_play import SMALL, directed

# What came of a story. told: the errno that its user met, or None; requests: those that the
# stand-in read whole; states: of the records in the end; pictures: how many are visible, each whole;
# error: whether an error file is there; kept: jobs that came to nothing after they were paid for,
# and of which the store keeps what arrived.
Outcome = collections.namedtuple("Outcome", "told requests states pictures error kept")

OLD_ID = "0100000000000000000000a"  # of a job of long ago
DEAD = ("ENOTCONN", "ECONNABORTED", "ENODEV")


def has_failpoints():
    cache = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
    return "EASELFS_FAILPOINTS:BOOL=ON" in cache


class Story:
    """One prompt, saved and waited for. Others change a part of that."""

    text = directed("A cat", SMALL)
    options = ()

    def prepare(self, mount):
        """With a daemon that is whole."""

    def between(self, mount):
        """While none runs."""

    def act(self, mount):
        """What the user does. @return the errno that was met."""
        return self.save(mount)

    def save(self, mount, text=None, name="prompt"):
        def write():
            with open(mount.top / name, "wb", buffering=0) as file:
                file.write((text or self.text).encode())
        return error_of(write)


class Words(Story):
    text = directed("A cat", f"{SMALL}, words_bytes=200000")


class WithReference(Story):
    text = directed("A cat", "picture_bytes=5000")

    def prepare(self, mount):
        noise = random.Random(1).randbytes(200000)
        (mount.top / "ref.png").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + noise + b"\xff\xd9")


class Two(Story):
    text = f"---\ncount: 2\n---\n{Story.text}"


class ByUrl(Story):
    text = directed("A cat", f"{SMALL}, form=url")


class Long(Story):
    """The picture is too long for the skeleton of the answer: it goes to a part."""
    text = directed("A cat", "picture_bytes=200000")


class Refused(Story):
    """The API says no."""
    text = directed("A cat", "status=400")


class Second(Story):
    """After one that failed: its error file goes."""

    def prepare(self, mount):
        self.save(mount, directed("A dog", "status=400"))
        mount.settled()


class Taken(Story):
    """Written, closed by one of two descriptors, and emptied before the other is closed."""

    def act(self, mount):
        def write():
            with open(mount.top / "prompt", "wb", buffering=0) as file:
                file.write(self.text.encode())
                os.close(os.dup(file.fileno()))
                file.truncate(0)
        return error_of(write)


class Value(Story):
    """A setting is set, and reset."""

    def act(self, mount):
        path = mount.top / "settings" / "aspect_ratio"

        def change():
            path.write_text("16:9\n", encoding="utf-8")
            path.unlink()
        return error_of(change)


class Started(Story):
    """Something at a start."""

    def act(self, mount):
        return None


class FirstLook(Story):
    """A user looks into a shared mount for the first time."""
    options = ("-oshared",)

    def act(self, mount):
        return error_of(os.stat, mount.path / MODEL / "me")


class FirstStart(Started):
    def between(self, mount):
        subprocess.run(["rm", "-r", mount.store], check=True)


class Unborn(Started):
    """A crash has left the beginning of a job."""

    def between(self, mount):
        (mount.store / "jobs" / OLD_ID).mkdir()


class Damaged(Started):
    """A record that nobody can read."""

    def between(self, mount):
        job = mount.store / "jobs" / OLD_ID
        job.mkdir()
        (job / "record.json").write_text("{", encoding="utf-8")


class Old(Started):
    """The record of a job of long ago."""

    def between(self, mount):
        job = mount.store / "done" / OLD_ID
        job.mkdir()
        (job / "answer").write_text("{", encoding="utf-8")


class Tomorrow(Started):
    """Pictures are counted on a day that is yet to come."""

    def between(self, mount):
        (mount.store / "usage" / "2999-01-01").write_text("+\n+\n", encoding="utf-8")


class Unnoted(Started):
    """A job waits whose commit is not noted on its prompt."""
    options = ("-osettle=60000",)

    def prepare(self, mount):
        self.save(mount)
        mount.idle()

    def between(self, mount):
        os.removexattr(mount.store / "tree" / MODEL / "prompt", "user.easelfs.commit")
        mount.options.append("-osettle=0")


def start(mount):
    """Start the daemon, which may die or refuse before it is mounted. @return whether it runs."""
    with contextlib.suppress(AssertionError, OSError):
        mount.start()
    return mount.process.poll() is None


def play(story, plan, directory, standin, sums):
    """Play @story with the failpoints of @plan. @sums: of the pictures that there can be."""
    mount = Mount(directory, standin.url, f"-omodels={MODEL}", "-oimages_per_day=100",
                  "-okeep_records=7", *story.options, settle=0)
    try:
        story.prepare(mount)
        if story.options:
            mount.hurry()
        else:
            mount.settled()
            mount.unmount()
        before = len(standin.requests())
        records = len(mount.records())
        story.between(mount)
        told = act(story, plan, mount)
        mount.settled()
        outcome = Outcome(told, len(standin.requests()) - before, states(mount)[records:],
                          pictures(mount, sums), bool(mount.error_text()), kept(mount))
        mount.unmount()
        assert (mount.unfinished(), mount.staged()) == ([], [])
        return outcome
    except BaseException:
        mount.kill()
        raise


def kept(mount):
    paid = [record["id"] for record in mount.records()
            if record.get("failure", {}).get("charge") == "certain"]
    return sum(any(name == "answer" or name.startswith("part-")
                   for name in os.listdir(mount.store / "done" / job)) for job in paid)


def states(mount):
    return [record["state"] for record in mount.records()]


def pictures(mount, sums):
    found = [path for path in mount.top.iterdir() if path.suffix in (".png", ".jpg")
             and path.name != "ref.png"]
    assert all(sha256(path.read_bytes()) in sums for path in found), found
    return len(found)


def act(story, plan, mount):
    """The story with a daemon that fails, then all that a good one makes of it."""
    mark = len(mount.log_text())
    mount.variables = {"EASELFS_FAIL": plan}
    told = story.act(mount) if start(mount) else "no start"
    point, way = plan.split(",")[-1].split(":")[:2]
    until(lambda: f"failpoint {point}: {way}" in mount.log_text()[mark:]
          or mount.process.poll() is not None, f"failpoint {point}")
    if way == "kill":
        assert mount.process.wait(LIMIT) == -signal.SIGKILL, mount.log_text()
    elif mount.process.poll() is None:
        mount.settled()
        if isinstance(story, Started):  # the next start makes up for it
            mount.unmount()
    assert f"failpoint {point}: {way}" in mount.log_text()[mark:], mount.log_text()[mark:]
    mount.variables = {}
    if mount.process.poll() is not None:
        mount.kill()
        mount.start()
    if told in DEAD or (way == "kill" and isinstance(story, Started)):
        return "dead"
    return told
