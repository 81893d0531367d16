# SPDX-License-Identifier: MIT
"""count: so many requests and pictures for one prompt, each paid for once and told by itself."""

import errno
import os

import pytest

from harness import HELD, png, until
from job_play import answer_all, check_over, kill, on_record, play

SLOW = f"[[standin: {HELD}]] slow"


def set_count(directory, count):
    (directory / "settings" / "count").write_text(f"{count}\n")


def test_a_setting_asks_for_several(mount, standin, top):
    set_count(top, 4)
    (top / "cat.png").write_bytes(png())
    outcome = play(mount, standin, top, "A cat")
    assert sorted(outcome.results) == ["0001.jpg", "0002.jpg", "0003.jpg", "0004.jpg"]
    assert not outcome.failed
    assert [request["prompt"] for request in outcome.requests] == ["A cat"] * 4
    assert [len(request["references"]) for request in outcome.requests] == [1] * 4
    assert len({request["idempotency_key"] for request in outcome.requests}) == 4
    assert all("candidateCount" not in r["generationConfig"] for r in outcome.requests)
    jobs = {os.getxattr(top / name, "user.easelfs.job") for name in outcome.results}
    assert len(jobs) == 4 == len(mount.records())
    check_over(mount, outcome)


def test_front_matter_asks_for_several(mount, standin, top):
    (top / "ws").mkdir()
    outcome = play(mount, standin, top / "ws", "---\ncount: 3\n---\nA cat", "cat.prompt")
    assert sorted(outcome.results) == ["cat-2.jpg", "cat-3.jpg", "cat.jpg"]
    assert len(outcome.requests) == 3
    outcome = play(mount, standin, top / "ws", "A dog", "dog.prompt")
    assert outcome.results == ["dog.jpg"]


def test_one_that_fails_is_told_and_the_others_are_delivered(make_mount, make_standin, tmp_path):
    script = tmp_path / "script"
    script.write_text("ok\nno_picture=safety\n* ok\n")
    standin = make_standin("--script", script)
    mount = make_mount(standin.url, "-omax_in_flight=1")
    set_count(mount.top, 3)
    outcome = play(mount, standin, mount.top, "A cat")
    assert outcome.failed and outcome.results == ["0001.jpg", "0002.jpg"]
    assert len(outcome.requests) == 3
    assert "It was charged." in outcome.error  # what succeeds later does not take that away
    set_count(mount.top, 1)
    outcome = play(mount, standin, mount.top, "Another cat")
    assert outcome.error is None and outcome.results == ["0003.jpg"]


def test_removing_the_prompt_cancels_those_that_were_not_sent(make_mount, standin):
    mount = make_mount(standin.url, "-omax_in_flight=1", "-odrain=0")
    set_count(mount.top, 5)
    (mount.top / "prompt").write_text(SLOW)
    standin.await_requests(1)
    until(lambda: mount.status().count("queued") == 4, "four that wait")
    (mount.top / "prompt").unlink()
    assert mount.status().count("queued") == 0
    assert mount.status().count("sending") == 1
    assert [r["state"] for r in mount.records()] == ["cancelled"] * 4
    mount.hurry()
    assert len(standin.requests()) == 1


def test_a_crash_neither_repeats_nor_loses_one(make_mount, standin):
    mount = make_mount(standin.url, "-omax_in_flight=1")
    set_count(mount.top, 4)
    (mount.top / "cat.png").write_bytes(png())
    (mount.top / "prompt").write_text(f"[[standin: {HELD}]] A cat")
    standin.await_requests(1)
    standin.let_go()
    standin.await_requests(2)
    on_record(mount, 1, state="sending")
    kill(mount)
    mount.start()
    answer_all(standin, mount.top)
    results, failed = mount.wait()
    sent = [request["idempotency_key"] for request in standin.requests()]
    assert failed and len(results) == 3
    assert len(sent) == len(set(sent)) == 4
    assert sorted(r["state"] for r in mount.records()) == ["done"] * 3 + ["unknown"]
    assert [len(request["references"]) for request in standin.requests()] == [1] * 4


@pytest.mark.parametrize("count,accepted", [(3, True), (4, False)])
def test_the_limit_of_a_day_counts_all_of_them(make_mount, standin, count, accepted):
    mount = make_mount(standin.url, "-oimages_per_day=3")
    set_count(mount.top, count)
    fd = os.open(mount.top / "prompt", os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"A cat")
    if accepted:
        os.close(fd)
    else:
        with pytest.raises(OSError) as caught:
            os.close(fd)
        assert caught.value.errno == errno.EDQUOT
        mount.idle()
    results, failed = mount.wait()
    assert (len(results), failed) == ((3, False) if accepted else (0, True))
    assert len(standin.requests()) == (3 if accepted else 0)


def test_what_waits_counts_as_many_as_it_asks_for(make_mount, standin):
    mount = make_mount(standin.url, "-oimages_per_day=5", settle=60000)
    set_count(mount.top, 3)
    (mount.top / "one.prompt").write_text("A cat")
    with pytest.raises(OSError) as caught:
        (mount.top / "two.prompt").write_text("A dog")
    assert caught.value.errno == errno.EDQUOT
    mount.hurry()
    assert standin.requests() == []


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 4, 7, 8, 9, 20])
def test_a_name_is_the_first_that_is_free(shared, place, taken):
    """However many there are, they are not all looked at."""
    for number in range(1, taken + 1):
        (place / (f"cat-{number}.jpg" if number > 1 else "cat.jpg")).write_text("mine")
    for number in (taken + 1, taken + 2):
        name = f"cat-{number}.jpg" if number > 1 else "cat.jpg"
        assert shared.generate("[[standin: words=]] cat", "cat.prompt", place) == [name]
    os.unlink(place / "cat.jpg")
    assert shared.generate("[[standin: words=]] cat", "cat.prompt", place) == ["cat.jpg"]


def test_a_name_in_a_gap_follows_one_that_is_taken(shared, place):
    there = {2, 3, 4, 6, 7, 10, 11, 12} | {1}
    for number in there:
        (place / (f"cat-{number}.jpg" if number > 1 else "cat.jpg")).write_text("mine")
    for _ in range(5):
        name, = shared.generate("[[standin: words=]] cat", "cat.prompt", place)
        number = int(name.removeprefix("cat-").removesuffix(".jpg"))
        assert number not in there and number - 1 in there
        there.add(number)
    assert all((place / f"cat-{number}.jpg").exists() for number in there - {1})
