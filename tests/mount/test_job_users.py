# SPDX-License-Identifier: MIT
"""Whose a job is: that of who opened the file it comes of, or renamed it; never of who closed it."""

import os

import pytest

from harness import HELD, as_user, until
from job_play import SMALL, directed, kill

ALICE, BOB, CAROL = 20001, 20002, 20003


@pytest.fixture
def desk(make_mount, standin, tmp_path):
    """A mount of root's in which all may write in one directory."""
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o111)
    mount = make_mount(standin.url, "-oallow_other")
    mount.desk = mount.top / "desk"
    mount.desk.mkdir()
    mount.desk.chmod(0o777)
    return mount


def save(path, text, mode=0o666):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.fchmod(fd, mode)
    os.write(fd, text.encode())
    os.close(fd)


def owners(mount):
    """Of the jobs that ended, by the names of their prompts, once all have."""
    mount.idle()
    mount.wait(directory=mount.desk)
    return {record["prompt_name"]: (record["owner"]["uid"], record["owner"]["gid"])
            for record in mount.records()}


def test_a_job_is_its_writer_s(desk):
    for user in (ALICE, BOB):
        as_user(user, lambda: save(desk.desk / f"{user}.prompt", directed("Mine", SMALL)))
    save(desk.desk / "root.prompt", directed("Root's", SMALL))
    assert owners(desk) == {"20001.prompt": (ALICE, ALICE), "20002.prompt": (BOB, BOB),
                            "root.prompt": (0, 0)}


def test_who_renames_it_has_it_made(desk):
    as_user(ALICE, lambda: save(desk.desk / "draft", directed("A", SMALL)))
    as_user(BOB, lambda: os.rename(desk.desk / "draft", desk.desk / "a.prompt"))
    assert owners(desk) == {"a.prompt": (BOB, BOB)}


def test_who_closes_it_does_not_matter(desk):
    """Bob has Alice's file open meanwhile, and Carol got a descriptor from her."""
    path = desk.desk / "a.prompt"
    fd = as_user(ALICE, lambda: save(path, "")) or os.open(path, os.O_WRONLY)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # Alice opens it; what she opened is used and closed by Carol
        os.close(fd)
        os.setresgid(ALICE, ALICE, ALICE)
        os.seteuid(ALICE)
        opened = os.open(path, os.O_WRONLY)
        os.seteuid(0)
        os.setresuid(CAROL, CAROL, CAROL)
        os.write(opened, directed("By Carol's hand", SMALL).encode())
        os.close(opened)
        os.write(writer, b".")
        os._exit(0)
    assert os.read(reader, 1) == b"."
    os.waitpid(child, 0)
    for end in (reader, writer):
        os.close(end)
    desk.idle()
    assert desk.status(desk.top).count("desk/a.prompt") == 1
    os.close(fd)  # root's: the last one that could write, and did not
    assert owners(desk) == {"a.prompt": (ALICE, ALICE)}


def test_a_change_without_a_handle_is_its_closer_s(desk):
    """Alice's picture is made; Bob cuts the text by its name, then opens and closes the file."""
    path = desk.desk / "a.prompt"
    as_user(ALICE, lambda: save(path, directed("Alice", SMALL)))
    assert owners(desk) == {"a.prompt": (ALICE, ALICE)}
    as_user(BOB, lambda: os.truncate(path, len(directed("Alice", SMALL)) - 1))
    as_user(BOB, lambda: os.close(os.open(path, os.O_WRONLY)))
    desk.idle()
    desk.wait(directory=desk.desk)
    assert sorted(record["owner"]["uid"] for record in desk.records()) == [ALICE, BOB]


def test_a_refused_prompt_is_its_writer_s(desk):
    def refused():
        fd = os.open(desk.desk / "a.prompt", os.O_WRONLY | os.O_CREAT)
        try:
            os.write(fd, b"\xff")
        finally:
            os.close(fd)
    with pytest.raises(AssertionError, match="EILSEQ|84"):
        as_user(BOB, refused)
    assert owners(desk) == {"a.prompt": (BOB, BOB)}


def test_siblings_have_one_owner(desk, standin):
    as_user(BOB, lambda: save(desk.desk / "a.prompt",
                              f"---\ncount: 3\n---\n{directed('Three', SMALL)}"))
    desk.idle()
    desk.wait(directory=desk.desk)
    assert [record["owner"] for record in desk.records()] == [{"uid": BOB, "gid": BOB}] * 3
    assert len(standin.requests()) == 3


def test_it_outlives_the_daemon(make_mount, standin, tmp_path):
    mount = make_mount(standin.url, "-oallow_other", "-omax_in_flight=1", settle=0)
    tmp_path.chmod(0o755)
    mount.desk = mount.top
    mount.top.chmod(0o777)
    as_user(ALICE, lambda: save(mount.top / "a.prompt", directed("A", HELD)))
    standin.await_requests(1)
    as_user(BOB, lambda: save(mount.top / "b.prompt", directed("B", SMALL)))
    until(lambda: mount.status(mount.top).count("queued") == 1, "a job that waits")
    kill(mount)
    mount.start()
    assert owners(mount) == {"a.prompt": (ALICE, ALICE), "b.prompt": (BOB, BOB)}
    assert len(standin.requests()) == 2
    mount.unmount()
