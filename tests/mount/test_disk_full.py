# SPDX-License-Identifier: MIT
"""The disk fills up while an answer is on its way, at 32 points: what was paid for is never lost, and
goes on by itself once there is space again."""

import pytest

from harness import HELD, until
from job_play import Oracle, Outcome, directed
from test_job_trouble import fill
from test_room import disk  # noqa: F401  pylint: disable=unused-import

POINTS = [step * 16384 for step in range(32)]
PICTURE = "picture_bytes=200000"  # with its draft it takes 400 KB, at its peak


@pytest.fixture
def mounted(make_mount, make_standin, disk):  # noqa: F811
    standin = make_standin()
    mount = make_mount(standin.url, "-odisk_reserve=0", "-oanswer_room=1M", store=disk / "store")
    return mount, standin, disk, Oracle(make_standin()).sums("A cat", PICTURE)


def test_full_at_32_points(mounted):  # pylint: disable=redefined-outer-name
    mount, standin, path, sums = mounted
    filled = path / "filler"
    for number, left in enumerate(POINTS):
        name = f"{number}.prompt"
        (mount.top / name).write_text(directed("A cat", f"{PICTURE}, {HELD}"))
        standin.await_requests(number + 1)
        fill(filled, left)
        standin.let_go()
        # Its answer is visible, or something of it waits for space.
        until(lambda: "sending" not in mount.status(mount.top), f"an end with {left} bytes free")
        filled.unlink()
        outcome = Outcome(mount, standin, mount.top, name)
        assert (left, outcome.state, outcome.sums) == (left, "done", sums)
        (mount.top / outcome.results[0]).unlink()
    mount.settled()
    mount.unmount()
    assert len(standin.requests()) == len(POINTS)
    assert mount.unfinished() == mount.staged() == []
