# SPDX-License-Identifier: MIT
"""What is known of a result: its attributes, the record, and what is not as it was asked for."""

import hashlib
import os
import re

import pytest

from harness import FLASH, HELD, MODEL, png, run
from job_play import directed, kill, play, sha256

NAMES = ["user.easelfs.created", "user.easelfs.finish_reason", "user.easelfs.job",
         "user.easelfs.model", "user.easelfs.model_version", "user.easelfs.prompt",
         "user.easelfs.references", "user.easelfs.settings", "user.easelfs.usage",
         "user.mime_type", "user.xdg.comment", "user.xdg.origin.url"]


def attributes(path):
    return {name: os.getxattr(path, name).decode() for name in os.listxattr(path)}


def test_a_result_tells_where_it_came_from(mount, standin, top):
    (top / "cat.png").write_bytes(png())
    (top / "settings" / "seed").write_text("7")
    text = "---\naspect_ratio: 1:1\n---\nThe cat as a Dutch still life"
    outcome = play(mount, standin, top, text)
    found = attributes(top / "0001.jpg")
    assert sorted(found) == NAMES
    record = outcome.record
    assert found["user.easelfs.job"] == record["id"]
    assert found["user.easelfs.model"] == MODEL == record["model"]
    assert found["user.easelfs.model_version"] == record["answer"]["model_version"]
    assert found["user.easelfs.prompt"] == text == record["prompt"]
    assert found["user.xdg.comment"] == "The cat as a Dutch still life"
    assert found["user.easelfs.settings"] == "aspect_ratio: 1:1\nseed: 7\n"
    assert record["settings"] == {"aspect_ratio": "1:1", "seed": "7"}
    assert found["user.easelfs.references"] == f"{sha256(png())}  cat.png\n"
    assert record["references"] == [{"name": "cat.png", "mime": "image/png", "bytes": len(png()),
                                     "sha256": sha256(png())}]
    assert found["user.easelfs.finish_reason"] == "STOP" == record["answer"]["finish_reason"]
    tokens = record["answer"]
    assert found["user.easelfs.usage"] == (
        f"prompt {tokens['prompt_tokens']}, picture {tokens['candidates_tokens']}, "
        f"thoughts {tokens.get('thoughts_tokens', 0)}, total {tokens['total_tokens']} tokens")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["user.easelfs.created"])
    assert found["user.mime_type"] == "image/jpeg"
    assert found["user.xdg.origin.url"] == standin.url
    assert record["attempts"] == 1 and record["created_ms"] <= record["sent_ms"]
    assert record["sent_ms"] <= record["finished_ms"] and record["answer"]["response_id"]
    assert (top / "0001.jpg").stat().st_mode & 0o7777 == 0o444


def test_long_texts_are_cut_so_that_every_file_system_and_copy_takes_them(mount, top, tmp_path):
    text = "ä" * 30000
    (top / "settings" / "system_instruction").write_text("b" * 16000)
    mount.generate(text)
    found = attributes(top / "0001.jpg")
    assert found["user.easelfs.prompt"] == "ä" * 512 + "…"
    assert found["user.xdg.comment"] == "ä" * 256 + "…"
    assert found["user.easelfs.settings"] == ("system_instruction: " + "b" * 492 + "…")
    run(["rsync", "-aX", f"{top}/0001.jpg", tmp_path / "copy.jpg"])
    assert attributes(tmp_path / "copy.jpg") == found
    run(["cp", "-a", top / "0001.jpg", top / "again.jpg"])
    assert attributes(top / "again.jpg") == found


def test_a_reference_s_digest_is_that_of_what_was_sent(mount, standin, top):
    (top / "cat.png").write_bytes(png())
    (top / "prompt").write_text(directed("A cat", HELD))
    standin.await_requests(1)
    (top / "cat.png").write_bytes(png() + b"changed meanwhile")
    standin.let_go()
    assert mount.wait() == (["0001.jpg"], False)
    assert mount.records()[0]["references"][0]["sha256"] == hashlib.sha256(png()).hexdigest()


# --- not what was asked for

FALLBACK = "image_size 2K is not made by this model: 1K was asked for."


@pytest.mark.parametrize("model", [FLASH, "gemini-3.1-flash-image-preview"])
def test_a_size_that_the_vendor_does_not_make_is_not_sent_and_that_is_said(mount, standin, model):
    top = mount.path / model
    outcome = play(mount, standin, top, "---\nimage_size: 2K\n---\nA cat")
    assert [r["generationConfig"]["imageConfig"] for r in outcome.requests] == [{"imageSize": "1K"}]
    assert outcome.record["settings"]["image_size"] == "1K"
    assert outcome.record["notes"] == FALLBACK + "\n"
    assert os.getxattr(top / outcome.results[0], "user.easelfs.notes").decode() == FALLBACK + "\n"
    assert mount.status(top) == f"Nothing is unfinished.\nprompt: {FALLBACK}\n"


def test_another_size_or_ratio_than_was_asked_for_is_reported(mount, standin, top):
    text = directed("---\nimage_size: 2K\naspect_ratio: 16:9\n---\nA cat", "size=1024x1024")
    outcome = play(mount, standin, top, text, "cat.prompt")
    note = "Asked for 2K and 16:9, a picture of 1024 x 1024 pixels came."
    assert not outcome.failed and outcome.results == ["cat.jpg"]
    assert outcome.record["notes"] == note + "\n"
    assert os.getxattr(top / "cat.jpg", "user.easelfs.notes").decode() == note + "\n"
    assert mount.status(top) == f"Nothing is unfinished.\ncat.prompt: {note}\n"


@pytest.mark.parametrize("picture", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("ratio,size,pixels,differs", [
    ("1:1", "1K", "1024x1024", False), ("16:9", "1K", "1344x768", False),
    ("16:9", "1K", "1376x768", False), ("21:9", "1K", "1536x672", False),
    ("1:1", "2K", "2048x2048", False), ("1:1", "2K", "1024x1024", True),
    ("1:1", "1K", "2048x2048", True), ("9:16", "1K", "1344x768", True),
    ("4:3", "1K", "1024x1024", True)])
def test_what_counts_as_another_size(shared, shared_standin, place, picture, ratio, size, pixels,
                                     differs):
    text = (f"---\nimage_size: {size}\naspect_ratio: {ratio}\n---\n"
            f"[[standin: size={pixels}, picture={picture}]]")
    outcome = play(shared, shared_standin, place, text)
    assert len(outcome.results) == 1
    assert ("notes" in outcome.record) == differs


def test_nothing_asked_for_is_nothing_to_compare(mount, standin, top):
    outcome = play(mount, standin, top, directed("A cat", "size=100x900"))
    assert "notes" not in outcome.record
    assert mount.status(top) == "Nothing is unfinished.\n"


# --- what the status tells of earlier answers

def test_the_usual_time_and_the_tokens_of_today_are_told_also_after_a_restart(mount, standin, top):
    mount.generate(directed("A cat", "delay=1500"))
    tokens = mount.records()[0]["answer"]["total_tokens"]
    told = set()
    for calls in (2, 3):
        assert f"\nTokens today: {tokens}\n" in mount.status()
        (top / "slow.prompt").write_text(directed("A dog", HELD))
        standin.await_requests(calls)
        line = mount.status(top).splitlines()[0]
        usual = re.search(r"slow.prompt  try 1, \d+ bytes sent, 0 received; usually (\d+) s$", line)
        told.add(int(usual[1]))
        kill(mount)
        mount.start()
        mount.wait()
    assert len(told) == 1 and told.pop() >= 2
    assert len(standin.requests()) == 3


def test_a_damaged_history_is_left_out(mount, top):
    mount.generate("A cat")
    mount.unmount()
    (mount.store / "usage" / "history").write_bytes(b"\xff\x00x 1\n2026 -1 -1 \n" * 10000)
    mount.start()
    mount.generate("A dog")
    assert (mount.store / "usage" / "history").stat().st_size < 40000
