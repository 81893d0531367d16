# SPDX-License-Identifier: MIT
"""The daemon is asked to end while requests are under way: they are paid for, so it waits."""

import contextlib
import os
import signal
import socket

import pytest

from harness import HELD, LIMIT, mounted, run, until
from job_play import NOT_SENT_AGAIN, PERHAPS, SMALL, directed, on_record

STOPPED = ("easelfs was stopped while the request was on its way.\n"
           f"{PERHAPS}\n{NOT_SENT_AGAIN}")


def in_flight(mount, standin, count, directives):
    for number in range(count):
        (mount.top / f"{number:02}.prompt").write_text(directed(f"No. {number}", directives))
    standin.await_requests(count)


def files(mount):
    """What is in the model's directory, seen in the store: the mount is gone."""
    return sorted(os.listdir(mount.store / "tree" / mount.top.name))


def wait_for_the_mount_to_go(mount):
    until(lambda: not mounted(mount.path), "the unmount")


ENDS = {
    "SIGTERM": lambda mount: mount.process.send_signal(signal.SIGTERM),
    "SIGINT": lambda mount: mount.process.send_signal(signal.SIGINT),
    "unmount": lambda mount: run(["fusermount3", "-u", mount.path]),
    "lazy unmount": lambda mount: run(["fusermount3", "-uz", mount.path]),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_is_in_flight_is_delivered(make_mount, standin, how):
    mount = make_mount(standin.url, "-omax_in_flight=20")
    in_flight(mount, standin, 20, f"{SMALL}, {HELD}")
    mount.idle()
    assert not list(mount.top.glob("*.jpg"))
    ENDS[how](mount)
    wait_for_the_mount_to_go(mount)
    assert mount.process.poll() is None  # it still waits for the answers
    standin.let_go()
    mount.join()
    assert files(mount) == sorted(["prompt", "settings", *(f"{n:02}.{end}" for n in range(20)
                                               for end in ("prompt", "jpg", "txt"))])
    assert [record["state"] for record in mount.records()] == ["done"] * 20
    assert (mount.unfinished(), mount.staged()) == ([], [])
    assert len(standin.requests()) == 20
    mount.start()
    assert mount.wait()[1] is False
    assert len(list(mount.top.glob("*.jpg"))) == 20
    mount.unmount()
    assert len(standin.requests()) == 20


def test_pictures_by_url_are_fetched(mount, standin, top):
    in_flight(mount, standin, 5, "variant=0, form=url, picture_bytes=20000, url=slow:20000")
    mount.terminate()
    assert [record["state"] for record in mount.records()] == ["done"] * 5


@pytest.mark.parametrize("how", ENDS)
def test_the_second_signal_ends_it_at_once(make_mount, standin, how):
    mount = make_mount(standin.url, "-omax_in_flight=20")
    in_flight(mount, standin, 20, HELD)
    mount.idle()
    ENDS[how](mount)
    wait_for_the_mount_to_go(mount)
    mount.hurry()
    mount.join()
    assert files(mount) == sorted(["prompt", "settings", *(f"{n:02}.{end}" for n in range(20)
                                               for end in ("prompt", "error.txt"))])
    for path in (mount.store / "tree" / mount.top.name).glob("*.error.txt"):
        assert path.read_text(encoding="utf-8").split("\n\n")[0] == STOPPED
    assert [record["state"] for record in mount.records()] == ["unknown"] * 20
    assert (mount.unfinished(), mount.staged()) == ([], [])
    mount.start()
    mount.settled()
    mount.unmount()
    assert len(standin.requests()) == 20


def test_drain_has_an_end(make_mount, standin):
    mount = make_mount(standin.url, "-odrain=1")
    in_flight(mount, standin, 3, HELD)
    mount.terminate()
    assert [record["state"] for record in mount.records()] == ["unknown"] * 3


def test_what_waits_is_not_begun_and_not_lost(make_mount, standin):
    """One in the queue, one in back-off, one whose directory is not quiet."""
    mount = make_mount(standin.url, "-omax_in_flight=1")
    (mount.top / "again.prompt").write_text(directed("Again", f"status=429, retry_after=3600 | {SMALL}"))
    on_record(mount, 1, state="queued", attempts=1)
    (mount.top / "first.prompt").write_text(directed("First", HELD))
    standin.await_requests(2)
    (mount.top / "second.prompt").write_text(directed("Second", SMALL))
    on_record(mount, 1, state="queued", prompt_name="second.prompt")
    (mount.top / "w").mkdir()
    with contextlib.suppress(OSError), open(mount.top / "w" / "open.txt", "w", encoding="utf-8"):
        (mount.top / "w" / "third.prompt").write_text(directed("Third", SMALL))
        mount.process.send_signal(signal.SIGTERM)
        wait_for_the_mount_to_go(mount)
        mount.hurry()  # an answer could come before nothing more is begun
    mount.join()
    record, = mount.records()
    assert (record["prompt_name"], record["state"]) == ("first.prompt", "unknown")
    assert len(mount.unfinished()) == 3
    assert len(standin.requests()) == 2
    mount.start()
    mount.settled()
    assert sorted(path.name for path in mount.top.glob("**/*.jpg")) == [
        "again.jpg", "second.jpg", "third.jpg"]
    mount.unmount()
    assert len(standin.requests()) == 5


def test_what_waits_is_not_begun_by_an_answer_that_comes_meanwhile(make_mount, standin, tmp_path,
                                                                   monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(LIMIT)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        mount = make_mount(standin.url, "-omax_in_flight=1")
        (mount.top / "first.prompt").write_text(directed("First", f"{SMALL}, {HELD}"))
        standin.await_requests(1)
        (mount.top / "second.prompt").write_text(directed("Second", SMALL))
        on_record(mount, 1, state="queued", prompt_name="second.prompt")
        mount.process.send_signal(signal.SIGTERM)
        while not manager.recv(4096).startswith(b"STOPPING=1\n"):
            pass
    until(mount.is_asleep, "a daemon that waits for nothing but the answer")
    standin.let_go()
    mount.join()
    record, = mount.records()
    assert (record["prompt_name"], record["state"]) == ("first.prompt", "done")
    assert len(mount.unfinished()) == 1
    assert len(standin.requests()) == 1


def test_a_reader_of_a_wait_file_does_not_keep_it(mount, standin, top):
    """Whoever waits is told that the mount is gone; the picture comes all the same."""
    in_flight(mount, standin, 1, f"{SMALL}, {HELD}")
    reader = os.open(top / ".wait", os.O_RDONLY | os.O_NONBLOCK)
    mount.process.send_signal(signal.SIGTERM)
    wait_for_the_mount_to_go(mount)
    standin.let_go()
    mount.join(LIMIT)
    os.close(reader)
    assert [record["state"] for record in mount.records()] == ["done"]
