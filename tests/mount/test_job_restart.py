# SPDX-License-Identifier: MIT
"""The daemon is killed, at every stage of a job: nothing is lost, nothing sent twice, and what was
paid for is delivered once."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import threading

import pytest

from harness import BUILD, HELD, LIMIT, SANITIZED, environment, png, until
from job_play import (NOT_SENT_AGAIN, PERHAPS, SMALL, Oracle, Outcome, directed, kill, on_record,
                      play)

ENDED = "easelfs ended while the request was on its way."
UNKNOWN = f"{ENDED}\n{PERHAPS}\n{NOT_SENT_AGAIN}"


@pytest.fixture
def oracle(make_standin):
    return Oracle(make_standin())


def restart(mount):
    """Kill the daemon and start the next one at the same place."""
    kill(mount)
    mount.start()


def end(mount, standin, requests):
    """Everything is over, and that is what was sent."""
    mount.settled()
    mount.unmount()
    assert mount.unfinished() == []
    assert mount.staged() == []
    assert len(standin.requests()) == requests


# Before anything was sent


def test_while_it_waits_for_a_file_to_be_closed(make_mount, standin, oracle):
    mount = make_mount(standin.url)
    with contextlib.suppress(OSError), open(mount.top / "open.txt", "w", encoding="utf-8"):
        (mount.top / "prompt").write_text(directed("A cat", SMALL))
        until(lambda: "waits until open.txt is closed" in mount.status(mount.top), "the wait")
        restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.sums == oracle.sums("A cat")
    end(mount, standin, 1)


def test_while_its_directory_settles(make_mount, standin, oracle):
    mount = make_mount(standin.url, settle=60000)
    (mount.top / "prompt").write_text(directed("A cat", SMALL))
    mount.idle()
    assert standin.requests() == []
    mount.options = [option.replace("=60000", "=0") for option in mount.options]
    restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.sums == oracle.sums("A cat")
    end(mount, standin, 1)


def test_a_prompt_that_was_committed_is_not_committed_again_by_a_rename(make_mount, standin):
    """The daemon ended between FLUSH and the mark on the file: the next one makes up for it."""
    mount = make_mount(standin.url, settle=60000)
    (mount.top / "prompt").write_text(directed("A cat", SMALL))
    mount.idle()
    kill(mount)
    os.removexattr(mount.store / "tree" / mount.top.name / "prompt", "user.easelfs.commit")
    mount.options = [option.replace("=60000", "=0") for option in mount.options]
    mount.start()
    assert Outcome(mount, standin, mount.top).results == ["0001.jpg"]
    (mount.top / "prompt").rename(mount.top / "old.prompt")
    end(mount, standin, 1)


def test_in_the_queue(make_mount, standin):
    """What it uses is what it was when it was frozen, whatever is done to the directory since."""
    mount = make_mount(standin.url, "-omax_in_flight=1")
    (mount.top / "0.prompt").write_text(directed("Zero", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    (mount.top / "ref.png").write_bytes(png(1))
    for number in range(1, 6):
        (mount.top / f"{number}.prompt").write_text(directed(f"No. {number}", SMALL))
    on_record(mount, 5, state="queued")
    (mount.top / "ref.png").write_bytes(png(2))
    (mount.top / "other.png").write_bytes(png(3))
    restart(mount)
    mount.settled()
    prompts = [request["prompt"] for request in standin.requests()]
    assert prompts == [directed("Zero", f"{SMALL}, {HELD}"),
                       *(directed(f"No. {number}", SMALL) for number in range(1, 6))]
    references = [request["references"] for request in standin.requests()[1:]]
    assert references == [[{"mime": "image/png", "bytes": len(png(1)),
                            "sha256": references[0][0]["sha256"]}]] * 5
    from harness import sha256
    assert references[0][0]["sha256"] == sha256(png(1))
    states = {record["prompt_name"]: record["state"] for record in mount.records()}
    assert states == {"0.prompt": "unknown", **{f"{n}.prompt": "done" for n in range(1, 6)}}
    end(mount, standin, 6)


def test_while_it_waits_to_be_tried_again(make_mount, standin, oracle):
    mount = make_mount(standin.url)
    (mount.top / "ref.png").write_bytes(png(1))
    (mount.top / "prompt").write_text(
        directed("A cat", f"status=503, retry_after=3600 | {SMALL}"))
    record, = on_record(mount, 1, state="queued", attempts=1)
    assert len(record["references"]) == 1
    restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert (outcome.state, outcome.attempts) == ("done", 2)
    assert [len(request["references"]) for request in outcome.requests] == [1, 1]
    assert len(outcome.record["references"]) == 1
    end(mount, standin, 2)


def test_a_removal_after_the_restart_takes_it_back(make_mount, standin):
    mount = make_mount(standin.url, settle=60000)
    (mount.top / "prompt").write_text("A cat")
    mount.idle()
    restart(mount)
    until(lambda: "prompt  waits" in mount.status(mount.top), "the job")
    (mount.top / "prompt").unlink()
    assert mount.wait() == ([], False)
    assert [record["state"] for record in mount.records()] == ["cancelled"]
    end(mount, standin, 0)


# While it is being sent, or its answer comes


def test_while_it_is_being_sent(make_mount, standin):
    """The request was read whole, and nobody will ever know: it is not sent again."""
    mount = make_mount(standin.url)
    (mount.top / "prompt").write_text(directed("A cat", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.told() == UNKNOWN
    assert (outcome.state, outcome.charge, outcome.failed) == ("unknown", "possible", True)
    assert outcome.names == ["README.txt", "prompt", "prompt.error.txt", "settings",
                             "status.txt"]
    restart(mount)
    mount.settled()
    end(mount, standin, 1)


def test_while_the_answer_comes(make_mount, standin):
    """What came of it is kept."""
    mount = make_mount(standin.url)
    (mount.top / "prompt").write_text(
        directed("A cat", "picture_bytes=4000000, fault=drip:100000"))
    until(lambda: list(mount.store.glob("jobs/*/part-*")), "some of the answer")
    restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.told() == UNKNOWN
    assert any(name.startswith("part-")
               for name in os.listdir(mount.store / "done" / outcome.record["id"]))
    end(mount, standin, 1)


def test_resend_always(make_mount, standin):
    mount = make_mount(standin.url, "-oresend=always")
    (mount.top / "ref.png").write_bytes(png(1))
    (mount.top / "prompt").write_text(directed("A cat", f"{SMALL}, {HELD} | {SMALL}"))
    standin.await_requests(1)
    restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.results == ["0001.jpg"]
    assert (outcome.state, outcome.attempts) == ("done", 2)
    assert [len(request["references"]) for request in outcome.requests] == [1, 1]
    end(mount, standin, 2)


def test_resend_always_has_an_end(make_mount, standin):
    """A job that the daemon never survives is not paid for for ever."""
    mount = make_mount(standin.url, "-oresend=always")
    (mount.top / "prompt").write_text(directed("A cat", HELD))
    for number in range(1, 6):
        standin.await_requests(number)
        restart(mount)
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.told() == UNKNOWN
    assert (outcome.state, outcome.attempts) == ("unknown", 5)
    end(mount, standin, 5)


# Once the answer is there


def test_while_its_picture_is_fetched(make_mount, standin, oracle):
    mount = make_mount(standin.url)
    text = "A cat"
    (mount.top / "prompt").write_text(
        directed(text, "variant=0, form=url, picture_bytes=30000, url=slow:100, url_times=1"))
    until(lambda: list(mount.store.glob("jobs/*/picture-0.part")), "some of the picture")
    assert not list(mount.top.glob("0*"))
    kill(mount)
    job, = mount.unfinished()
    assert (mount.store / "jobs" / job / "answer").exists()
    mount.start()
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.results == ["0001.jpg"]
    assert outcome.sums == oracle.sums(text, "variant=0, picture_bytes=30000")
    assert outcome.state == "done"
    end(mount, standin, 1)


def test_a_picture_that_was_fetched_is_not_fetched_again(make_mount, standin, oracle):
    """Its link may have died since: the bytes that are here are delivered."""
    mount = make_mount(standin.url)
    (mount.top / "prompt").write_text(
        directed("A cat", "variant=0, form=url, pictures=2, picture_bytes=40000, url=slow:8000"))
    until(lambda: list(mount.store.glob("jobs/*/picture-1.part")), "some of the second picture")
    kill(mount)
    mount.url = "http://127.0.0.1:9"  # now that of the picture is a stranger's
    mount.start()
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.results == ["0001.jpg"]
    assert outcome.sums == oracle.sums("A cat", "variant=0, pictures=2, picture_bytes=40000")[:1]
    assert outcome.error.startswith("The picture could not be fetched. The picture's link leads to ")
    assert (outcome.state, outcome.failed) == ("done", True)
    end(mount, standin, 1)


# Stages that last too short to be hit from outside: the store is made to look like each


def check_of(text):
    """The hash of a record's text (src/base/hash.h)."""
    value = 0xcbf29ce484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return f"{value:016x}"


def rewrite(record_file, **changes):
    """Change members of a record and mend its check; None removes one."""
    record = json.loads(record_file.read_text(encoding="utf-8"))
    record.update(changes)
    record = {name: value for name, value in record.items() if value is not None}
    record["check"] = "0" * 16
    text = json.dumps(record, ensure_ascii=False).encode()
    record_file.write_bytes(text.replace(b"0" * 16, check_of(text).encode(), 1))


def back_to_received(mount, record, results):
    """Undo the end of a job: its record says that the results are staged."""
    job = mount.store / "jobs" / record["id"]
    (mount.store / "done" / record["id"]).rename(job)
    rewrite(job / "record.json", state="received", finished_ms=None,
            results=[{"staged": result["staged"]} for result in record["results"]])
    for result in results:
        (mount.store / "tree" / mount.top.name / result["name"]).rename(
            mount.store / "staging" / result["staged"])


def back_to_staging(mount, record):
    """The words, too, are not visible yet."""
    (mount.store / "tree" / mount.top.name / "0001.txt").rename(
        mount.store / "staging" / f"{record['id']}.words.txt")


@pytest.fixture
def three(make_mount, standin):
    """A mount that has ended, and the record of a job with three results and words."""
    mount = make_mount(standin.url)
    outcome = play(mount, standin, mount.top, directed("A cat", f"{SMALL}, pictures=3"))
    assert outcome.results == ["0001.jpg", "0002.jpg", "0003.jpg"]
    mount.sums = outcome.sums
    mount.unmount()
    return mount, outcome.record


def check_delivered_once(mount, standin):
    mount.start()
    outcome = Outcome(mount, standin, mount.top)
    assert outcome.results == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert sorted(outcome.sums) == sorted(mount.sums)
    assert outcome.names == ["0001.jpg", "0001.txt", "0002.jpg", "0003.jpg", "README.txt", "prompt",
                             "settings", "status.txt"]
    assert (outcome.state, outcome.failed) == ("done", False)
    end(mount, standin, 1)


@pytest.mark.parametrize("visible", range(4))
def test_between_the_results(three, standin, visible):
    """So many of them had become visible, the rest was staged."""
    mount, record = three
    back_to_received(mount, record, record["results"][visible:])
    if not visible:
        back_to_staging(mount, record)
    check_delivered_once(mount, standin)


def test_between_a_result_and_its_words(three, standin):
    mount, record = three
    back_to_received(mount, record, record["results"][1:])
    back_to_staging(mount, record)
    check_delivered_once(mount, standin)


def test_between_the_last_result_and_the_words(three, standin):
    mount, record = three
    back_to_received(mount, record, [])
    back_to_staging(mount, record)
    check_delivered_once(mount, standin)


def test_between_the_record_and_its_move(three, standin):
    """Its end is on record, but it still stands among the unfinished ones."""
    mount, record = three
    (mount.store / "done" / record["id"]).rename(mount.store / "jobs" / record["id"])
    check_delivered_once(mount, standin)


def test_results_that_the_user_moved_are_not_delivered_again(three, standin):
    mount, record = three
    back_to_received(mount, record, [])
    tree = mount.store / "tree" / mount.top.name
    (tree / "kept").mkdir()
    for result in record["results"]:
        (tree / result["name"]).rename(tree / "kept" / result["name"])
    mount.start()
    assert mount.wait(".prompt.wait") == ([], False)
    assert sorted(os.listdir(mount.top / "kept")) == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert not list(mount.top.glob("0*.jpg"))
    end(mount, standin, 1)


def test_before_the_results_are_on_record(three, standin):
    """Some were staged, the record still says `sending`: the answer is understood afresh."""
    mount, record = three
    job = mount.store / "jobs" / record["id"]
    mount.start()
    outcome = play(mount, standin, mount.top, directed("B", f"{SMALL}, form=url, url=400"))
    mount.unmount()
    kept = mount.store / "done" / outcome.record["id"]  # an answer, as it is on disk
    assert sorted(os.listdir(kept))[:2] == ["answer", "part-0"] or "answer" in os.listdir(kept)
    kept.rename(mount.store / "jobs" / outcome.record["id"])
    rewrite(mount.store / "jobs" / outcome.record["id"] / "record.json", state="sending",
            results=[], failure=None, finished_ms=None)
    (mount.store / "staging" / f"{outcome.record['id']}.error.txt").write_text("half a t")
    assert not job.exists()
    mount.start()
    mount.settled()
    assert [r["state"] for r in mount.records()] == ["done", "failed"]
    end(mount, standin, 2)


def test_texts_that_a_crash_left_behind_are_swept_away(three, standin):
    mount, record = three
    staging = mount.store / "staging"
    (staging / f"{record['id']}.error.txt").write_text("left")
    (staging / f"{record['id']}.words.txt").write_text("left")
    (staging / f"{record['id']}.4.png").write_bytes(png())  # may have been paid for
    (staging / "notes.txt").write_text("not ours")
    mount.start()
    until(lambda: len(os.listdir(staging)) == 2, "the sweep")
    assert mount.staged() == [f"{record['id']}.4.png", "notes.txt"]
    mount.unmount()


# Damage


def test_damaged_records_are_set_aside_and_stop_no_other(make_mount, standin):
    mount = make_mount(standin.url, settle=60000)
    names = ["good", "flipped", "cut", "empty", "no-record"]
    for name in names:
        (mount.top / f"{name}.prompt").write_text(directed(name, SMALL))
    mount.idle()
    kill(mount)
    jobs = {}
    for job in mount.unfinished():
        path = mount.store / "jobs" / job
        record = json.loads((path / "record.json").read_text(encoding="utf-8"))
        jobs[record["prompt_name"].removesuffix(".prompt")] = path
    text = (jobs["flipped"] / "record.json").read_bytes()
    (jobs["flipped"] / "record.json").write_bytes(text.replace(b"flipped", b"flipqed", 1))
    (jobs["cut"] / "record.json").write_bytes((jobs["cut"] / "record.json").read_bytes()[:-1])
    (jobs["empty"] / "record.json").write_bytes(b"")
    (jobs["no-record"] / "record.json").rename(jobs["no-record"] / "something")
    bare = mount.store / "jobs" / "0123456789abcdef0123456"  # killed before its record was written
    bare.mkdir()
    mount.options = [option.replace("=60000", "=0") for option in mount.options]
    mount.start()
    assert mount.wait(".good.prompt.wait") == (["good.jpg"], False)
    assert standin.prompts() == [directed("good", SMALL)]
    aside = mount.store / "corrupt"
    assert sorted(os.listdir(aside)) == sorted(jobs[name].name for name in names[1:])
    for name in ("flipped", "cut", "empty"):
        assert (aside / jobs[name].name / "reason").read_text() == "its record is damaged"
        assert (aside / jobs[name].name / "record.json").exists()
    assert (aside / jobs["no-record"].name / "reason").read_text() == "it has no record"
    assert (aside / jobs["no-record"].name / "something").exists()
    assert "set aside in the store's corrupt/" in mount.log_text()
    end(mount, standin, 1)


def test_a_job_of_a_model_that_is_not_configured_is_kept(make_mount, standin):
    mount = make_mount(standin.url, settle=60000)
    (mount.top / "prompt").write_text(directed("A cat", SMALL))
    mount.idle()
    mount.options = [option.replace("=60000", "=0") for option in mount.options]
    mount.options.append("-omodels=another-model")
    restart(mount)
    mount.settled()
    mount.unmount()
    assert len(mount.unfinished()) == 1
    assert "is not configured, or its directory is gone; kept" in mount.log_text()
    mount.options.pop()
    mount.start()
    assert Outcome(mount, standin, mount.top).results == ["0001.jpg"]
    end(mount, standin, 1)


# One daemon per store


def second_daemon(mount, path):
    path.mkdir(exist_ok=True)
    return subprocess.run([BUILD / "src" / "easelfs", "-f", *mount.options, mount.url, path],
                          capture_output=True, text=True, env=environment(), timeout=LIMIT,
                          check=False)


def test_the_second_daemon_says_who_holds_the_store(mount, standin, tmp_path):
    done = second_daemon(mount, tmp_path / "second")
    assert done.returncode == 5
    assert f"The store {mount.store} is in use by process {mount.process.pid} on " in done.stderr
    assert play(mount, standin, mount.top, directed("A cat", SMALL)).state == "done"
    mount.unmount()


def test_a_killed_daemon_holds_nothing(mount, tmp_path):
    kill(mount)
    mount.start()
    done = second_daemon(mount, tmp_path / "second")
    assert done.returncode == 5 and f"process {mount.process.pid} " in done.stderr
    mount.unmount()


# At random


def test_kills_at_random_moments(make_mount, make_standin):
    """Each prompt is sent once at most, each answer that came is delivered once, none is lost."""
    standin = make_standin("--delay", 30)
    mount = make_mount(standin.url, settle=0)
    kills, per_round = (5, 10) if SANITIZED else (20, 25)
    chance = random.Random(1)
    written = []

    def write(first):
        for number in range(first, first + per_round):
            name = f"{number:04}.prompt"
            try:
                (mount.top / name).write_text(directed(f"No. {number}", "size=16x16"))
            except OSError:
                return  # killed meanwhile: close() did not say 0
            written.append(number)

    for round_ in range(kills):
        writer = threading.Thread(target=write, args=[round_ * per_round])
        already = len(standin.requests())
        writer.start()
        wanted = already + chance.randrange(1, per_round)
        until(lambda: len(standin.requests()) >= wanted or not writer.is_alive(), "some requests")
        mount.process.kill()
        mount.process.wait()
        writer.join()
        kill(mount)
        mount.start()
    mount.settled()
    prompts = standin.prompts()
    assert len(prompts) == len(set(prompts)), "sent twice"
    records = {record["prompt_name"]: record for record in mount.records()}
    for number in written:
        name = f"{number:04}"
        record = records[f"{name}.prompt"]
        assert record["state"] in ("done", "unknown"), record
        there = [file.name for file in mount.top.glob(f"{name}*.*") if file.suffix != ".prompt"]
        if record["state"] == "done":
            assert sorted(there) == [f"{name}.jpg", f"{name}.txt"]
            assert (mount.top / f"{name}.jpg").read_bytes()[-2:] == b"\xff\xd9"
        else:
            assert there == [f"{name}.error.txt"]
    unknown = sum(record["state"] == "unknown" for record in records.values())
    assert unknown <= 16 * kills
    print(f"\n{kills} kills, {len(written)} prompts, {unknown} unknown")
    mount.unmount()
    assert mount.unfinished() == [] and mount.staged() == []
    assert os.listdir(mount.store / "corrupt") == []
    shutil.rmtree(mount.store)
