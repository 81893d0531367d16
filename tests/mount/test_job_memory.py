# SPDX-License-Identifier: MIT
"""What passes through the daemon is never in its memory whole: its peak (VmHWM) stays flat."""

import pytest

from harness import HELD, SANITIZED, png, until
from job_play import directed, play

MB = 1_000_000
LIMIT_BYTES = 64 * MB

pytestmark = pytest.mark.skipif(SANITIZED, reason="sanitizers have memory of their own")


def report(mount, what):
    peak = mount.peak_memory_bytes()
    print(f"\n{what}: peak {peak / MB:.1f} MB, {len(mount.descriptors())} descriptors")
    return peak


def test_a_picture_of_20_mb(mount, standin, top):
    outcome = play(mount, standin, top, directed("A cat", "picture_bytes=20000000"))
    assert (top / outcome.results[0]).stat().st_size == 20 * MB
    assert report(mount, "20 MB") < LIMIT_BYTES
    mount.unmount()


def test_a_picture_of_20_mb_by_url(mount, standin, top):
    outcome = play(mount, standin, top, directed("A cat", "picture_bytes=20000000, form=url"))
    assert (top / outcome.results[0]).stat().st_size == 20 * MB
    assert report(mount, "20 MB by URL") < LIMIT_BYTES
    mount.unmount()


def test_32_pictures_of_20_mb_at_once(make_mount, standin):
    mount = make_mount(standin.url, "-omax_in_flight=32")
    before = mount.descriptors()
    for number in range(32):
        (mount.top / f"{number:02}.prompt").write_text(
            directed("A cat", f"variant=0, picture_bytes=20000000, {HELD}"))
    standin.await_requests(32)
    in_flight = mount.descriptors()
    standin.let_go()
    lines, failed = mount.wait(limit=200)
    assert (len(lines), failed) == (32, False)
    assert {(mount.top / line).stat().st_size for line in lines} == {20 * MB}
    assert report(mount, "32 times 20 MB") < LIMIT_BYTES
    print(f"descriptors: {len(before)} before, {len(in_flight)} with 32 in flight")
    until(lambda: len(mount.descriptors()) <= len(before) + 96 + 70, "descriptors that are closed")
    mount.unmount()


def test_14_references_of_1_mb(mount, standin, top):
    """Read as they are sent, never held: 14 MB of pictures are 18.7 MB of request."""
    for number in range(14):
        (top / f"{number:02}.png").write_bytes(png(number).ljust(MB, b"\0"))
    outcome = play(mount, standin, top, directed("A cat", "size=64x64"))
    assert outcome.state == "done"
    assert [reference["bytes"] for reference in outcome.requests[0]["references"]] == [MB] * 14
    assert report(mount, "14 references") < LIMIT_BYTES
    mount.unmount()
