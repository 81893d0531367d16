# SPDX-License-Identifier: MIT
"""What may be spent: pictures a day, requests a minute, the pause without credit, kept records."""

import errno
import json
import os
import time

import pytest

from harness import FLASH, HELD, png, until
from job_play import FREE, SMALL, Outcome, directed, kill, play

ADVICE = "Save the prompt again then, or raise images_per_day."


def closed(limit):
    """What is told once the day's pictures are used up."""
    opens = time.strftime("%Y-%m-%d 00:00", time.localtime(time.time() + 86400))
    return (f"The limit of {limit} pictures a day (images_per_day) is reached. "
            f"It opens again at {opens}.\n{ADVICE}")


def save(mount, name, text):
    (mount.top / name).write_text(text, encoding="utf-8")


def refused(action):
    with pytest.raises(OSError) as caught:
        action()
    return caught.value.errno == errno.EDQUOT


# In flight


def test_one_model_leaves_room_for_the_others(make_mount, standin):
    mount = make_mount(standin.url, "-omax_in_flight=4", "-omax_in_flight_per_model=2", "-odrain=0")
    for number in range(5):
        save(mount, f"{number}.prompt", directed(f"slow {number}", HELD))
    standin.await_requests(2)
    (mount.path / FLASH / "prompt").write_text(directed("quick", SMALL))
    assert mount.wait(directory=mount.path / FLASH) == (["0001.png"], False)
    until(lambda: mount.status(mount.top).count("queued") == 3, "three that wait")
    assert mount.status(mount.top).count("sending") == 2
    mount.hurry()
    assert len(standin.requests()) == 3


# Pictures a day


def test_images_per_day(make_mount, standin):
    mount = make_mount(standin.url, "-oimages_per_day=3")
    (mount.top / "draft").write_text("renamed")
    for number in range(3):
        play(mount, standin, mount.top, directed(f"No. {number}", SMALL), f"{number}.prompt")
    tokens = sum(record["answer"]["total_tokens"] for record in mount.records())
    assert mount.status().split("\n")[1:4] == ["Pictures today: 3 of 3", f"Tokens today: {tokens}",
                                              "Pictures since the mount: 3"]
    assert refused(lambda: save(mount, "new.prompt", "created"))
    assert refused(lambda: save(mount, "0.prompt", "opened"))
    assert refused(lambda: (mount.top / "draft").rename(mount.top / "draft.prompt"))
    assert (mount.top / "0.prompt").read_text() == directed("No. 0", SMALL)
    for name in ("new", "0", "draft"):
        outcome = Outcome(mount, standin, mount.top, f"{name}.prompt")
        assert (outcome.state, outcome.told()) == ("failed", closed(3))
    assert not (mount.top / "new.prompt").exists()
    os.close(os.open(mount.top / "1.prompt", os.O_RDONLY))
    assert mount.wait() == (["0.jpg", "1.jpg", "2.jpg"], False)
    (mount.top / "notes.txt").write_text("anything else can be written")
    mount.settled()
    mount.unmount()
    assert len(standin.requests()) == 3


def test_what_waits_counts_too(make_mount, standin):
    """A thousand prompts copied in at once do not wait for the days to come."""
    mount = make_mount(standin.url, "-oimages_per_day=3", settle=60000)
    for number in range(3):
        save(mount, f"{number}.prompt", "waits")
    mount.idle()
    assert refused(lambda: save(mount, "3.prompt", "one too many"))
    (mount.top / "1.prompt").unlink()
    mount.idle()
    save(mount, "3.prompt", "in its place")
    mount.hurry()
    assert standin.requests() == []


def test_two_that_were_open_at_the_last_picture(make_mount, standin):
    """The later one is refused when it is closed, and its error file says why."""
    mount = make_mount(standin.url, "-oimages_per_day=1")
    with open(mount.top / "a.prompt", "w", encoding="utf-8") as first:
        second = os.open(mount.top / "b.prompt", os.O_WRONLY | os.O_CREAT)
        first.write(directed("A", SMALL))
    os.write(second, b"B")
    with pytest.raises(OSError) as caught:
        os.close(second)
    assert caught.value.errno == errno.EDQUOT
    mount.idle()
    assert Outcome(mount, standin, mount.top, "a.prompt").results == ["a.jpg"]
    outcome = Outcome(mount, standin, mount.top, "b.prompt")
    assert outcome.told() == closed(1)
    assert (outcome.state, outcome.attempts, outcome.failed) == ("failed", 0, True)
    mount.unmount()
    assert len(standin.requests()) == 1


@pytest.mark.parametrize("how", [kill, lambda mount: mount.terminate()])
def test_the_day_outlives_the_daemon(make_mount, standin, how):
    mount = make_mount(standin.url, "-oimages_per_day=3")
    for number in range(2):
        play(mount, standin, mount.top, directed(f"No. {number}", SMALL))
    how(mount)
    mount.start()
    assert "Pictures today: 2 of 3\n" in mount.status()
    play(mount, standin, mount.top, directed("No. 3", SMALL))
    assert refused(lambda: save(mount, "prompt", "one too many"))
    mount.unmount()
    assert len(standin.requests()) == 3


def test_what_was_not_made_is_given_back(make_mount, standin):
    """Refused, in back-off: free. In doubt: counted."""
    mount = make_mount(standin.url, "-oimages_per_day=3")
    for directives in ("status=400", "status=401", "status=404", 'redirect="302:http://x/"'):
        assert play(mount, standin, mount.top, directed("A cat", directives)).state == "failed"
        assert "Pictures today: 0 of 3\n" in mount.status()
    assert play(mount, standin, mount.top,
                directed("A cat", f"status=503 | {SMALL}")).state == "done"
    assert "Pictures today: 1 of 3\n" in mount.status()
    assert play(mount, standin, mount.top, directed("A cat", "status=500")).state == "unknown"
    assert play(mount, standin, mount.top, directed("A cat", "safety")).state == "failed"
    assert refused(lambda: save(mount, "prompt", "one too many"))
    kill(mount)
    mount.start()
    assert "Pictures today: 3 of 3\n" in mount.status()
    mount.unmount()


def test_what_was_accepted_before_waits_for_tomorrow(make_mount, standin):
    mount = make_mount(standin.url, "-oimages_per_day=5", settle=60000)
    for number in range(4):
        save(mount, f"{number}.prompt", directed(f"No. {number}", SMALL))
    mount.idle()
    kill(mount)
    mount.options += ["-oimages_per_day=2", "-osettle=0"]
    mount.start()
    until(lambda: mount.status(mount.top).count("waits for tomorrow: images_per_day is reached") == 2,
          "two that wait")
    standin.await_requests(2)
    mount.terminate()
    assert len(mount.unfinished()) == 2
    assert len(standin.requests()) == 2


def test_days_gone_by_and_days_to_come(make_mount, standin):
    """Yesterday's pictures are no matter; a day to come was counted on by a clock that went wrong,
    and counts for today, once."""
    mount = make_mount(standin.url, "-oimages_per_day=5")
    mount.unmount()
    usage = mount.store / "usage"
    (usage / "2001-02-03").write_text("+x\n" * 5)
    (usage / "2101-02-03").write_text("+x\n" * 3)
    (usage / "notes").write_text("+x\n" * 5)
    for _ in range(2):
        mount.start()
        assert "Pictures today: 3 of 5\n" in mount.status()
        mount.unmount()
    assert sorted(os.listdir(usage)) == ["2001-02-03", time.strftime("%Y-%m-%d"),
                                         "2101-02-03.carried", "notes"]


# Requests a minute


def test_requests_per_minute(make_mount, standin):
    mount = make_mount(standin.url, "-orequests_per_minute=3")
    for number in range(5):
        save(mount, f"{number}.prompt", directed(f"No. {number}", SMALL))
    until(lambda: mount.status(mount.top).count("requests_per_minute is reached") == 2, "the wait")
    standin.await_requests(3)
    mount.terminate()
    assert len(mount.unfinished()) == 2
    assert len(standin.requests()) == 3


# Credit


def test_without_credit_all_wait(make_mount, make_standin, tmp_path):
    """The first one fails; the others wait for a minute, or until something is written again, and
    then go one at a time until one is not refused."""
    script = tmp_path / "script"
    script.write_text("status=402\nstatus=402\n* size=16x16\n")
    standin = make_standin("--script", script)
    mount = make_mount(standin.url, "-omax_in_flight=1", settle=300)
    with open(mount.top / "open.txt", "w", encoding="utf-8"):  # each save says: try again
        for number in range(6):
            save(mount, f"{number}.prompt", f"No. {number}")
    waits = "waits for credit: the account has none left; next try in "
    until(lambda: mount.status(mount.top).count(waits) == 5 and len(mount.records()) == 1,
          "five that wait")
    assert len(standin.requests()) == 1
    first = mount.records()[0]
    assert first["failure"]["text"].startswith("The account has no credit left: ")
    assert (first["state"], first["failure"]["charge"]) == ("failed", "none")
    text = (mount.top / first["prompt_name"].replace(".prompt", ".error.txt")).read_text()
    assert text.split("\n")[1:3] == [FREE, "Add credit to the account, then save the prompt again."]
    save(mount, "again.prompt", "Is there credit again?")  # there is not
    until(lambda: mount.status(mount.top).count(waits) >= 5 and len(mount.records()) == 2,
          "the second refusal")
    assert len(standin.requests()) == 2
    save(mount, "more.prompt", "And now?")
    mount.wait()
    states = sorted(record["state"] for record in mount.records())
    assert states == ["done"] * 6 + ["failed"] * 2
    assert len(standin.requests()) == 8
    mount.unmount()


def test_after_a_pause_one_is_tried_first(make_mount, make_standin, tmp_path):
    """Six may be sent at once; without credit only one of them is lost at a time."""
    script = tmp_path / "script"
    script.write_text("status=402, delay=300\nstatus=402, delay=300\n* size=16x16\n")
    standin = make_standin("--script", script)
    mount = make_mount(standin.url, "-omax_in_flight=6", settle=0)
    save(mount, "0.prompt", "first")
    standin.await_requests(1)
    until(lambda: len(mount.records()) == 1, "the refusal")
    with open(mount.top / "open.txt", "w", encoding="utf-8"):
        for number in range(1, 7):
            save(mount, f"{number}.prompt", f"No. {number}")
    standin.await_requests(2)
    until(lambda: len(mount.records()) == 2, "the second refusal")
    assert len(standin.requests()) == 2
    save(mount, "more.prompt", "And now?")
    mount.wait()
    assert sorted(record["state"] for record in mount.records()) == ["done"] * 6 + ["failed"] * 2
    mount.unmount()


# Records


DAY_MS = 86_400_000


@pytest.mark.parametrize("days, kept", [(10, ["new", "nine"]), (0, ["eleven", "new", "nine"])])
def test_old_records_are_removed_and_no_picture(make_mount, standin, days, kept):
    mount = make_mount(standin.url, f"-okeep_records={days}")
    outcome = play(mount, standin, mount.top, directed("A cat", SMALL))
    mount.unmount()
    done = mount.store / "done"
    now = outcome.record["created_ms"]
    names = {}
    for name, age in (("nine", 9), ("eleven", 11)):
        job = f"{now - age * DAY_MS:011x}{outcome.record['id'][11:]}"
        (done / job).mkdir()
        (done / job / "record.json").write_text(json.dumps({"id": job, "prompt_name": ""}))
        (done / job / "part-0").write_bytes(png())
        names[job] = name
    names[outcome.record["id"]] = "new"
    (done / "not-a-job").mkdir()
    mount.start()
    expected = sorted([job for job, name in names.items() if name in kept] + ["not-a-job"])
    until(lambda: sorted(os.listdir(done)) == expected, f"{kept} of the records")
    assert play(mount, standin, mount.top, directed("B", SMALL)).results == ["0002.jpg"]
    assert (mount.top / "0001.jpg").exists()
    mount.terminate()
    (done / "not-a-job").rmdir()
