# SPDX-License-Identifier: MIT
"""Thousands wait: all are answered, any can be killed, nothing else is slower for it, and nothing
of them stays behind."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from crowd import Crowd
from harness import AT_ONCE, FUSECTL, HELD, LIMIT, SANITIZED, error_of, run, until

MANY = 1000 if SANITIZED else 5000
MOST = 10000  # WAITERS_MAX in src/mount/waiters.h
HANG = f"[[standin: {HELD}]] hangs"
QUICK = "[[standin: words=, size=16x16]] quick"


def threads_allowed():
    """How many more this machine lets us have, about."""
    with open("/proc/sys/kernel/threads-max", encoding="ascii") as file:
        allowed = int(file.read())
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        allowed = min(allowed, int(file.read()))
    with contextlib.suppress(OSError, ValueError):  # "max", or no cgroup of that kind
        with open("/proc/self/cgroup", encoding="ascii") as file:
            group = file.read().strip().rpartition("::")[2]
        with open(f"/sys/fs/cgroup{group}/pids.max", encoding="ascii") as file:
            allowed = min(allowed, int(file.read()))
    return allowed - 2000


def waiting(mount):
    """Requests that the kernel has no answer to."""
    return int((FUSECTL / mount.connection / "waiting").read_text())


def await_blocked(mount, count):
    """Until the daemon has got that many requests, and left them unanswered: what they are is the
    callers' business (the readers of a Crowd can only read)."""
    until(lambda: waiting(mount) == count, f"{count} blocked readers", 6 * LIMIT)
    os.statvfs(mount.top)  # always asks the daemon, which takes what was asked before first
    until(mount.is_asleep, "the daemon to be done with them")


class Unfinished:
    """A job that has only to be committed: it goes on when its prompt is closed."""

    def __init__(self, directory, name="prompt", text=QUICK):
        self.fd = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(self.fd, text.encode())
        os.close(os.dup(self.fd))  # FLUSH: it is registered from here on

    def commit(self):
        if self.fd is not None:
            os.close(self.fd)
        self.fd = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.commit()


def memory_bytes(mount):
    with open(f"/proc/{mount.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_thousands_wait_and_nothing_of_them_stays(mount, standin):
    low = mount.top / "low"
    low.mkdir()
    paths = [mount.top / ".wait", mount.top / ".prompt.wait", low / ".wait", low / ".prompt.wait"]
    mount.generate(QUICK)
    mount.generate(QUICK, directory=low)
    mount.idle()
    descriptors, memory, took = len(mount.descriptors()), [], []
    for turn in range(2, 4):
        with Unfinished(low) as one, Unfinished(mount.top) as other, Crowd(MANY, *paths) as crowd:
            await_blocked(mount, MANY)
            for _ in range(200):
                begun = time.monotonic()
                assert "is still open for writing" in mount.status(mount.top)
                os.listdir(mount.top)
                took.append(time.monotonic() - begun)
            one.commit()
            other.commit()
            ends = crowd.end(6 * LIMIT)
        name = f"{turn:04}.jpg\n"
        assert ends == {f"low/{name}{name}": MANY // 4, name: 3 * MANY // 4}
        mount.idle()
        memory.append(memory_bytes(mount))
    assert sorted(took)[len(took) * 99 // 100] < AT_ONCE
    most = descriptors + 100  # more pictures, and connections
    until(lambda: len(mount.descriptors()) <= most, f"at most {most} descriptors")
    if not SANITIZED:
        assert memory[1] - memory[0] < 2 << 20
    assert len(standin.requests()) == 6


def test_thousands_of_waiters_are_killed_and_the_others_go_on(mount, standin):
    half = MANY // 2
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    with Unfinished(mount.top, "cat.prompt") as job, \
            Crowd(half, mount.top / ".wait") as killed, \
            Crowd(half, mount.top / ".cat.prompt.wait") as others:
        await_blocked(mount, 2 * half)
        begun = time.monotonic()
        killed.kill()
        took = time.monotonic() - begun
        await_blocked(mount, half)
        assert took < LIMIT
        job.commit()
        assert others.end(6 * LIMIT) == {"cat.jpg\n": half}
    mount.idle()
    mount.hurry()


def test_hundreds_of_programs_wait_and_get_a_ctrl_c(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    count = 60 if SANITIZED else 300
    programs = [subprocess.Popen(["cat", mount.top / (".wait" if i % 2 else ".prompt.wait")],
                                 stdout=subprocess.PIPE) for i in range(count)]
    await_blocked(mount, count)
    for program in programs:
        program.send_signal(signal.SIGINT)
    for program in programs:
        assert program.communicate(timeout=LIMIT) == (b"", None)
        assert program.returncode == -signal.SIGINT
    mount.idle()
    assert "sending" in mount.status()
    mount.hurry()


def test_thousands_are_let_go_when_the_daemon_is_told_to_end(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    with Crowd(MANY, mount.top / ".wait", mount.top / ".prompt.wait") as crowd:
        await_blocked(mount, MANY)
        mount.hurry()
        assert crowd.end(6 * LIMIT) == {"ESHUTDOWN": MANY}
    mount.join()


def test_thousands_get_their_answer_after_a_lazy_unmount(mount):
    with Unfinished(mount.top) as job, Crowd(MANY, mount.top / ".wait") as crowd:
        await_blocked(mount, MANY)
        mount.unmount_lazily()
        job.commit()
        assert crowd.end(6 * LIMIT) == {"0001.jpg\n": MANY}
    mount.join(6 * LIMIT)


def test_thousands_are_let_go_when_the_daemon_is_killed(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    with Crowd(MANY, mount.top / ".wait") as crowd:
        await_blocked(mount, MANY)
        mount.kill()
        ends = crowd.end(6 * LIMIT)
    assert set(ends) <= {"ECONNABORTED", "ENOTCONN"}  # who was about to ask again gets the latter
    assert sum(ends.values()) == MANY


def test_hundreds_are_let_go_when_the_connection_is_cut(mount, standin):
    """As umount -f and an administrator do it: the daemon takes it for an unmount."""
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    with Crowd(500, mount.top / ".wait") as crowd:
        await_blocked(mount, 500)
        mount.abort()
        ends = crowd.end(6 * LIMIT)
    assert set(ends) <= {"ECONNABORTED", "ENOTCONN"} and sum(ends.values()) == 500
    mount.hurry()
    mount.unmount_lazily()  # libfuse leaves a mount alone that was cut off
    mount.join()


@pytest.mark.skipif(threads_allowed() < MOST, reason="not so many threads are allowed here")
@pytest.mark.timeout(300)
def test_as_many_may_wait_as_the_manual_says_and_no_more(mount):
    with Unfinished(mount.top) as job, \
            Crowd(MOST - 10, mount.top / ".wait") as crowd, Crowd(10, mount.top / ".wait") as few:
        await_blocked(mount, MOST)
        for name in (".wait", ".prompt.wait"):
            fd = os.open(mount.top / name, os.O_RDONLY)
            assert error_of(os.read, fd, 100) == "EUSERS"
            os.close(fd)
        few.kill()
        await_blocked(mount, MOST - 10)
        with Crowd(10, mount.top / ".prompt.wait") as late:
            await_blocked(mount, MOST)
            job.commit()
            assert late.end(6 * LIMIT) == {"0001.jpg\n": 10}
        assert crowd.end(6 * LIMIT) == {"0001.jpg\n": MOST - 10}


def test_each_of_hundreds_of_prompts_has_its_own_waiter(make_mount, standin):
    """As they come: nobody waits for all of them."""
    count = 100 if SANITIZED else 300
    mount = make_mount(standin.url, "-omax_in_flight=64", settle=0)
    jobs = [Unfinished(mount.top, f"p{i}.prompt") for i in range(count)]
    with Crowd(count, *(mount.top / f".p{i}.prompt.wait" for i in range(count))) as crowd:
        await_blocked(mount, count)
        for job in jobs:
            job.commit()
        assert crowd.end(6 * LIMIT) == {f"p{i}.jpg\n": 1 for i in range(count)}
    assert len(standin.requests()) == count


def test_the_waiters_of_a_directory_go_with_it(mount):
    """Renamed twice, then into another workspace, while hundreds wait for it."""
    low, other = mount.top / "low", mount.top / "other"
    low.mkdir()
    other.mkdir()
    with Unfinished(low) as job, Crowd(200, low / ".wait", mount.top / ".wait") as crowd:
        await_blocked(mount, 200)
        low.rename(mount.top / "b")
        (mount.top / "b").rename(mount.top / "c")
        (mount.top / "c").rename(other / "d")
        job.commit()
        assert crowd.end(LIMIT) == {"0001.jpg\n": 100, "other/d/0001.jpg\n": 100}


def test_who_waits_goes_on_when_the_busy_part_is_moved_out(mount):
    low, other = mount.top / "low", mount.top / "other"
    (low / "busy").mkdir(parents=True)
    other.mkdir()
    with Unfinished(low / "busy"), Crowd(100, low / ".wait") as crowd:
        await_blocked(mount, 100)
        (low / "busy").rename(other / "busy")
        assert crowd.end(LIMIT) == {"": 100}
    mount.settled()
    assert (other / "busy" / "0001.jpg").exists()


def test_who_waits_for_a_directory_that_is_removed_is_told(mount, standin):
    low = mount.top / "low"
    low.mkdir()
    (low / "cat.prompt").write_text(HANG)
    standin.await_requests(1)
    with Crowd(100, low / ".wait", low / ".cat.prompt.wait") as crowd:
        await_blocked(mount, 100)
        run(["rm", "-r", low])
        assert crowd.end(LIMIT) == {"ENOENT": 100}
    assert "sending" in mount.status()
    mount.hurry()
