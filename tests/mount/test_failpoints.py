# SPDX-License-Identifier: MIT
"""Every failpoint (src/base/failpoint.h) in each of its ways: what the user is told, what is asked
of the API, what is on record, and what is visible in the end.

A line of the table is one failpoint, at one of its visits, in one story. The promises in it:
before close() has returned 0 nothing is promised; from then on the prompt becomes a picture or a
sentence; a death between `sending` and the stored answer ends as unknown, and is not sent again; a
full disk only delays; a disk that fails ends in an error file, and what was paid for is kept (the
answer itself is written a second time, to a new file).
"""

import re
from pathlib import Path

import pytest

import failplay
from failplay import Outcome, play
from job_play import Oracle

SOURCE = Path(__file__).resolve().parents[2] / "src"

pytestmark = pytest.mark.skipif(not failplay.has_failpoints(),
                                reason="a build without EASELFS_FAILPOINTS")

DONE = Outcome(None, 1, ["done"], 1, False, 0)
BOTH = Outcome(None, 2, ["done", "done"], 2, False, 0)
UNKNOWN = Outcome(None, 1, ["unknown"], 0, True, 0)
UNKNOWN_UNSENT = UNKNOWN._replace(requests=0)  # died before the last byte had left
UNSENT = Outcome(None, 0, ["failed"], 0, True, 0)  # and not charged
KEPT = Outcome(None, 1, ["failed"], 0, True, 1)  # paid for, and kept in the store
FAILED = KEPT._replace(kept=0)
NOTHING = Outcome(None, 0, [], 0, False, 0)
DEAD = NOTHING._replace(told="dead")
DEAD_DONE = DONE._replace(told="dead")  # it was on disk already
NO_START = NOTHING._replace(told="no start")
CANCELLED = NOTHING._replace(states=["cancelled"])
# close() has failed: the prompt is not sent behind its user's back, who will save it once more.
TOLD_IO, TOLD_FULL = UNSENT._replace(told="EIO"), UNSENT._replace(told="ENOSPC")

# The visits of a plain story. replace: 1 the record at FLUSH, 2 that says `sending`, 3 the answer,
# 4 the record that names the staged results, 5 the one that says done. sync_dir: 1 and 2 are of the
# start, 3 and 4 at FLUSH, 5 the file of the day, 6 `sending`, 7 the answer, 8 staging, 9 its record.
TABLE = {
    # story, failpoint[:visit]: kill, EIO, ENOSPC
    ("Story", "prompt.note:1"): (DEAD, DONE, DONE),
    ("Story", "prompt.sync"): (DEAD, TOLD_IO, TOLD_FULL),
    ("Story", "spool.create"): (DEAD, TOLD_IO, TOLD_FULL),
    ("Story", "replace.write:1"): (DEAD, TOLD_IO, TOLD_FULL),
    ("Story", "replace.fsync:1"): (DEAD, TOLD_IO, TOLD_FULL),
    ("Story", "replace.rename:1"): (DEAD, TOLD_IO, TOLD_FULL),
    ("Story", "sync_dir:3"): (DEAD_DONE, TOLD_IO, TOLD_FULL),
    ("Story", "sync_dir:4"): (DEAD_DONE, TOLD_IO, TOLD_FULL),
    ("Story", "job.commit"): (DONE, DONE, DONE),
    ("Story", "prompt.note:2"): (DONE, DONE, DONE),
    ("WithReference", "freeze.copy"): (DONE, UNSENT, DONE),
    ("WithReference", "freeze.fsync"): (DONE, UNSENT, DONE),
    ("Two", "spool.clone.mkdir"): (BOTH, UNSENT, BOTH),
    ("Two", "spool.clone.link"): (BOTH, UNSENT, BOTH),
    ("Two", "spool.clone.rename"): (BOTH, UNSENT, BOTH),
    ("Story", "limits.write"): (DONE, UNSENT, DONE),
    ("Story", "limits.fsync"): (DONE, UNSENT, DONE),
    ("Story", "sync_dir:5"): (DONE, UNSENT, DONE),
    ("Story", "replace.write:2"): (DONE, UNSENT, DONE),
    ("Story", "replace.fsync:2"): (DONE, UNSENT, DONE),
    ("Story", "replace.rename:2"): (DONE, UNSENT, DONE),
    ("Story", "sync_dir:6"): (UNKNOWN_UNSENT, UNSENT, DONE),
    ("Story", "send.body"): (UNKNOWN_UNSENT, UNSENT, UNSENT),
    ("WithReference", "send.body:2"): (UNKNOWN_UNSENT, UNSENT, UNSENT),
    ("Story", "recv.headers"): (UNKNOWN, FAILED, FAILED),  # nothing had come
    ("Long", "recv.body:2"): (UNKNOWN, KEPT, KEPT),
    ("Long", "recv.write"): (UNKNOWN, KEPT, DONE),
    ("Words", "recv.part_sync"): (UNKNOWN, KEPT, DONE),
    ("Long", "staging.mark"): (UNKNOWN, KEPT, DONE),
    ("Long", "staging.fsync"): (UNKNOWN, KEPT, DONE),
    ("Story", "replace.write:3"): (UNKNOWN, DONE, DONE),
    ("Story", "replace.fsync:3"): (UNKNOWN, DONE, DONE),
    ("Story", "replace.rename:3"): (UNKNOWN, DONE, DONE),
    ("Story", "sync_dir:7"): (DONE, DONE, DONE),
    ("Story", "harvest.parse"): (DONE, KEPT, DONE),
    ("ByUrl", "recv.write"): (DONE, KEPT, DONE),
    ("ByUrl", "fetch.fsync"): (DONE, KEPT, DONE),
    ("ByUrl", "fetch.rename"): (DONE, KEPT, DONE),
    ("Story", "harvest.write"): (DONE, KEPT, DONE),
    ("Story", "staging.mark"): (DONE, KEPT, DONE),
    ("Story", "staging.fsync"): (DONE, KEPT, DONE),
    ("Story", "harvest.chmod"): (DONE, KEPT, DONE),
    ("Story", "staging.link"): (DONE, KEPT, DONE),
    ("Story", "staging.write"): (DONE, KEPT, DONE),
    ("Story", "sync_dir:8"): (DONE, KEPT, DONE),
    ("Story", "replace.write:4"): (DONE, KEPT, DONE),
    ("Story", "replace.fsync:4"): (DONE, KEPT, DONE),
    ("Story", "replace.rename:4"): (DONE, KEPT, DONE),
    ("Story", "sync_dir:9"): (DONE, KEPT, DONE),
    ("Story", "deliver.publish"): (DONE, DONE, DONE),
    ("Story", "deliver.publish:EIO,deliver.directly"): (DONE, DONE, DONE),
    ("Story", "sync_dir:10"): (DONE, DONE, DONE),
    ("Second", "deliver.remove"): (DONE, DONE._replace(error=True), DONE._replace(error=True)),
    ("Story", "replace.write:5"): (DONE, DONE, DONE),
    ("Story", "replace.fsync:5"): (DONE, DONE, DONE),
    ("Story", "replace.rename:5"): (DONE, DONE, DONE),
    ("Story", "spool.finish.remove"): (DONE, DONE, DONE),
    ("Story", "spool.finish.rename"): (DONE, DONE, DONE),
    ("Story", "history.note"): (DONE, DONE, DONE),
    # The sentence is lost with the disk that should have held it; the record has it.
    ("Refused", "staging.write"): (UNKNOWN, FAILED._replace(error=False), FAILED),
    # A close() in between had returned 0.
    ("Taken", "spool.discard"): (DEAD_DONE, CANCELLED, CANCELLED),
    ("Value", "replace.rename"): (DEAD, NOTHING._replace(told="EIO"),
                                  NOTHING._replace(told="ENOSPC")),
    ("Value", "values.reset"): (DEAD, NOTHING._replace(told="EIO"),
                                NOTHING._replace(told="ENOSPC")),
    ("FirstLook", "ownership.set:1"): (DEAD, NOTHING._replace(told="EIO"),
                                       NOTHING._replace(told="ENOSPC")),
    ("FirstLook", "ownership.set:3"): (DEAD, NOTHING._replace(told="EIO"),
                                       NOTHING._replace(told="ENOSPC")),
    ("FirstLook", "homes.rename"): (DEAD, NOTHING._replace(told="EIO"),
                                    NOTHING._replace(told="ENOSPC")),
    ("FirstStart", "store.lock"): (DEAD, NO_START, NO_START),
    ("FirstStart", "store.mkdir"): (DEAD, NO_START, NO_START),
    ("FirstStart", "sync_dir:1"): (DEAD, NO_START, NO_START),
    ("Tomorrow", "limits.carry"): (DEAD, NO_START, NO_START),
    ("Unborn", "spool.discard_unborn"): (DEAD, NOTHING, NOTHING),
    ("Damaged", "spool.set_aside"): (DEAD, NOTHING, NOTHING),
    ("Old", "spool.forget"): (DEAD, NOTHING, NOTHING),
    ("Unnoted", "recover.note"): (DEAD_DONE, DONE, DONE),
}
WAYS = ("kill", "EIO", "ENOSPC")
CASES = [(story, points, way, outcomes[number]) for (story, points), outcomes in TABLE.items()
         for number, way in enumerate(WAYS)]


def plan_of(points, way):
    """EASELFS_FAIL for the line: the way stands before the visit."""
    head, _, last = points.rpartition(",")
    name, _, visit = last.partition(":")
    plan = f"{name}:{way}:{visit or 1}"
    return f"{head},{plan}" if head else plan


@pytest.fixture(scope="module")
def sums(tmp_path_factory, shared_standin):
    from conftest import standins
    with standins(tmp_path_factory.mktemp("oracle")) as make:
        oracle = Oracle(make())
        return set(oracle.sums("A cat") + oracle.sums("A cat", "picture_bytes=200000")
                   + oracle.sums("A cat", "picture_bytes=5000"))


@pytest.mark.parametrize("story,points,way,expected", CASES,
                         ids=[f"{story}-{points}-{way}" for story, points, way, _ in CASES])
def test_failpoint(tmp_path, shared_standin, sums, story, points, way, expected):
    outcome = play(getattr(failplay, story)(), plan_of(points, way), tmp_path, shared_standin, sums)
    assert outcome == expected


def test_the_table_has_every_failpoint():
    there = {name for file in SOURCE.rglob("*.c")
             for name in re.findall(r'failpoint\("([^"]+)"\)', file.read_text(encoding="utf-8"))}
    named = {point.split(":")[0] for _, points in TABLE for point in points.split(",")}
    assert named == there
