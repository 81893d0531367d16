# SPDX-License-Identifier: MIT
"""Publishing where it is not easy: under load, where nobody may look, where the mount is gone or
hidden, where a directory cannot be written, and where the daemon is killed in the middle."""

import contextlib
import os
import re
import signal
import stat
import subprocess
import threading
import time

import pytest

from harness import (FLASH, HANG, LIMIT, MODEL, NOBODY, SANITIZED, Watch, as_user, call, error_of,
                     libc, run, unmount, until)

MANY = "[[standin: pictures=16, size=24x24]] many"  # 17 files: there are the words, too
MS_BIND = 4096
MNT_DETACH = 2  # whoever looks for a way to the mount may stand in it


# --- nobody sees half of it

def staging_name(mount):
    """The secret name, out of the daemon's memory: no user could do this."""
    with open(f"/proc/{mount.process.pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{mount.process.pid}/mem", "rb") as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw") or "[v" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            if end - start > 1 << 28:
                continue
            try:
                memory.seek(start)
                found = re.search(rb"\.staging-[0-9a-f]{16}\0", memory.read(end - start))
            except OSError:
                continue
            if found:
                return os.fsdecode(found.group()[:-1])
    return None


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is too large to search")
def test_nobody_finds_the_staging_directory_even_by_its_name(mount, standin):
    name = staging_name(mount)
    assert name
    path = mount.path / name
    found, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            for action in (lambda: os.stat(path), lambda: os.listdir(path),
                           lambda: os.stat(path / "x"), lambda: os.rename(path / "x", mount.top),
                           lambda: os.open(path, os.O_RDONLY)):
                if error_of(action) != "ENOENT":
                    found.append(action)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for i in range(20):
            (mount.top / f"p{i}.prompt").write_text("[[standin: pictures=5, size=32x32]] hidden")
        mount.settled()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert found == []
    assert error_of(os.mkdir, path) == "EPERM"
    assert len([n for n in os.listdir(mount.top) if n.endswith(".jpg")]) == 100
    assert name not in os.listdir(mount.path)


# --- under load

LOAD = {
    "list": "while :; do ls -l {0} > /dev/null; done",
    "find": "while :; do find {0} -type f -newer {0} > /dev/null; done",
    "move": "i=0; while :; do i=$((i+1)); echo $i > {0}/n-{1}; mv {0}/n-{1} {0}/m-{1};"
            " rm {0}/m-{1}; done",
    "read": "while :; do cat {0}/*.jpg > /dev/null 2>&1; stat {0}/* > /dev/null 2>&1; done",
}


@contextlib.contextmanager
def load(*directories):
    """Shells that are busy in the directories."""
    children = [subprocess.Popen(["sh", "-c", line.format(directory, number)],
                                 stderr=subprocess.DEVNULL, start_new_session=True)
                for number, directory in enumerate(directories) for line in LOAD.values()]
    try:
        yield
    finally:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        for child in children:
            child.wait(LIMIT)


def pictures(directory):
    return sum(name.endswith(".jpg") for name in os.listdir(directory))


def test_two_thousand_publications_under_load_are_all_seen(make_mount, standin):
    mount = make_mount(standin.url, settle=0)  # its directory is never quiet
    places = [mount.top / f"w{i}" for i in range(4)]
    for place in places:
        place.mkdir()
    seen = {place: [] for place in places}
    with Watch(*places, mask=Watch.MOVED_TO) as watch, load(places[0]):
        for i in range(30):
            for place in places:
                (place / f"p{i}.prompt").write_text(MANY)
        while sum(len(names) for names in seen.values()) < 4 * 30 * 17:
            _, name, place = watch.next()
            if name.endswith((".jpg", ".txt")):
                seen[place].append(name)
    mount.settled()
    for place in places:
        assert len(seen[place]) == len(set(seen[place])) == 30 * 17
        assert pictures(place) == 30 * 16
    mount.unmount()
    assert mount.unfinished() == [] and mount.staged() == []


def test_names_are_looked_up_at_once_while_results_come(make_mount, standin):
    """No look waits for a publication, and none for a look."""
    mount = make_mount(standin.url, settle=0)  # its directory is never quiet
    for i in range(15):
        (mount.top / f"p{i}.prompt").write_text(MANY)
    slowest = 0.0
    while "Nothing is unfinished" not in mount.status(mount.top):
        begun = time.monotonic()
        os.listdir(mount.top)
        error_of(os.stat, mount.top / "none")
        (mount.top / "probe").touch()
        (mount.top / "probe").unlink()
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < LIMIT / 2


# --- the daemon is killed

def test_a_daemon_that_is_killed_while_it_publishes_leaves_nothing_that_hangs(make_mount, standin):
    mount = make_mount(standin.url, settle=0)
    place = mount.top / "w"
    place.mkdir()
    for _ in range(3):
        with Watch(place, mask=Watch.MOVED_TO) as watch, load(place):
            before = pictures(place)
            for i in range(12):
                (place / f"p{i}.prompt").write_text(MANY)
            while not watch.next()[1].endswith(".jpg"):
                pass
            mount.process.kill()
            assert mount.process.wait(LIMIT) == -signal.SIGKILL
            until(lambda: error_of(os.listdir, place) == "ENOTCONN", "a dead mount")
            # leaving load() shows that each of its processes can be killed
        unmount("fusermount3", "-u", mount.path)
        mount.start()
        mount.settled()
        assert pictures(place) >= before
    mount.unmount()
    assert mount.staged() == []
    for path in mount.store.joinpath("tree").rglob("*.jpg"):
        with open(path, "rb") as file:
            assert file.read()[-2:] == b"\xff\xd9"


def test_a_mount_can_be_undone_while_results_come(make_mount, standin):
    mount = make_mount(standin.url, settle=0)
    for i in range(10):
        (mount.top / f"p{i}.prompt").write_text(MANY)
        until(lambda: any(n.endswith(".jpg") for n in os.listdir(mount.top)), "a picture")
        # refused at the very moment of a publication, as while anybody else is at work in it
        until(lambda: run(["fusermount3", "-u", mount.path], check=False).returncode == 0, "an end")
        mount.join()
        mount.start()
    mount.settled()
    assert len(standin.requests()) == 10
    assert pictures(mount.top) == 160


# --- where the mount is not to be reached

def test_what_comes_after_a_lazy_unmount_is_there_at_the_next_mount(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    mount.unmount_lazily()
    standin.let_go()
    mount.join()
    assert (mount.store / "tree" / MODEL / "0001.jpg").exists()
    mount.start()
    assert mount.wait(".prompt.wait") == (["0001.jpg"], False)
    assert len(standin.requests()) == 1


def test_what_comes_after_the_signal_to_end_is_there_at_the_next_mount(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    mount.process.send_signal(signal.SIGTERM)
    until(lambda: "waiting for what is in flight" in mount.log_text(), "the signal's effect")
    standin.let_go()
    mount.join()
    assert mount.unfinished() == [] and mount.staged() == []
    mount.start()
    assert mount.wait(".prompt.wait") == (["0001.jpg"], False)
    assert len(standin.requests()) == 1


def test_a_shell_inside_sees_the_result_after_a_lazy_unmount(mount, standin):
    (mount.top / "low").mkdir()
    (mount.top / "low" / "prompt").write_text(HANG)
    standin.await_requests(1)
    fd = os.open(mount.top / "low", os.O_RDONLY)
    mount.unmount_lazily()
    assert os.listdir(fd) == ["prompt"]
    standin.let_go()
    until(lambda: "0001.jpg" in os.listdir(fd), "the result")
    assert os.stat("0001.jpg", dir_fd=fd).st_size > 1000
    os.close(fd)
    mount.join()


def test_a_result_that_comes_under_another_mount_is_there_when_that_goes(mount, standin):
    assert error_of(os.stat, mount.top / "0001.jpg") == "ENOENT"
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    fd = os.open(mount.top, os.O_RDONLY)
    call(libc.mount(b"tmpfs", os.fsencode(mount.path), b"tmpfs", 0, None))
    try:
        assert os.listdir(mount.path) == []
        standin.let_go()
        until(lambda: "0001.jpg" in os.listdir(fd), "the result")
        assert os.listdir(mount.path) == []
    finally:
        os.close(fd)
        call(libc.umount2(os.fsencode(mount.path), MNT_DETACH))
    assert (mount.top / "0001.jpg").stat().st_size > 1000
    assert mount.wait(".prompt.wait") == (["0001.jpg"], False)


def test_a_result_is_seen_through_a_bind_mount(mount, tmp_path):
    place = tmp_path / "bound"
    place.mkdir()
    call(libc.mount(os.fsencode(mount.top), os.fsencode(place), None, MS_BIND, None))
    try:
        with Watch(place, mask=Watch.MOVED_TO) as watch:
            (place / "prompt").write_text("[[standin: words=]] bound")
            assert watch.next()[:2] == ("MOVED_TO", "0001.jpg")
        assert (place / "0001.jpg").stat().st_size > 1000
    finally:
        call(libc.umount2(os.fsencode(place), MNT_DETACH))


# --- an unprivileged daemon

def generate(mount, directory, text, name="prompt"):
    """What `.wait` gives once the prompt is done. In a child that is the user."""
    (directory / name).write_text(text)
    return mount.wait(directory=directory)


def test_an_unprivileged_daemon_serves_its_user(own):
    def work():
        (own.top / "low").mkdir()
        (own.top / "low" / "a.png").write_bytes(b"x")
        outcome = generate(own, own.top / "low", "one")
        status = (own.top / "low" / "0001.jpg").stat()
        return outcome, status.st_uid, stat.S_IMODE(status.st_mode)
    assert error_of(os.listdir, own.path) == "EACCES"
    assert as_user(NOBODY, work) == ((["0001.jpg"], False), NOBODY, 0o444)


def test_a_read_only_file_is_written_by_who_makes_it(own):
    def work():
        fd = os.open(own.top / "a", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400)
        os.write(fd, b"content")
        os.close(fd)
        fd = os.open(own.top / "b", os.O_CREAT | os.O_RDWR, 0o000)
        os.write(fd, b"content")
        read = os.pread(fd, 10, 0)
        return (own.top / "a").read_bytes(), read, error_of(os.open, own.top / "a", os.O_WRONLY)
    assert as_user(NOBODY, work) == (b"content", b"content", "EACCES")


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o644])
def test_a_read_only_prompt_is_sent_once(own, standin, mode):
    def work():
        fd = os.open(own.top / "new.prompt", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(fd, b"[[standin: words=]] one")
        os.fchmod(fd, mode)
        os.close(fd)
        outcome = own.wait(".new.prompt.wait")
        (own.top / "new.prompt").rename(own.top / "b.prompt")
        (own.top / "b.prompt").rename(own.top / "c.prompt")
        return outcome, own.wait(), stat.S_IMODE((own.top / "c.prompt").stat().st_mode)
    first, after, left = as_user(NOBODY, work)
    assert first == (["new.jpg"], False)
    assert after == (["new.jpg"], False)
    assert left == mode
    own.idle()
    assert len(standin.requests()) == 1


def test_results_of_a_read_only_workspace_go_to_the_model_s_own(own, standin):
    low = own.top / "low"

    def begin():
        low.mkdir()
        (low / "cat.prompt").write_text(HANG)
        low.chmod(0o555)

    def end():
        own.wait()
        found = sorted(os.listdir(low)), (own.top / "cat.jpg").exists()
        low.chmod(0o755)
        return found
    as_user(NOBODY, begin)
    standin.await_requests(1)
    standin.let_go()
    assert as_user(NOBODY, end) == (["cat.prompt"], True)


def test_a_user_s_mount_ends_with_fusermount(own, standin):
    def work():
        return generate(own, own.top, "[[standin: words=]] one")
    assert as_user(NOBODY, work) == (["0001.jpg"], False)
    as_user(NOBODY, lambda: run(["fusermount3", "-u", own.path]).returncode)
    own.join()
    assert len(standin.requests()) == 1
    assert own.unfinished() == [] and own.staged() == []


def test_the_other_models_are_untouched(mount):
    mount.generate("one")
    assert sorted(os.listdir(mount.path / FLASH)) == ["README.txt", "prompt", "settings",
                                                     "status.txt"]
