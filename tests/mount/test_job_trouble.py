# SPDX-License-Identifier: MIT
"""Trouble of this machine while a job is under way: the job waits and goes on, it is never lost."""

import contextlib
import ctypes
import errno
import os
import shutil
import subprocess

import pytest

from harness import FLASH, HELD, call, libc, png, run, until
from job_play import PAID, SMALL, Oracle, Outcome, directed, kill, play

NO_SPACE = "No space left on device"


@pytest.fixture
def small(tmp_path, make_mount, standin):
    """A mount whose store is a small file system of its own."""
    path = tmp_path / "small"
    path.mkdir()
    call(libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0), b"size=8m,mode=700"))
    try:
        if not supports_xattrs(path):
            pytest.skip("a tmpfs has no user xattrs here")
        yield make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=0", store=path / "store")
    finally:
        run(["umount", "-l", path], check=False)


def supports_xattrs(path):
    try:
        os.setxattr(path, "user.test", b"1")
    except OSError:
        return False
    return True


def fill(path, leave_bytes=0):
    """Write until there is no room but for `leave_bytes`."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
        if leave_bytes:
            os.truncate(path, os.stat(path).st_size - leave_bytes)


def troubled(mount, text=NO_SPACE):
    until(lambda: f"{text}; again in " in mount.status(mount.top) or f"({text})"
          in mount.status(mount.top), f"a job that waits because of: {text}")


def test_a_full_disk_at_the_save(small, standin):
    """Nothing is registered, and the program is told."""
    fill(small.store / "filler")
    with pytest.raises(OSError) as caught:
        (small.top / "prompt").write_text("A cat")
    assert caught.value.errno == errno.ENOSPC
    small.idle()
    (small.store / "filler").unlink()
    outcome = play(small, standin, small.top, directed("A cat", SMALL))
    assert (outcome.results, len(outcome.requests)) == (["0001.jpg"], 1)
    small.unmount()
    assert len(standin.requests()) == 1


def test_a_full_disk_before_it_is_sent(small, standin):
    """Not sent while it cannot be put on record; sent once there is room again."""
    with open(small.top / "open.txt", "w", encoding="utf-8"):
        (small.top / "prompt").write_text(directed("A cat", SMALL))
        small.idle()
        fill(small.store / "filler")
    troubled(small)
    assert standin.requests() == []
    (small.store / "filler").unlink()
    outcome = Outcome(small, standin, small.top)
    assert (outcome.state, outcome.attempts, len(outcome.requests)) == ("done", 1, 1)
    small.unmount()


def test_a_full_disk_while_references_are_copied(small, standin):
    with open(small.top / "open.txt", "w", encoding="utf-8"):
        (small.top / "ref.png").write_bytes(png() + b"\0" * 100_000)
        (small.top / "prompt").write_text(directed("A cat", SMALL))
        small.idle()
        fill(small.store / "filler", 65536)
    troubled(small)
    assert standin.requests() == []
    (small.store / "filler").unlink()
    outcome = Outcome(small, standin, small.top)
    assert [len(request["references"]) for request in outcome.requests] == [1]
    small.unmount()


def test_a_full_disk_when_the_answer_has_come(small, make_standin, standin):
    """It is kept in memory until it can be stored, and delivered then; nothing is asked again."""
    (small.top / "prompt").write_text(directed("A cat", f"variant=0, size=16x16, drafts=0, {HELD}"))
    standin.await_requests(1)
    fill(small.store / "filler")
    standin.let_go()
    troubled(small)
    assert not list(small.top.glob("0*"))
    (small.store / "filler").unlink()
    outcome = Outcome(small, standin, small.top)
    oracle = Oracle(make_standin())
    assert outcome.sums == oracle.sums("A cat", "variant=0, size=16x16, drafts=0")
    assert (outcome.state, len(outcome.requests)) == ("done", 1)
    small.unmount()


def test_a_full_disk_while_the_answer_comes(small, standin):
    """Its bytes have no place: what is left of it is kept, and once there is room for a line, the
    user is told."""
    (small.top / "prompt").write_text(directed("A cat", f"picture_bytes=3000000, {HELD}"))
    standin.await_requests(1)
    fill(small.store / "filler", 1_000_000)
    standin.let_go()
    troubled(small)
    (small.store / "filler").unlink()
    outcome = Outcome(small, standin, small.top)
    assert outcome.told().split("\n")[:2] == [
        f"The answer could not be stored: {NO_SPACE}.", PAID]
    assert (outcome.state, len(outcome.requests), outcome.attempts) == ("failed", 1, 1)
    small.unmount()


def test_a_full_disk_and_a_kill(small, standin):
    """What waited for room goes on after a restart, whatever had come of it."""
    with open(small.top / "open.txt", "w", encoding="utf-8"):
        (small.top / "prompt").write_text(directed("A cat", SMALL))
        small.idle()
        fill(small.store / "filler")
    troubled(small)
    kill(small)
    (small.store / "filler").unlink()
    small.start()
    assert Outcome(small, standin, small.top).results == ["0001.jpg"]
    small.unmount()
    assert len(standin.requests()) == 1


@contextlib.contextmanager
def immutable(path):
    """A directory into which not even root can move a file."""
    done = subprocess.run(["chattr", "+i", path], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("no immutable directories here")
    try:
        yield
    finally:
        run(["chattr", "-i", path])


def test_a_directory_that_takes_no_result(mount, standin, top):
    """The picture goes to the model's directory. Where that takes none, either, it waits, and so
    does who waits for it; other models are served."""
    (top / "w").mkdir()
    (top / "w" / "prompt").write_text(directed("A cat", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    tree = mount.store / "tree"
    with immutable(tree / top.name / "w"):
        standin.let_go()
        until((top / "0001.jpg").exists, "the picture")
        mount.settled()
    (top / "w" / "prompt").write_text(directed("B", f"{SMALL}, {HELD}"))
    standin.await_requests(2)
    with immutable(tree / top.name / "w"), immutable(tree / top.name):
        standin.let_go()
        troubled(mount, "Operation not permitted")
        other = mount.path / FLASH
        assert play(mount, standin, other, directed("C", SMALL)).results == ["0001.png"]
        reader = os.open(top / "w" / ".prompt.wait", os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(BlockingIOError):
            os.read(reader, 100)
        os.close(reader)
    outcome = Outcome(mount, standin, top / "w")
    assert (outcome.results, outcome.state, outcome.failed) == (["0001.jpg"], "done", False)
    mount.unmount()
    assert len(standin.requests()) == 3


def test_such_a_directory_does_not_keep_the_daemon(mount, standin, top):
    """It is durable: the drain does not wait for it, and the next start delivers it."""
    (top / "prompt").write_text(directed("A cat", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    with immutable(mount.store / "tree" / top.name):
        standin.let_go()
        troubled(mount, "Operation not permitted")
        mount.terminate()
        assert len(mount.unfinished()) == 1
    mount.start()
    outcome = Outcome(mount, standin, top)
    assert (outcome.results, outcome.state) == (["0001.jpg"], "done")
    mount.unmount()
    assert (mount.unfinished(), mount.staged()) == ([], [])
    assert len(standin.requests()) == 1


def test_a_record_that_cannot_be_moved(mount, standin, top):
    """The picture is there; its end is put on record once that can be done."""
    (top / "prompt").write_text(directed("A cat", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    with immutable(mount.store / "done"):
        standin.let_go()
        until((top / "0001.jpg").exists, "the picture")
        troubled(mount, "Operation not permitted")
        assert mount.records() == []
    outcome = Outcome(mount, standin, top)
    assert (outcome.results, outcome.state) == (["0001.jpg"], "done")
    mount.unmount()
    assert mount.unfinished() == []


def test_a_workspace_that_was_removed(mount, standin, top):
    """Its results go to the model's directory, and get numbers of that."""
    (top / "0007.png").write_bytes(png())
    (top / "w").mkdir()
    (top / "w" / "prompt").write_text(directed("A cat", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    shutil.rmtree(top / "w")
    assert "prompt  try 1" in mount.status(top)  # it is the model's now: who waits there waits for it
    standin.let_go()
    mount.settled()
    assert (top / "0008.jpg").exists() and (top / "0008.txt").exists()
    mount.unmount()


def test_a_workspace_that_was_renamed(mount, standin, top):
    """Its results follow it, over a restart, too."""
    (top / "w").mkdir()
    (top / "w" / "prompt").write_text(directed("A cat", f"{SMALL}, form=url, picture_bytes=20000, "
                                               "url=slow:100, url_times=1"))
    until(lambda: list(mount.store.glob("jobs/*/picture-0.part")), "some of the picture")
    (top / "w").rename(top / "v")
    mount.process.kill()
    kill(mount)
    mount.start()
    mount.settled()
    assert sorted(path.name for path in top.glob("**/*.jpg")) == ["0001.jpg"]
    mount.unmount()
