# SPDX-License-Identifier: MIT
"""Many jobs at once: none is lost, each is exactly one request."""

import collections
import time
from concurrent.futures import ThreadPoolExecutor

from harness import SANITIZED
from job_play import directed


def write_all(mount, count, directives):
    """As fast as a dozen writers can."""
    def write(number):
        (mount.top / f"{number:04}.prompt").write_text(directed(f"No. {number}", directives))
    with ThreadPoolExecutor(16) as writers:
        list(writers.map(write, range(count)))


def check_all(mount, standin, count):
    lines, failed = mount.wait(limit=240)
    assert not failed, mount.error_text()
    assert lines == [f"{number:04}.jpg" for number in range(count)]
    texts = collections.Counter(prompt.split(" [[")[0] for prompt in standin.prompts())
    assert texts == {f"No. {number}": 1 for number in range(count)}
    states = collections.Counter(record["state"] for record in mount.records())
    assert states == {"done": count}


def test_100_jobs_at_once(mount, standin):
    write_all(mount, 100, "size=64x64")
    check_all(mount, standin, 100)
    mount.unmount()
    assert (mount.unfinished(), mount.staged()) == ([], [])


def test_numbers_of_jobs_at_once_do_not_meet(mount, standin, top):
    """40 jobs of `prompt` in one directory: PNG and JPEG by turns, one number for each."""
    for number in range(40):
        kind = "png" if number % 2 else "jpeg"
        (top / "prompt").write_text(directed(f"No. {number}", f"size=64x64, picture={kind}"))
    mount.idle()
    mount.wait()
    results = sorted(file.name for file in top.glob("0*.*") if file.suffix != ".txt")
    assert [name[:4] for name in results] == [f"{number:04}" for number in range(1, 41)]
    assert sorted(file.name for file in top.glob("0*.txt")) == [
        f"{number:04}.txt" for number in range(1, 41)]
    assert len(standin.requests()) == 40
    mount.unmount()


def test_1000_jobs_in_flight(make_mount, make_standin):
    count = 100 if SANITIZED else 1000
    standin = make_standin("--delay", 1000)
    mount = make_mount(standin.url, f"-omax_in_flight={count}", settle=0)
    begun = time.monotonic()
    write_all(mount, count, "size=16x16")
    written = time.monotonic()
    mount.wait(limit=240)
    ended = time.monotonic()
    check_all(mount, standin, count)
    times = [request["time_ms"] for request in standin.requests()]
    print(f"\n{count} jobs, answered after 1 s each: {ended - begun:.2f} s in all, "
          f"{written - begun:.2f} s of it until the last prompt was written, "
          f"{(max(times) - min(times)) / 1000:.2f} s from the first request to the last, "
          f"peak {mount.peak_memory_bytes() / 1e6:.1f} MB")
    mount.unmount()
    assert (mount.unfinished(), mount.staged()) == ([], [])
