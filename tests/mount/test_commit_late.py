# SPDX-License-Identifier: MIT
"""The commit rule where a thread of the daemon lags behind what the programs and its other threads
do, as it may on a busy machine. strace has it take long for a system call."""

import pytest

from harness import SANITIZED, slowed
from test_commit_rule import held_open

pytestmark = pytest.mark.skipif(SANITIZED, reason="sanitizers do not want to be traced")


@pytest.fixture
def make_slow(make_mount, standin):
    """A mount whose daemon begins each system call of that name late."""
    def make(name):
        return make_mount(standin.url, settle=0, under=slowed(name, 1500))
    return make


def test_who_waits_is_told_of_a_job_that_is_quicker_than_its_note(make_slow):
    """The file is told the job's name, setxattr(2), after close(2) has returned."""
    mount = make_slow("setxattr")
    (mount.top / "prompt").write_text("[[standin: size=16x16]] one")
    assert mount.wait(".prompt.wait") == (["0001.jpg"], False)
    mount.unmount()


def test_the_same_text_is_still_found_by_a_late_release(make_slow, standin):
    """The text is read at the close, and once more when the file is released."""
    mount = make_slow("pread64")
    with held_open(mount.top):
        (mount.top / "prompt").write_text("one")
        (mount.top / "prompt").write_text("one")
    mount.settled()
    assert standin.prompts() == ["one"]
    mount.unmount()
