# SPDX-License-Identifier: MIT
"""Which pictures are sent with a prompt, and the limits on them: all is looked at before anything is
sent, and the sentence names the file. What is no picture is in test_variants.py."""

import os
import shutil

import pytest

from harness import png
from job_play import FREE, SMALL, directed, play


def names(outcome):
    return [reference["name"] for reference in outcome.record["references"]]


def picture(size, seed=0):
    """A PNG with some bytes behind it, as signatures are."""
    return png(seed).ljust(size, b"\0")


def test_all_are_sent_in_the_order_of_their_names(desk):
    for number, name in enumerate(("cat10.png", "cat2.png", "Cat1.png", "b.png")):
        (desk.path / name).write_bytes(png(number))
    (desk.path / "notes.txt").write_text("not sent")
    (desk.path / ".hidden.png").write_bytes(png(7))
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", SMALL))
    assert names(outcome) == ["Cat1.png", "b.png", "cat2.png", "cat10.png"]
    assert [r["bytes"] for r in outcome.requests[0]["references"]] == [len(png())] * 4


def test_none_are_sent_where_the_setting_says_so(desk):
    (desk.path / "cat.png").write_bytes(png())
    (desk.path / "settings" / "references").write_text("none")
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", SMALL))
    assert "references" not in outcome.record or names(outcome) == []
    assert outcome.requests[0]["references"] == []


def test_named_ones_are_sent_in_that_order_and_results_too(desk):
    """That is how the last picture is edited."""
    first = play(desk.mount, desk.standin, desk.path, directed("A cat", SMALL))
    (desk.path / "b.png").write_bytes(png(1))
    (desk.path / "c.png").write_bytes(png(2))
    (desk.path / "settings" / "references").write_text(f"c.png\n{first.results[0]}\n")
    second = play(desk.mount, desk.standin, desk.path, directed("Older", SMALL))
    assert names(second) == ["c.png", first.results[0]]
    third = play(desk.mount, desk.standin, desk.path,
                 directed(f"---\nreferences: b.png, {second.results[0]}\n---\nOlder still", SMALL))
    assert names(third) == ["b.png", second.results[0]]
    os.unlink(desk.path / "settings" / "references")
    fourth = play(desk.mount, desk.standin, desk.path, directed("All", SMALL))
    assert names(fourth) == ["b.png", "c.png"]  # results are not sent unless asked for


def test_a_named_one_that_is_not_there(desk):
    outcome = play(desk.mount, desk.standin, desk.path, "---\nreferences: gone.png\n---\nA cat")
    assert (outcome.state, outcome.requests, outcome.charge) == ("failed", [], "none")
    assert outcome.told() == "The reference gone.png is not there, or is no picture."


def test_one_more_than_the_model_takes(desk):
    for number in range(15):
        (desk.path / f"{number}.png").write_bytes(png(number))
    outcome = play(desk.mount, desk.standin, desk.path, "A cat")
    assert (outcome.state, outcome.requests) == ("failed", [])
    assert outcome.told() == ("gemini-3-pro-image-preview takes at most 14 reference pictures; "
                              "14.png is one too many.\nMove some pictures elsewhere and save the "
                              "prompt again.")
    (desk.path / "14.png").unlink()
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", SMALL))
    assert (outcome.state, len(outcome.requests[0]["references"])) == ("done", 14)


@pytest.mark.parametrize("bytes_,sent", [(45000, True), (50000, False)])
def test_the_size_of_one(make_mount, standin, bytes_, sent):
    mount = make_mount(standin.url, "-omax_request=60K")
    (mount.top / "large.png").write_bytes(picture(bytes_))
    outcome = play(mount, standin, mount.top, directed("A cat", SMALL))
    assert (outcome.state, len(outcome.requests)) == (("done", 1) if sent else ("failed", 0))
    if not sent:
        assert outcome.told() == (
            "large.png has 48 KB, 65 KB as it is sent: more than the 60 KB that a request may "
            "have.\nUse a smaller picture, or set max_request.")


def test_the_size_of_all_of_them(make_mount, standin):
    mount = make_mount(standin.url, "-omax_request=60K")
    for number in range(3):
        (mount.top / f"{number}.png").write_bytes(picture(20000, number))
    outcome = play(mount, standin, mount.top, "A cat")
    assert (outcome.state, outcome.requests) == ("failed", [])
    assert outcome.told() == ("With 2.png the request has 78 KB, more than the 60 KB that one may "
                              "have.\nUse fewer or smaller references, or set max_request.")
    (mount.top / "2.png").unlink()
    assert play(mount, standin, mount.top, directed("A cat", SMALL)).state == "done"


def test_a_file_of_a_hundred_gigabytes_is_not_copied(make_mount, standin):
    mount = make_mount(standin.url)
    with open(mount.top / "huge.png", "wb") as file:
        file.write(png())
        file.truncate(100 << 30)
    outcome = play(mount, standin, mount.top, "A cat")
    assert (outcome.state, outcome.requests) == ("failed", [])
    assert outcome.told().startswith("huge.png has 104857600 KB, 139810133 KB as it is sent: ")
    (mount.top / "huge.png").unlink()
    assert FREE not in outcome.error  # nothing was sent: there is nothing to be said of money


def add_and_replace(path):
    (path / "b.png").write_bytes(png(2))
    (path / "t").write_bytes(png(3))
    os.rename(path / "t", path / "c.png")


CHANGES = {  # what is done in a directory that was looked at before, and what is sent then
    "nothing": (lambda path: None, ["a.png"]),
    "add": (add_and_replace, ["a.png", "b.png", "c.png"]),
    "remove": (lambda path: os.unlink(path / "a.png"), []),
    "rename": (lambda path: os.rename(path / "a.png", path / "z.png"), ["z.png"]),
    "rename away": (lambda path: os.rename(path / "a.png", path.parent / f"{path.name}.png"), []),
    "hide": (lambda path: os.rename(path / "a.png", path / ".a.png"), []),
    "a link": (lambda path: (path / "link.png").symlink_to("a.png"), ["a.png"]),
    "rename the result": (lambda path: os.rename(path / "0001.jpg", path / "b.jpg"), ["a.png"]),
    "the result is none": (lambda path: os.removexattr(path / "0001.jpg", "user.easelfs.job"),
                           ["0001.jpg", "a.png"]),
    "it is a result": (lambda path: os.setxattr(path / "a.png", "user.easelfs.job", b"x"), []),
    "copy the result": (lambda path: shutil.copy(path / "0001.jpg", path / "c.jpg"),
                        ["a.png", "c.jpg"]),
    "another content": (lambda path: (path / "a.png").write_bytes(b"no picture"), []),
    "becomes a picture": (lambda path: (path / "notes").write_bytes(png(4)), ["a.png", "notes"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_sent_is_what_is_there_now(desk, change):
    act, sent = CHANGES[change]
    (desk.path / "a.png").write_bytes(png())
    (desk.path / "notes").write_text("no picture")
    first = play(desk.mount, desk.standin, desk.path, directed("First", SMALL))
    assert names(first) == ["a.png"] and first.results == ["0001.jpg"]
    act(desk.path)
    second = play(desk.mount, desk.standin, desk.path, directed("Second", SMALL))
    assert names(second) == sent
    assert len(second.requests[-1]["references"]) == len(sent)
