# SPDX-License-Identifier: MIT
"""user_bytes: what each user may keep, counted in blocks of 4 KiB, exactly, over restarts, crashes
and changes while what was there is counted; and nothing that was paid for is lost to it."""

import os

import pytest

from harness import MODEL, as_user, error_of, until
from job_play import SMALL, directed, kill

ALICE, BOB = 20001, 20002
BLOCK = 4096
TOLD = ("The limit of {} KB of files for each user (user_bytes) is reached. It opens again once you "
        "have removed some of yours.\n"
        "Save the prompt again then, or ask the administrator to raise user_bytes.")


@pytest.fixture
def make_desk(make_mount, standin, tmp_path):
    """Mounts of root's in which all may write to one directory. Limits are given in blocks."""
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o111)

    def make(blocks, *options, **named):
        mount = make_mount(standin.url, "-oallow_other", f"-ouser_bytes={blocks * BLOCK}", *options,
                           **named)
        mount.desk = mount.top / "desk"
        mount.desk.mkdir()
        mount.desk.chmod(0o777)
        return mount
    return make


def used(desk, user, limit):
    """How many blocks the user has, found out by what still fits; then all is as before. What was
    removed counts until its last writer is released, which is after close(2)."""
    desk.idle()

    def fill():
        made = 0
        while (error := error_of(os.mknod, desk.desk / f"probe{made}", 0o100666)) is None:
            made += 1
        assert error == "EDQUOT"
        for number in range(made):
            os.unlink(desk.desk / f"probe{number}")
        return made
    return limit - as_user(user, fill)


def write(path, size, offset=0, flags=os.O_CREAT):
    """The errno of writing so many bytes there."""
    fd = os.open(path, os.O_WRONLY | flags, 0o666)
    try:
        return error_of(os.pwrite, fd, b"x" * size, offset)
    finally:
        os.close(fd)


def test_what_takes_room_is_counted(make_desk):
    desk = make_desk(20)
    here = desk.desk

    def count():
        return used(desk, ALICE, 20)

    def alice(action, *arguments, **named):
        return as_user(ALICE, lambda: error_of(action, *arguments, **named))
    assert count() == 0
    steps = [
        (lambda: write(here / "a", 1), 1),
        (lambda: write(here / "a", 1, BLOCK - 1), 1),
        (lambda: write(here / "a", 1, BLOCK), 2),
        (lambda: write(here / "a", 10, 0), 2),
        (lambda: error_of(os.truncate, here / "a", 3 * BLOCK + 1), 4),
        (lambda: error_of(os.truncate, here / "a", BLOCK), 1),
        (lambda: error_of(os.mkdir, here / "dir"), 2),
        (lambda: error_of(os.symlink, "x" * 100, here / "link"), 3),
        (lambda: write(here / "dir" / "below", 2 * BLOCK), 5),
        (lambda: error_of(os.rename, here / "dir", here / "moved"), 5),
        (lambda: error_of(os.rename, here / "moved" / "below", here / "a"), 4),
        (lambda: write(here / "a", 0, 0, os.O_TRUNC), 3),
        (lambda: error_of(os.unlink, here / "link"), 2),
        (lambda: error_of(os.rmdir, here / "moved"), 1),
        (lambda: error_of(os.unlink, here / "a"), 0),
    ]
    for number, (step, expected) in enumerate(steps):
        assert as_user(ALICE, step) is None, number
        assert count() == expected, number
        assert used(desk, BOB, 20) == 0, number
    desk.unmount()


def test_nothing_above_the_limit_fits(make_desk):
    """Not by any call that makes a file longer; what is there can be read, written over, cut."""
    desk = make_desk(4)
    path = desk.desk / "a"

    def grow():
        assert write(path, 4 * BLOCK) is None
        fd = os.open(path, os.O_RDWR)
        found = [
            error_of(os.pwrite, fd, b"x", 4 * BLOCK),
            error_of(os.pwrite, fd, b"xy", 4 * BLOCK - 1),
            error_of(os.ftruncate, fd, 4 * BLOCK + 1),
            error_of(os.truncate, path, 4 * BLOCK + 1),
            error_of(os.posix_fallocate, fd, 0, 4 * BLOCK + 1),
            error_of(os.copy_file_range, fd, fd, 10, 0, 4 * BLOCK),
            error_of(os.mkdir, desk.desk / "dir"),
            error_of(os.symlink, "x", desk.desk / "link"),
            error_of(os.mknod, desk.desk / "b", 0o100666),
            error_of(os.open, desk.desk / "c", os.O_CREAT | os.O_WRONLY),
            error_of(os.pwrite, fd, b"y" * BLOCK, BLOCK),
            error_of(os.posix_fallocate, fd, 0, 4 * BLOCK),
            error_of(os.ftruncate, fd, 4 * BLOCK - 1),
            error_of(os.pwrite, fd, b"x", 4 * BLOCK - 1),
        ]
        os.close(fd)
        return found, sorted(os.listdir(desk.desk)), path.stat().st_size
    assert as_user(ALICE, grow) == (["EDQUOT"] * 10 + [None] * 4, ["a"], 4 * BLOCK)
    assert as_user(BOB, lambda: write(desk.desk / "of-bob", 4 * BLOCK)) is None
    as_user(ALICE, lambda: os.truncate(path, 3 * BLOCK))
    assert as_user(ALICE, lambda: write(desk.desk / "b", BLOCK)) is None
    assert as_user(ALICE, lambda: write(desk.desk / "b", 1, BLOCK)) == "EDQUOT"
    desk.unmount()


def test_who_is_given_a_file_has_it(make_desk):
    desk = make_desk(8)
    as_user(ALICE, lambda: write(desk.desk / "a", 3 * BLOCK))
    os.chown(desk.desk / "a", BOB, BOB)
    assert (used(desk, ALICE, 8), used(desk, BOB, 8)) == (0, 3)
    os.chown(desk.desk / "a", ALICE, -1)
    assert (used(desk, ALICE, 8), used(desk, BOB, 8)) == (3, 0)
    (desk.desk / "a").chmod(0o666)  # whoever writes: it is its owner's
    assert as_user(BOB, lambda: write(desk.desk / "a", 6 * BLOCK)) is None
    assert as_user(BOB, lambda: write(desk.desk / "a", 3 * BLOCK, 6 * BLOCK)) == "EDQUOT"
    assert (used(desk, ALICE, 8), used(desk, BOB, 8)) == (6, 0)
    desk.unmount()


def test_what_is_removed_and_still_open_counts(make_desk):
    """As long as it may grow: else a disk could be filled with what nobody sees."""
    desk = make_desk(8)
    desk.desk.chmod(0o777)
    fd = os.open(desk.desk / "a", os.O_CREAT | os.O_RDWR)
    os.chown(desk.desk / "a", ALICE, ALICE)
    os.pwrite(fd, b"x" * 3 * BLOCK, 0)
    as_user(ALICE, lambda: os.unlink(desk.desk / "a"))
    assert used(desk, ALICE, 8) == 3
    assert error_of(os.pwrite, fd, b"x" * BLOCK, 7 * BLOCK) is None
    assert used(desk, ALICE, 8) == 8
    assert error_of(os.pwrite, fd, b"x", 8 * BLOCK) == "EDQUOT"
    os.close(fd)
    assert used(desk, ALICE, 8) == 0
    desk.unmount()


def test_no_prompt_above_the_limit(make_desk, standin):
    """At the first write, and at a rename; the error file says why, and after a removal it goes."""
    desk = make_desk(4)

    def save(name, text):
        fd = os.open(desk.desk / name, os.O_WRONLY | os.O_CREAT, 0o666)
        return error_of(os.write, fd, text.encode()), error_of(os.close, fd)

    def fill_and_write():
        for name in ("draft", "empty.prompt", "x"):
            os.close(os.open(desk.desk / name, os.O_WRONLY | os.O_CREAT, 0o666))
        assert write(desk.desk / "draft", 10) is None
        assert write(desk.desk / "x", 2 * BLOCK) is None
        return (save("empty.prompt", "refused"),
                error_of(os.rename, desk.desk / "draft", desk.desk / "a.prompt"))
    assert as_user(ALICE, fill_and_write) == (("EDQUOT", "EDQUOT"), "EDQUOT")
    for name in ("empty.error.txt", "a.error.txt"):
        until(lambda: (desk.desk / name).exists(), name)
        assert (desk.desk / name).read_text().split("\n\n")[0] == TOLD.format(16)
    as_user(ALICE, lambda: os.unlink(desk.desk / "x"))
    desk.idle()
    assert as_user(ALICE, lambda: save("empty.prompt", directed("taken", SMALL))) == (None, None)
    desk.idle()
    desk.wait(directory=desk.desk)
    assert len(standin.requests()) == 1
    desk.unmount()


def test_a_picture_is_delivered_whatever_the_limit(make_mount, standin, tmp_path):
    """Root's own: the pictures of a private mount are the daemon's, as are the empty prompts of its
    three models, and the error file of a prompt that is refused."""
    mount = make_mount(standin.url, f"-ouser_bytes={5 * BLOCK}")
    assert mount.generate(directed("A", "picture=png, picture_bytes=100000, size=64x64")) == [
        "0001.png"]
    assert (mount.top / "0001.png").stat().st_size >= 100000
    assert error_of((mount.top / "prompt").write_text, "one too many") == "EDQUOT"
    until((mount.top / "prompt.error.txt").exists, "the error file")
    assert error_of((mount.top / "notes.txt").write_text, "x") == "EDQUOT"
    (mount.top / "0001.png").unlink()
    (mount.top / "0001.txt").unlink(missing_ok=True)
    assert mount.generate(directed("B", SMALL)) == ["0001.jpg"]
    assert len(standin.requests()) == 2
    mount.unmount()


@pytest.mark.parametrize("how", [kill, lambda mount: mount.terminate()])
def test_it_is_exact_after_a_restart(make_desk, how):
    desk = make_desk(40)

    def fill():
        os.mkdir(desk.desk / "dir")
        os.mkdir(desk.desk / "dir" / "deep")
        for number in range(10):
            write(desk.desk / "dir" / "deep" / f"{number}", number * 1000)
        os.symlink("x", desk.desk / "dir" / "link")
    as_user(ALICE, fill)
    as_user(BOB, lambda: write(desk.desk / "b", 2 * BLOCK))
    expected = 2 + 1 + sum(max(1, -(-number * 1000 // BLOCK)) for number in range(10))
    assert used(desk, ALICE, 40) == expected
    how(desk)
    desk.start()
    until(lambda: used(desk, ALICE, 40) == expected, "Alice's files counted")
    until(lambda: used(desk, BOB, 40) == 2, "Bob's files counted")
    desk.unmount()


def test_it_is_exact_whatever_is_done_while_it_counts(make_desk):
    """Files and directories that are made, changed, moved and removed from the first moment on."""
    limit = 900
    desk = make_desk(limit)
    folders = 40

    def fill():
        for folder in range(folders):
            os.mkdir(desk.desk / f"{folder}")
            for number in range(10):
                write(desk.desk / f"{folder}" / f"{number}", 5000)
    as_user(ALICE, fill)
    before = folders * (1 + 10 * 2)
    assert used(desk, ALICE, limit) == before
    kill(desk)
    for number in range(10):  # root's, so that the count takes its time
        bulk = desk.store / "tree" / MODEL / f"bulk{number}"
        bulk.mkdir()
        for name in range(500):
            (bulk / f"{name}").touch()
    desk.start()

    def stir():
        for folder in range(folders - 1, -1, -1):
            here = desk.desk / f"{folder}"
            os.unlink(here / "0")                            # two less
            write(here / "1", 1, 3 * BLOCK)                  # two more
            os.truncate(here / "2", 1)                       # one less
            write(here / "new", 1)                           # one more
            os.rename(here / "3", here / "4")                # two less
            if folder % 2:
                os.rename(here / "5", desk.desk / f"{folder - 1}" / f"from-{folder}")
            if folder % 3 == 0:
                os.mkdir(desk.desk / f"into-{folder}")       # one more
                os.rename(here, desk.desk / f"into-{folder}" / "moved")
    as_user(ALICE, stir)
    # nothing changes on the whole but by what was renamed over, and what was made
    expected = before - 2 * folders + len(range(0, folders, 3))
    until(lambda: used(desk, ALICE, limit) == expected, f"{expected} blocks, counted")
    desk.unmount()
    desk.start()
    until(lambda: used(desk, ALICE, limit) == expected, f"{expected} blocks, counted again")
    desk.unmount()


def test_without_a_limit_nothing_is_counted(make_desk):
    desk = make_desk(0)
    assert as_user(ALICE, lambda: write(desk.desk / "large", 100 * BLOCK)) is None
    desk.unmount()
