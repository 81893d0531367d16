# SPDX-License-Identifier: MIT
"""Room on the store's disk: prompts are refused before an answer is endangered, nothing is sent whose
answer would not fit, and what was set aside for an answer is there when the disk fills up."""

import ctypes
import errno
import os

import pytest

from harness import HELD, call, libc, run, until
from job_play import SMALL, Outcome, directed, kill, on_record, play
from test_job_trouble import fill, supports_xattrs, troubled

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path):
    """A small file system of the store's own."""
    path = tmp_path / "disk"
    path.mkdir()
    call(libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0), b"size=40m,mode=700"))
    try:
        if not supports_xattrs(path):
            pytest.skip("a tmpfs has no user xattrs here")
        yield path
    finally:
        run(["umount", "-l", path], check=False)


def free(path):
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def refused(action):
    with pytest.raises(OSError) as caught:
        action()
    return caught.value.errno == errno.ENOSPC


def test_prompts_are_refused_below_the_reserve(make_mount, standin, disk):
    mount = make_mount(standin.url, "-odisk_reserve=50", "-oanswer_room=1M", store=disk / "store")
    (mount.top / "draft").write_text("to be renamed")
    (mount.top / "prompt").write_text(directed("A cat", SMALL))
    assert mount.wait() == (["0001.jpg"], False)
    fill(disk / "filler", 19 * MIB)
    before = (mount.top / "prompt").read_bytes()
    assert refused(lambda: (mount.top / "prompt").write_text("A dog"))
    assert (mount.top / "prompt").read_bytes() == before  # not even emptied
    assert refused(lambda: (mount.top / "new.prompt").write_text("A dog"))
    assert refused(lambda: (mount.top / "draft").rename(mount.top / "draft.prompt"))
    assert (mount.top / "prompt.error.txt").exists() is False
    (mount.top / "notes.txt").write_text("what costs no money can be written")
    (disk / "filler").unlink()
    assert play(mount, standin, mount.top, directed("A dog", SMALL)).results == ["0002.jpg"]
    mount.unmount()
    assert len(standin.requests()) == 2


def test_prompts_are_refused_where_their_answer_would_not_fit(make_mount, standin, disk):
    mount = make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=16M", store=disk / "store")
    fill(disk / "filler", 15 * MIB)
    assert refused(lambda: (mount.top / "prompt").write_text("A cat"))
    mount.unmount()
    assert standin.requests() == []


def test_nothing_is_sent_whose_answer_would_not_fit(make_mount, standin, disk):
    """The disk fills up while the prompt waits; when there is room again, it goes on."""
    mount = make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=16M", store=disk / "store")
    with open(mount.top / "open.txt", "w", encoding="utf-8"):
        (mount.top / "prompt").write_text(directed("A cat", SMALL))
        mount.idle()
        fill(disk / "filler", 15 * MIB)
    troubled(mount)
    assert standin.requests() == []
    (disk / "filler").unlink()
    outcome = Outcome(mount, standin, mount.top)
    assert (outcome.state, outcome.attempts, len(outcome.requests)) == ("done", 1, 1)
    mount.unmount()


@pytest.mark.parametrize("directives", ["picture_bytes=3000000", "form=url, picture_bytes=3000000"])
def test_what_was_set_aside_takes_the_answer(make_mount, standin, disk, directives):
    mount = make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=16M", store=disk / "store")
    (mount.top / "prompt").write_text(directed("A cat", f"{directives}, {HELD}"))
    standin.await_requests(1)
    assert free(disk) < 24 * MIB  # and so nobody else can have it
    fill(disk / "filler")
    standin.let_go()
    outcome = Outcome(mount, standin, mount.top)
    assert (outcome.state, outcome.results) == ("done", ["0001.jpg"])
    assert (mount.top / "0001.jpg").stat().st_size == 3000000
    (disk / "filler").unlink()
    mount.unmount()
    assert len(standin.requests()) == 1
    assert not list(mount.store.glob("*/*/room"))


def test_several_at_once_each_have_their_own(make_mount, standin, disk):
    mount = make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=8M", "-omax_in_flight=4",
                       store=disk / "store")
    for number in range(4):
        (mount.top / f"{number}.prompt").write_text(
            directed(f"No. {number}", f"variant={number}, picture_bytes=3000000, {HELD}"))
    standin.await_requests(4)
    fill(disk / "filler")
    standin.let_go()
    results, failed = mount.wait()
    assert (len(results), failed) == (4, False)
    (disk / "filler").unlink()
    mount.unmount()
    assert len(standin.requests()) == 4


def test_what_was_set_aside_is_given_back(make_mount, standin, disk):
    """After an answer, a failure, a try that is repeated, and a crash."""
    mount = make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=16M", store=disk / "store")
    before = free(disk)
    for directives in (SMALL, "no_picture=safety", "status=400"):
        play(mount, standin, mount.top, directed("A cat", directives))
        assert before - free(disk) < MIB
    (mount.top / "again.prompt").write_text(directed("A cat", "status=503, retry_after=3600"))
    until(lambda: "try 2 in" in mount.status(mount.top), "a try that is to be repeated")
    assert before - free(disk) < MIB
    (mount.top / "again.prompt").unlink()
    (mount.top / "prompt").write_text(directed("A cat", HELD))
    on_record(mount, 1, state="sending")
    standin.await_requests(5)
    assert before - free(disk) > 16 * MIB
    kill(mount)
    mount.start()
    mount.wait()
    assert before - free(disk) < MIB
    mount.unmount()
    assert not list(mount.store.glob("*/*/room"))
