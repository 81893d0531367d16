# SPDX-License-Identifier: MIT
"""What each user may ask for: refused as early as it can be, told in the error file, kept over a
crash, and of no concern to the others."""

import errno
import os
import time

import pytest

from harness import HELD, as_user, error_of, until
from job_play import SMALL, Outcome, directed, kill

ALICE, BOB, CAROL = 20001, 20002, 20003


def told_a_day(limit):
    opens = time.strftime("%Y-%m-%d 00:00", time.localtime(time.time() + 86400))
    return (f"The limit of {limit} pictures a day for each user (user_images_per_day) is reached. "
            f"It opens again at {opens}.\n"
            "Save the prompt again then, or ask the administrator to raise user_images_per_day.")


def told_unfinished(limit):
    return (f"The limit of {limit} unfinished pictures for each user (user_unfinished_jobs) is "
            "reached. It opens again as soon as one of yours is finished.\n"
            "Save the prompt again then, or ask the administrator to raise user_unfinished_jobs.")


@pytest.fixture
def make_desk(make_mount, standin, tmp_path):
    """Mounts of root's in which all may write to one directory."""
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o111)

    def make(*options, **named):
        mount = make_mount(standin.url, "-oallow_other", *options, **named)
        mount.desk = mount.top / "desk"
        mount.desk.mkdir()
        mount.desk.chmod(0o777)
        return mount
    return make


def save(path, text):
    """The errno of each step of writing a prompt: open, write, close; None where it succeeds."""
    errors = [None, None, None]
    fd = -1

    def step(number, action):
        nonlocal errors
        try:
            return action()
        except OSError as error:
            errors[number] = errno.errorcode[error.errno]
        return -1
    fd = step(0, lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666))
    if fd >= 0:
        step(1, lambda: os.write(fd, text.encode()))
        step(2, lambda: os.close(fd))
    return errors


SAVED = [None, None, None]
REFUSED = [None, "EDQUOT", "EDQUOT"]


def save_as(user, desk, name, text=None):
    return as_user(user, lambda: save(desk.desk / name, text or directed(name, SMALL)))


def said(standin):
    """The prompts that it got, without what is for the stand-in in them."""
    return [prompt.split(" [[")[0] for prompt in standin.prompts()]


def ended(desk):
    desk.idle()
    desk.wait(directory=desk.desk)
    return desk.records()


# Pictures a day


def test_each_user_has_so_many_a_day(make_desk, standin):
    desk = make_desk("-ouser_images_per_day=2")
    assert save_as(ALICE, desk, "a1.prompt") == SAVED
    assert save_as(ALICE, desk, "a2.prompt") == SAVED
    ended(desk)
    assert save_as(ALICE, desk, "a3.prompt") == REFUSED
    desk.idle()
    assert Outcome(desk, standin, desk.desk, "a3.prompt").told() == told_a_day(2)
    assert save_as(BOB, desk, "b1.prompt") == SAVED
    assert save(desk.desk / "r1.prompt", directed("root", SMALL)) == SAVED
    ended(desk)
    assert sorted(said(standin)) == ["a1.prompt", "a2.prompt", "b1.prompt", "root"]
    assert "Pictures today: 4\n" in desk.status()
    desk.unmount()


def test_it_is_refused_at_the_first_write_and_nothing_else_is(make_desk, standin):
    """Other files, reading, emptying: all that is free goes on."""
    desk = make_desk("-ouser_images_per_day=1")
    assert save_as(ALICE, desk, "a.prompt") == SAVED
    ended(desk)

    def others():
        (desk.desk / "notes.txt").write_text("any")
        (desk.desk / "a.prompt").read_text()
        return save(desk.desk / "a.prompt", "")
    assert as_user(ALICE, others) == SAVED
    assert save_as(ALICE, desk, "a.prompt", "again") == REFUSED
    assert (desk.desk / "a.prompt").read_text() == ""
    assert save_as(BOB, desk, "a.prompt", directed("Bob's", SMALL)) in (
        SAVED, ["EACCES", None, None])
    ended(desk)
    assert said(standin)[0] == "a.prompt"
    desk.unmount()


def test_more_writes_do_not_make_up_for_a_refused_one(make_desk, standin):
    """The first part was refused; when the limit opens meanwhile, the second part is no prompt."""
    desk = make_desk("-ouser_unfinished_jobs=1", settle=0)
    assert save_as(ALICE, desk, "slow.prompt", directed("slow", HELD)) == SAVED
    standin.await_requests(1)

    def in_two_parts():
        fd = os.open(desk.desk / "parts.prompt", os.O_WRONLY | os.O_CREAT, 0o666)
        first = error_of(os.write, fd, b"the first part, ")
        second = error_of(os.write, fd, b"the second part")
        return first, second, error_of(os.close, fd)
    assert as_user(ALICE, in_two_parts) == ("EDQUOT", "EDQUOT", "EDQUOT")
    until(lambda: (desk.desk / "parts.error.txt").exists(), "the error file")
    head = (desk.desk / "parts.error.txt").read_text().split("\n\n")[0]
    assert head == told_unfinished(1)
    desk.hurry()
    assert said(standin) == ["slow"]


def test_a_rename_is_refused_and_explained(make_desk, standin):
    desk = make_desk("-ouser_images_per_day=1")
    assert save_as(ALICE, desk, "a.prompt") == SAVED
    ended(desk)

    def rename():
        (desk.desk / "draft").write_text("renamed")
        return error_of(os.rename, desk.desk / "draft", desk.desk / "b.prompt")
    assert as_user(ALICE, rename) == "EDQUOT"
    assert (desk.desk / "draft").read_text() == "renamed"
    assert not (desk.desk / "b.prompt").exists()
    until(lambda: (desk.desk / "b.error.txt").exists(), "the error file")
    assert (desk.desk / "b.error.txt").read_text().split("\n\n")[0] == told_a_day(1)
    desk.desk.chmod(0o777)
    assert as_user(BOB, lambda: error_of(os.rename, desk.desk / "draft",
                                         desk.desk / "b.prompt")) is None
    ended(desk)
    assert said(standin) == ["a.prompt", "renamed"]
    desk.unmount()


def test_count_is_counted(make_desk, standin):
    """Three are asked for at once where two are left: none is made; what is left can be used."""
    desk = make_desk("-ouser_images_per_day=3")
    three = f"---\ncount: 3\n---\n{directed('three', SMALL)}"
    assert save_as(ALICE, desk, "a1.prompt") == SAVED
    ended(desk)
    assert save_as(ALICE, desk, "a2.prompt", three) == [None, None, "EDQUOT"]
    desk.idle()
    assert Outcome(desk, standin, desk.desk, "a2.prompt").told() == told_a_day(3)
    assert save_as(ALICE, desk, "a3.prompt", three.replace("count: 3", "count: 2")) == SAVED
    assert save_as(BOB, desk, "b.prompt", three) == SAVED
    ended(desk)
    assert len(standin.requests()) == 6
    assert save_as(ALICE, desk, "a4.prompt") == REFUSED
    assert save_as(BOB, desk, "b2.prompt") == REFUSED
    desk.unmount()


def test_the_day_of_each_outlives_a_crash(make_desk, standin):
    desk = make_desk("-ouser_images_per_day=3")
    for number in range(2):
        assert save_as(ALICE, desk, f"a{number}.prompt") == SAVED
    assert save_as(BOB, desk, "b.prompt", directed("doubtful", "status=500")) == SAVED
    assert save_as(CAROL, desk, "c.prompt", directed("free", "status=400")) == SAVED
    ended(desk)
    kill(desk)
    desk.start()
    assert save_as(ALICE, desk, "a2.prompt") == SAVED
    assert save_as(ALICE, desk, "a3.prompt") == REFUSED
    for number in range(2):
        assert save_as(BOB, desk, f"b{number}.prompt") == SAVED
    assert save_as(BOB, desk, "b3.prompt") == REFUSED  # what is in doubt counts
    for number in range(3):
        assert save_as(CAROL, desk, f"c{number}.prompt") == SAVED
    assert save_as(CAROL, desk, "c3.prompt") == REFUSED
    ended(desk)
    assert len(standin.requests()) == 4 + 1 + 2 + 3
    desk.unmount()


def test_what_was_accepted_before_waits_for_tomorrow(make_desk, standin):
    """Of one user; the others' goes on, though it was written later."""
    desk = make_desk("-ouser_images_per_day=3", settle=60000)
    for number in range(3):
        assert save_as(ALICE, desk, f"a{number}.prompt") == SAVED
    assert save_as(BOB, desk, "b.prompt") == SAVED
    desk.idle()
    kill(desk)
    desk.options += ["-ouser_images_per_day=1", "-osettle=0"]
    desk.start()
    waits = "waits for tomorrow: user_images_per_day is reached"
    until(lambda: desk.status(desk.top).count(waits) == 2, "two that wait")
    standin.await_requests(2)
    until(lambda: len(desk.records()) == 2, "two that are done")
    desk.terminate()
    assert len(desk.unfinished()) == 2
    assert sorted(prompt[0] for prompt in said(standin)) == ["a", "b"]


# Unfinished jobs


def test_each_user_has_so_many_unfinished(make_desk, standin):
    desk = make_desk("-ouser_unfinished_jobs=2", settle=0)
    slow = directed("slow", HELD)
    assert save_as(ALICE, desk, "a1.prompt", slow) == SAVED
    assert save_as(ALICE, desk, "a2.prompt", slow) == SAVED
    standin.await_requests(2)
    assert save_as(ALICE, desk, "a3.prompt") == REFUSED
    until(lambda: (desk.desk / "a3.error.txt").exists(), "the error file")
    assert (desk.desk / "a3.error.txt").read_text().split("\n\n")[0] == told_unfinished(2)
    assert save_as(BOB, desk, "b1.prompt") == SAVED
    assert desk.wait(".b1.prompt.wait", desk.desk) == (["b1.jpg"], False)
    assert save_as(BOB, desk, "b2.prompt") == SAVED
    assert desk.wait(".b2.prompt.wait", desk.desk) == (["b2.jpg"], False)
    desk.hurry()
    assert len(standin.requests()) == 4


def test_it_opens_when_one_has_ended_and_holds_after_a_restart(make_desk, standin):
    desk = make_desk("-ouser_unfinished_jobs=2", settle=60000)
    for number in range(2):
        assert save_as(ALICE, desk, f"a{number}.prompt") == SAVED
    assert save_as(ALICE, desk, "a2.prompt") == REFUSED
    as_user(ALICE, lambda: (desk.desk / "a0.prompt").unlink())
    until(lambda: save_as(ALICE, desk, "a2.prompt") == SAVED, "room for one more")
    desk.idle()
    kill(desk)
    desk.start()
    until(lambda: desk.status(desk.top).count("a") and
          desk.status(desk.top).count("waiting") == 2, "both again")
    assert save_as(ALICE, desk, "a3.prompt") == REFUSED
    desk.idle()
    desk.hurry()
    assert standin.requests() == []


def test_the_same_prompt_may_be_written_on(make_desk, standin):
    """Each close of a part registers it; it is one job all the time."""
    desk = make_desk("-ouser_unfinished_jobs=1")

    def in_parts():
        fd = os.open(desk.desk / "a.prompt", os.O_WRONLY | os.O_CREAT, 0o666)
        for part in (b"one, ", b"two, ", directed("three", SMALL).encode()):
            os.write(fd, part)
            os.close(os.dup(fd))
        os.close(fd)
    as_user(ALICE, in_parts)
    ended(desk)
    assert said(standin) == ["one, two, three"]
    desk.unmount()


def test_a_refused_prompt_is_never_sent(make_desk, standin):
    """Not after a crash, either, whenever it comes."""
    desk = make_desk("-ouser_unfinished_jobs=1", settle=60000)
    assert save_as(ALICE, desk, "a.prompt") == SAVED
    for number in range(20):
        assert save_as(ALICE, desk, f"refused{number}.prompt") == REFUSED
    kill(desk)
    desk.options += ["-ouser_unfinished_jobs=0", "-osettle=0"]
    desk.start()
    ended(desk)
    assert said(standin) == ["a.prompt"]
    desk.unmount()
