# SPDX-License-Identifier: MIT
"""Watching without waiting: poll and its kin, files that are followed, and the kernel's limit on
how long a request may take."""

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import HANG, LIMIT, error_of, libc, mounting, until

LIMITS = Path("/proc/sys/fs/fuse")


# --- poll and its kin

def by_poll(fd, wanted, timeout):
    poll = select.poll()
    poll.register(fd, wanted)
    return sum(events for _, events in poll.poll(timeout * 1000))


def by_epoll(fd, wanted, timeout):
    with select.epoll() as epoll:
        epoll.register(fd, wanted)
        return sum(events for _, events in epoll.poll(timeout))


def by_edge(fd, wanted, timeout):
    return by_epoll(fd, wanted | select.EPOLLET, timeout)


def by_select(fd, wanted, timeout):
    read, write, _ = select.select([fd] if wanted & select.POLLIN else [],
                                   [fd] if wanted & select.POLLOUT else [], [], timeout)
    return (select.POLLIN if read else 0) | (select.POLLOUT if write else 0)


WAYS = [by_poll, by_epoll, by_edge, by_select]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nonblock", [0, os.O_NONBLOCK])
def test_what_does_not_block_is_always_ready(desk, way, nonblock):
    (desk.path / "notes").write_text("x")
    (desk.path / "prompt").touch()
    both = select.POLLIN | select.POLLOUT
    for path, flags in [(desk.path / "notes", os.O_RDONLY), (desk.path / "notes", os.O_RDWR),
                        (desk.path / "prompt", os.O_RDWR),
                        (desk.path / "settings" / "count", os.O_RDWR),
                        (desk.path.parent / "README.txt", os.O_RDONLY),
                        (desk.path.parent / "status.txt", os.O_RDONLY)]:
        fd = os.open(path, flags | nonblock)
        assert way(fd, select.POLLIN, LIMIT) == select.POLLIN, path
        assert way(fd, both, LIMIT) == both, path
        if path.suffix:
            assert os.read(fd, 10)
        os.close(fd)
    assert desk.requests() == []


@pytest.mark.parametrize("way", WAYS)
def test_a_wait_file_is_ready_when_it_is_over_and_stays_so(desk, way):
    fd = os.open(desk.path / ".wait", os.O_RDONLY | os.O_NONBLOCK)
    assert way(fd, select.POLLIN, 0) == select.POLLIN  # nothing was asked for
    (desk.path / "prompt").write_text(HANG)
    assert way(fd, select.POLLIN, 0) == 0
    assert way(fd, select.POLLOUT, 0) == 0
    assert error_of(os.read, fd, 100) == "EAGAIN"
    desk.standin.await_requests(desk.before + 1)
    desk.standin.let_go()
    assert way(fd, select.POLLIN, LIMIT) == select.POLLIN
    assert os.read(fd, 100) == b"0001.jpg\n"
    (desk.path / "prompt").write_text(HANG)
    assert way(fd, select.POLLIN, 0) == select.POLLIN  # this handle has its answer
    assert os.read(fd, 100) == b""
    os.close(fd)
    desk.standin.await_requests(desk.before + 2)
    desk.standin.let_go()
    assert len(desk.requests()) == 2


def test_one_epoll_watches_hundreds_and_each_comes_in_its_time(mount, standin):
    """One by one: what is not over is not woken for what is."""
    count = 300
    with select.epoll() as epoll:
        files, prompts = {}, []
        for i in range(count):
            place = mount.top / f"w{i % 2}"  # a job waits until nothing in its directory is open
            place.mkdir(exist_ok=True)
            prompt = os.open(place / f"p{i}.prompt", os.O_WRONLY | os.O_CREAT)
            os.write(prompt, b"[[standin: words=, size=16x16]] x")
            os.close(os.dup(prompt))
            prompts.append(prompt)
            fd = os.open(place / f".p{i}.prompt.wait", os.O_RDONLY | os.O_NONBLOCK)
            files[fd] = i
            epoll.register(fd, select.EPOLLIN)
        assert epoll.poll(0) == []
        for prompt in prompts[::2]:
            os.close(prompt)
        until(lambda: len(epoll.poll(0)) == count // 2, "the first half", 2 * LIMIT)
        for prompt in prompts[1::2]:
            os.close(prompt)
        seen = set()
        while len(seen) < count:
            ready = epoll.poll(LIMIT)
            assert ready, "none is woken"
            for fd, events in ready:
                assert events == select.EPOLLIN
                assert os.read(fd, 100) == b"p%d.jpg\n" % files[fd]
                seen.add(files[fd])
                epoll.unregister(fd)
    for fd in files:
        os.close(fd)
    assert len(standin.requests()) == count


def test_who_polls_when_the_daemon_ends_is_told(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    fd = os.open(mount.top / ".wait", os.O_RDONLY)
    woken = []
    thread = threading.Thread(target=lambda: woken.append(by_poll(fd, select.POLLIN, LIMIT)))
    thread.start()
    stack = f"/proc/self/task/{thread.native_id}/stack"
    until(lambda: "poll" in open(stack, encoding="ascii").read(), "a poll")
    mount.hurry()
    thread.join()
    assert woken and woken[0] & (select.POLLERR | select.POLLHUP | select.POLLIN)
    os.close(fd)
    mount.join()


def test_a_wait_file_has_no_other_tricks(desk):
    fd = os.open(desk.path / ".wait", os.O_RDONLY)
    assert error_of(os.lseek, fd, 0, os.SEEK_DATA) == "EINVAL"
    assert error_of(os.write, fd, b"x") == "EBADF"
    assert error_of(os.open, desk.path / ".wait", os.O_WRONLY) == "EACCES"
    os.close(fd)


# --- status.txt is followed

def test_tail_follows_status_txt(desk):
    (desk.path / "first.prompt").write_text("[[standin: words=]] quick")
    desk.requests()
    child = subprocess.Popen(["tail", "-n", "+1", "-f", desk.path / "status.txt"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = iter(child.stdout.readline, "")
    assert next(lines) == "Nothing is unfinished.\n"
    fd = os.open(desk.path / "cat.prompt", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"[[standin: words=]] slow")
    os.close(os.dup(fd))
    assert next(lines).endswith("is still open for writing\n")  # what it has grown by
    assert os.listdir(desk.path)
    os.close(fd)
    while next(lines) != "Nothing is unfinished.\n":
        pass
    child.terminate()
    child.wait(LIMIT)
    child.stdout.close()
    assert len(desk.requests()) == 2


def test_an_open_status_txt_keeps_its_text_until_it_is_read_again(desk):
    (desk.path / "first.prompt").write_text("[[standin: words=]] quick")
    desk.requests()
    quiet = b"Nothing is unfinished.\n"
    with open(desk.path / "status.txt", "rb", buffering=0) as file:
        assert file.read(8) == quiet[:8]
        fd = os.open(desk.path / "cat.prompt", os.O_WRONLY | os.O_CREAT)
        os.write(fd, b"[[standin: words=]] slow")
        os.close(os.dup(fd))
        assert file.read(100) == quiet[8:]  # no half of one text and half of another
        assert file.read(100) == b""  # its end is told first
        assert file.read(1000).endswith(b"is still open for writing\n")  # what it has grown by
        assert file.read(1000) == b""
        file.seek(0)
        text = file.read(1000)
        assert text.startswith(b"waiting ") and b" cat.prompt is still open for" in text
        os.close(fd)
        desk.requests()
        file.seek(0)
        assert file.read(1000) == quiet
        assert file.read(1000) == b"" and file.read(1000) == b""
        file.seek(10000)
        assert file.read(1000) == b"" and file.read(1000) == b""


def test_the_size_of_status_txt_is_that_of_its_text(desk):
    """Also while it changes: a size that is not that of the text before is that of a newer one."""
    (desk.path / "slow.prompt").write_text(HANG)
    desk.standin.await_requests(desk.before + 1)
    seen, path = [], desk.path / "status.txt"
    while not seen or b"unfinished" not in seen[-1][0]:
        fd = os.open(path, os.O_RDONLY)
        seen.append((os.read(fd, 65536), os.fstat(fd).st_size))
        os.close(fd)
        if len(seen) == 100:
            desk.standin.let_go()
    for (text, size), (after, _) in zip(seen, seen[1:]):
        assert len(text) == size or text != after
    assert len(seen) > 100 and len(seen[-1][0]) == seen[-1][1]


def test_the_time_of_status_txt_changes_with_its_text_only(desk):
    (desk.path / "prompt").write_text("[[standin: words=]] quick")
    desk.requests()
    before = (desk.path / "status.txt").stat()
    assert (desk.path / "status.txt").read_text() == "Nothing is unfinished.\n"
    assert (desk.path / "status.txt").stat().st_mtime_ns == before.st_mtime_ns
    with open(desk.path / "cat.prompt", "w", encoding="utf-8") as file:
        file.write("[[standin: words=]] x")
        file.flush()
        os.close(os.dup(file.fileno()))
        after = (desk.path / "status.txt").stat()
        assert after.st_mtime_ns > before.st_mtime_ns and after.st_size > before.st_size


# --- the kernel's limit on requests

@contextlib.contextmanager
def limited():
    """The kernel has a limit meanwhile: of 15 s, the least that it knows. It is that of the whole
    machine; a mount keeps the one with which it began."""
    path = LIMITS / "default_request_timeout"
    with mounting(fcntl.LOCK_EX):
        before = path.read_text(encoding="ascii")
        try:
            path.write_text("1", encoding="ascii")
            yield
        finally:
            path.write_text(before, encoding="ascii")


@pytest.fixture
def short_lived(make_mount, standin):
    """A mount that the kernel ends when a request takes too long."""
    if not LIMITS.joinpath("default_request_timeout").exists():
        pytest.skip("this kernel has no limit on requests (Linux 6.15 has)")
    return make_mount(standin.url, starting=limited)


def read_once(fd):
    """read(2) itself: Python's repeats it after EINTR."""
    buffer = ctypes.create_string_buffer(100)
    length = libc.read(fd, buffer, 100)
    return buffer.raw[:length] if length >= 0 else errno.errorcode[ctypes.get_errno()]


def test_a_read_ends_before_the_kernel_would_end_the_mount(short_lived, standin):
    (short_lived.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    assert "ends mounts that leave a request unanswered for 1 s" in short_lived.log_text()
    fd = os.open(short_lived.top / ".wait", os.O_RDONLY)
    for _ in range(2):
        begun = time.monotonic()
        assert read_once(fd) == "EINTR"
        assert 0.5 < time.monotonic() - begun < LIMIT / 2
    os.close(fd)
    short_lived.hurry()


@pytest.mark.timeout(300)
def test_programs_wait_longer_than_the_kernel_does(short_lived, standin):
    """15 s are the limit, and the kernel looks every 15 s."""
    (short_lived.top / "prompt").write_text("[[standin: delay=33000, words=]] long")
    standin.await_requests(1)
    programs = [["cat", ".prompt.wait"], ["bash", "-c", "echo $(< .wait)"],
                ["dash", "-c", "read line < .wait; echo $line"],
                ["python3", "-c", "import sys; sys.stdout.write(open('.wait').read())"],
                ["head", "-n", "1", ".wait"], ["dd", "if=.wait", "status=none"]]
    children = [subprocess.Popen(program, cwd=short_lived.top, stdout=subprocess.PIPE, text=True)
                for program in programs]
    ends = [(child.communicate(timeout=33 + LIMIT)[0], child.returncode) for child in children]
    assert ends == [("0001.jpg\n", 0)] * len(programs)
    assert short_lived.process.poll() is None


def test_without_a_limit_nothing_is_said(mount):
    assert "unanswered" not in mount.log_text()
