# SPDX-License-Identifier: MIT
"""Turns: one user's thousands cost another user no more than what was in flight.

EASELFS_FLOOD says how many prompts the one user has (5000 takes some minutes).
"""

import contextlib
import os
import signal
import threading

import pytest

import conftest
from harness import HELD, as_user, until
from job_play import SMALL, answer_all, directed, kill

ALICE, BOB, CAROL = 20001, 20002, 20003
FLOOD = int(os.environ.get("EASELFS_FLOOD", "500"))
LONG = max(120, FLOOD / 10)


@pytest.fixture(autouse=True)
def watchdog(request):
    """As everywhere, but for what a flood takes."""
    timer = threading.Timer(max(conftest.HARD_LIMIT, LONG), conftest.bite, [request.node.name])
    timer.start()
    yield
    timer.cancel()


@pytest.fixture
def make_desks(make_mount, standin, tmp_path):
    """A mount of root's in which each user has a directory."""
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o111)

    def make(*options, **named):
        named.setdefault("settle", 0)
        mount = make_mount(standin.url, "-oallow_other", *options, **named)
        mount.desks = {}
        for user in (ALICE, BOB, CAROL):
            mount.desks[user] = mount.top / str(user)
            mount.desks[user].mkdir()
            os.chown(mount.desks[user], user, user)
        return mount
    return make


@contextlib.contextmanager
def stopped(standin):
    """Nothing is answered and nothing more is read, while what is asked for piles up."""
    standin.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        standin.process.send_signal(signal.SIGCONT)


def write(mount, user, count, directives=SMALL):
    def all_of_them():
        for number in range(count):
            (mount.desks[user] / f"{number}.prompt").write_text(
                directed(f"{user} {number}", directives))
    as_user(user, all_of_them)


def users(standin):
    """Whose the requests are, in the order in which they were received."""
    return [int(prompt.split()[0]) for prompt in standin.prompts()]


def queued(mount, user):
    """How many of a user's are queued."""
    return sum(line.startswith("queued ") and f" {user}/" in line
               for line in mount.status(mount.top).splitlines())


def await_queued(mount, **counts):
    """Until the users have so many queued: alice=5."""
    for name, count in counts.items():
        user = {"alice": ALICE, "bob": BOB, "carol": CAROL}[name]
        until(lambda: queued(mount, user) == count, f"{count} of {name}'s that are queued")


def pictures(mount, user):
    return sorted(name for name in os.listdir(mount.desks[user]) if name.endswith(".jpg"))


def check_turns(received, most):
    """No more than that of Alice's came before the others' jobs."""
    for user in (BOB, CAROL):
        assert received[:received.index(user)].count(ALICE) <= most, received


@pytest.mark.timeout(LONG + 60)
@pytest.mark.parametrize("in_flight, flood", [(4, FLOOD), (1, 60), (16, 200)])
def test_thousands_of_one_user_delay_nobody_else(make_desks, standin, in_flight, flood):
    """What was in flight, and at most what was sent in the same moment, when several slots open:
    nobody says in which order that is read. None of Alice's but those in flight are answered before
    the others have theirs: were all slots hers once more, nothing would come of Bob's."""
    mount = make_desks(f"-omax_in_flight={in_flight}")
    with stopped(standin):
        write(mount, ALICE, flood, f"{SMALL}, {HELD}")
        until(lambda: queued(mount, ALICE) == flood - in_flight, "the flood", LONG)
        write(mount, BOB, 1)
        write(mount, CAROL, 1)
        await_queued(mount, bob=1, carol=1)
    standin.await_requests(in_flight)
    standin.let_go()
    for user in (BOB, CAROL):
        assert mount.wait(directory=mount.desks[user]) == (["0.jpg"], False)
    check_turns(users(standin), 1 if in_flight == 1 else 2 * in_flight)
    answer_all(standin, mount.top, LONG)
    assert pictures(mount, ALICE) == sorted(f"{number}.jpg" for number in range(flood))
    assert sorted(users(standin)) == [ALICE] * flood + [BOB, CAROL]
    mount.unmount()


def test_turns_go_round(make_desks, standin):
    """All three have many: none has two turns more than another."""
    mount = make_desks("-omax_in_flight=1")
    with stopped(standin):
        for user in (ALICE, BOB, CAROL):
            write(mount, user, 20)
        await_queued(mount, alice=19, bob=20, carol=20)
    mount.wait(directory=mount.top, limit=LONG)
    received = users(standin)
    assert len(received) == 60
    for end in range(60):
        counts = [received[:end].count(user) for user in (ALICE, BOB, CAROL)]
        assert max(counts) - min(counts) <= 2, received
    numbers = [int(prompt.split()[1]) for prompt in standin.prompts()
               if prompt.startswith(str(ALICE))]
    assert len(numbers) == 20
    mount.unmount()


def test_one_model_s_queue_is_no_other_s(make_desks, standin):
    """Alice has all slots of one model and more queued for it; what she has for another one goes."""
    mount = make_desks("-omax_in_flight=4", "-omax_in_flight_per_model=1")
    other = next(path for path in sorted(mount.path.iterdir())
                 if path.is_dir() and path.name != mount.top.name)
    write(mount, ALICE, 5, HELD)
    standin.await_requests(1)
    (other / "prompt").write_text(directed("quick", SMALL))
    assert mount.wait(directory=other) == (["0001.png"], False)
    write(mount, BOB, 1)
    await_queued(mount, bob=1)
    assert len(standin.requests()) == 2
    mount.hurry()


def test_turns_by_the_minute(make_desks, standin):
    """Three a minute, one of which is left when the others come: it is not Alice's."""
    mount = make_desks("-orequests_per_minute=3", "-omax_in_flight=2")
    with stopped(standin):
        write(mount, ALICE, 10)
        await_queued(mount, alice=8)
        write(mount, BOB, 1)
        await_queued(mount, bob=1)
    assert mount.wait(directory=mount.desks[BOB]) == (["0.jpg"], False)
    until(lambda: mount.status(mount.top).count("requests_per_minute is reached") == 8, "the limit")
    assert sorted(users(standin)) == [ALICE, ALICE, BOB]
    mount.hurry()


def test_turns_after_a_restart(make_desks, standin):
    mount = make_desks("-omax_in_flight=1")
    with stopped(standin):
        write(mount, ALICE, 200)
        await_queued(mount, alice=199)
        write(mount, BOB, 1)
        write(mount, CAROL, 1)
        await_queued(mount, bob=1, carol=1)
        kill(mount)
        mount.start()
        await_queued(mount, alice=198, bob=1, carol=1)
    for user in (BOB, CAROL):
        assert mount.wait(directory=mount.desks[user]) == (["0.jpg"], False)
    check_turns(users(standin), 1 + 1)  # what the daemon that was killed had sent is read, too
    mount.wait(directory=mount.top, limit=LONG)
    states = sorted(record["state"] for record in mount.records())
    assert states == ["done"] * 201 + ["unknown"]
    assert len(standin.requests()) <= 202  # what is in doubt is charged once, or never
    mount.unmount()


def test_what_comes_back_is_the_oldest(make_desks, standin):
    """A job that the API has turned away goes before its user's others once its time has come."""
    mount = make_desks("-omax_in_flight=1")
    with stopped(standin):
        (mount.desks[ALICE] / "first.prompt").write_text(
            directed("first 0", f'status=429, retry_after="1" | {SMALL}'))
        until(lambda: "sending " in mount.status(mount.top), "the first one on its way")
        write(mount, ALICE, 20, f"{SMALL}, delay=200")
        await_queued(mount, alice=20)
    mount.wait(directory=mount.desks[ALICE])
    words = [prompt.split()[0] for prompt in standin.prompts()]
    assert words[0] == "first"
    assert words.count("first") == 2 and words[-1] != "first", words
    mount.unmount()
