# SPDX-License-Identifier: MIT
"""Results appear by themselves: one event each, complete from then on, and never in the way of
anything that is there already."""

import base64
import contextlib
import json
import os
import stat
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest

from harness import (HANG, HELD, KEY, LIMIT, MODEL, Watch, error_of, png, renameat2, sha256, shell,
                     until)

JOB = "user.easelfs.job"


def painted(url, prompt):
    """What the stand-in gives for a prompt that says which `variant` it wants."""
    body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "generationConfig": {"responseModalities": ["IMAGE", "TEXT"], "imageConfig": {}}}
    request = urllib.request.Request(
        f"{url}/v1beta/models/{MODEL}:generateContent", json.dumps(body).encode(),
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        parts = json.load(answer)["candidates"][0]["content"]["parts"]
    return [base64.b64decode(part["inlineData"]["data"]) for part in parts
            if "inlineData" in part and not part.get("thought")]


def test_a_watcher_sees_one_event_of_each_file(desk):
    with Watch(desk.path) as watch:
        (desk.path / "prompt").write_text("watch this")
        before = watch.await_name("0001.txt")
        desk.mount.wait(directory=desk.path)
        events = before + [("MOVED_TO", "0001.txt", desk.path)] + watch.drain()
    results = [event[:2] for event in events if event[1].startswith("0001")]
    assert sorted(results) == [("MOVED_TO", "0001.jpg"), ("MOVED_TO", "0001.txt")]


def watches(pid):
    """Whether a process watches anything by now."""
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if "inotify wd" in info.read_text():
                return True
    return False


def test_inotifywait_sees_it_too(desk):
    child = subprocess.Popen(["inotifywait", "-m", "-q", "--format", "%e %f", desk.path],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = iter(child.stdout.readline, "")
    until(lambda: watches(child.pid), "a watch")
    (desk.path / "cat.prompt").write_text("[[standin: words=]] watch this")
    seen = []
    for line in lines:
        if line.split()[-1].startswith("cat."):
            seen.append(line.strip())
        if line.strip() == "MOVED_TO cat.jpg":
            break
    child.terminate()
    child.wait(LIMIT)
    child.stdout.close()
    child.stderr.close()
    assert [line for line in seen if line.endswith("cat.jpg")] == ["MOVED_TO cat.jpg"]


def test_a_result_is_complete_when_it_is_seen(desk):
    prompt = "[[standin: variant=3]] complete at once"
    expected = painted(desk.standin.url, prompt)[0]
    with Watch(desk.path, mask=Watch.MOVED_TO) as watch:
        (desk.path / "prompt").write_text(prompt)
        while watch.next()[1] != "0001.jpg":
            pass
        data = (desk.path / "0001.jpg").read_bytes()
        status = (desk.path / "0001.jpg").stat()
    assert sha256(data) == sha256(expected)
    assert (status.st_size, status.st_nlink) == (len(expected), 1)
    assert stat.S_IMODE(status.st_mode) == 0o444


def test_a_result_is_read_only_and_free_to_go_anywhere(desk):
    (desk.path / "prompt").write_text("mine to move")
    assert len(desk.requests()) == 1
    assert os.getxattr(desk.path / "0001.jpg", JOB)
    data = (desk.path / "0001.jpg").read_bytes()
    (desk.path / "low").mkdir()
    (desk.path / "0001.jpg").rename(desk.path / "low" / "best.jpg")
    assert (desk.path / "low" / "best.jpg").read_bytes() == data
    (desk.path / "low" / "best.jpg").unlink()
    os.chmod(desk.path / "0001.txt", 0o644)
    (desk.path / "0001.txt").write_text("changed")


def test_several_pictures_of_one_answer_are_several_results(desk):
    (desk.path / "prompt").write_text("[[standin: pictures=3]] three")
    (desk.path / "cat.prompt").write_text("[[standin: pictures=3]] three cats")
    desk.requests()
    assert [n for n in sorted(os.listdir(desk.path)) if n.endswith(".jpg")] == [
        "0001.jpg", "0002.jpg", "0003.jpg", "cat-2.jpg", "cat-3.jpg", "cat.jpg"]


# What is in the directory, the prompt's name, and the names of picture and words that come.
NAMES = [
    ([], "prompt", "0001"),
    (["0001.png", "0002.jpg"], "prompt", "0003"),
    (["0005.png"], "prompt", "0006"),
    (["0001.jpg", "0004.txt"], "prompt.txt", "0005"),
    (["00012.png"], "prompt", "0013"),
    (["9999.png"], "prompt", "10000"),
    (["0001", "1.png", "001.png", "x0009.png", "0009-1.png"], "prompt", "0001"),
    (["0001.jpg.bak"], "prompt", "0002"),
    (["1234567890.png"], "prompt", "0001"),
    (["0003.dir/"], "prompt", "0004"),
    ([], "cat.prompt", "cat"),
    (["cat.jpg"], "cat.prompt", "cat-2"),
    (["cat.jpg", "cat-2.jpg", "cat-4.jpg"], "cat.prompt", "cat-3"),
    (["cat.txt"], "cat.prompt", "cat-2"),
    (["cat.jpg/"], "cat.prompt", "cat-2"),
    (["cat.jpg>"], "cat.prompt", "cat-2"),
    (["cat.png"], "cat.prompt", "cat"),
    (["CAT.jpg"], "cat.prompt", "cat"),
    ([], "a.b c.prompt", "a.b c"),
    ([], "ü.prompt", "ü"),
    ([], "0007.prompt", "0007"),
    ([], "n" * 248 + ".prompt", "n" * 223),
    ([], "ü" * 124 + ".prompt", "ü" * 111),
]


@pytest.mark.parametrize("there, prompt, stem", NAMES,
                         ids=[f"{p[:12]} beside {len(t)} {s[:9]}" for t, p, s in NAMES])
def test_a_result_takes_the_first_free_name(desk, there, prompt, stem):
    for name in there:
        if name.endswith("/"):
            (desk.path / name).mkdir()
        elif name.endswith(">"):
            (desk.path / name[:-1]).symlink_to("nowhere")
        else:
            (desk.path / name).write_text("mine")
    (desk.path / prompt).write_text("name it")
    desk.requests()
    there = {name.rstrip("/>") for name in there}
    assert set(os.listdir(desk.path)) - there == {prompt, f"{stem}.jpg", f"{stem}.txt"}
    for name in there:
        if (desk.path / name).is_file():
            assert (desk.path / name).read_text() == "mine"


def test_names_that_are_virtual_are_not_taken(mount):
    (mount.top / "README.prompt").write_text("clash")
    (mount.top / "status.prompt").write_text("clash")
    mount.settled()
    found = sorted(n for n in os.listdir(mount.top) if "prompt" not in n)
    assert found == sorted(["README.txt", "settings", "status.txt", "README.jpg", "status.jpg",
                            "README-2.txt", "status-2.txt"])
    assert (mount.top / "README.txt").read_text().startswith(MODEL)


def test_many_jobs_at_once_overwrite_nothing(desk):
    made = []

    def interfere():
        """Take the next number, again and again, while the results come."""
        until(lambda: any(n.endswith(".jpg") for n in os.listdir(desk.path)), "the first result")
        for _ in range(60):
            numbers = [int(n[:-4]) for n in os.listdir(desk.path) if n[:-4].isdigit()]
            number = max(numbers, default=0) + 1
            try:
                fd = os.open(desk.path / f"{number:04}.jpg", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                continue
            os.write(fd, b"mine %d" % number)
            os.close(fd)
            made.append(number)

    for i in range(40):
        (desk.path / f"p{i}.prompt").write_text(f"[[standin: size=64x64]] named {i}")
        (desk.path / "prompt").write_text(f"[[standin: size=64x64]] numbered {i}")
    thread = threading.Thread(target=interfere)
    thread.start()
    requests = desk.requests()
    thread.join()
    assert len(requests) == 80
    results = [name for name in os.listdir(desk.path)
               if name.endswith(".jpg") and JOB in os.listxattr(desk.path / name)]
    assert len(results) == 80
    assert len({os.getxattr(desk.path / name, JOB) for name in results}) == 80
    for number in made:
        assert (desk.path / f"{number:04}.jpg").read_bytes() == b"mine %d" % number


def test_words_and_picture_of_many_jobs_stay_together(desk):
    for i in range(30):
        (desk.path / "prompt").write_text(f"[[standin: size=64x64]] text {i}")
    desk.requests()
    pictures = {n[:-4]: os.getxattr(desk.path / n, JOB) for n in os.listdir(desk.path)
                if n.endswith(".jpg")}
    words = {n[:-4]: os.getxattr(desk.path / n, JOB) for n in os.listdir(desk.path)
             if n.endswith(".txt")}
    assert len(pictures) == 30
    assert pictures == words


# --- error files

def test_an_error_file_comes_as_results_do_and_goes_with_the_next_success(desk):
    with Watch(desk.path, mask=Watch.MOVED_TO | Watch.DELETE | Watch.CREATE) as watch:
        (desk.path / "prompt").write_text("[[standin: status=400, message=no such thing]] x")
        assert len(desk.requests()) == 1
        assert watch.await_name("prompt.error.txt") == [("CREATE", "prompt", desk.path)]
        text = (desk.path / "prompt.error.txt").read_text()
        assert "no such thing" in text
        assert stat.S_IMODE((desk.path / "prompt.error.txt").stat().st_mode) == 0o444
        (desk.path / "prompt").write_text("better")
        assert len(desk.requests()) == 2
        watch.await_name("prompt.error.txt", "DELETE")
    assert sorted(os.listdir(desk.path)) == ["0001.jpg", "0001.txt", "prompt"]


def test_a_second_error_replaces_the_first(desk):
    for message in ("first reason", "second reason"):
        (desk.path / "prompt").write_text(f"[[standin: status=400, message={message}]] x")
        desk.requests()
    assert sorted(os.listdir(desk.path)) == ["prompt", "prompt.error.txt"]
    assert "second reason" in (desk.path / "prompt.error.txt").read_text()


def test_each_prompt_has_its_own_error_file(desk):
    for name in ("prompt", "prompt.txt", "cat.prompt"):
        (desk.path / name).write_text(f"[[standin: status=400, message=of {name}]] {name}")
    desk.requests()
    assert "of cat.prompt" in (desk.path / "cat.error.txt").read_text()
    assert (desk.path / "prompt.error.txt").exists()


def test_the_user_s_own_file_of_that_name_is_left_alone(desk):
    (desk.path / "prompt.error.txt").write_text("mine")
    (desk.path / "prompt").write_text("[[standin: status=400, message=the reason]] x")
    desk.requests()
    assert (desk.path / "prompt.error.txt").read_text() == "mine"
    assert "the reason" in (desk.path / "prompt-2.error.txt").read_text()
    (desk.path / "prompt").write_text("better")
    desk.requests()
    assert (desk.path / "prompt.error.txt").read_text() == "mine"


# --- where a directory went meanwhile



def sent(desk, directory):
    (directory / "prompt").write_text(HANG)
    desk.standin.await_requests(desk.before + 1)


@pytest.mark.parametrize("how", ["mv low high", "mv low sub/low", "mv sub/deep/low .",
                                 "mv sub other", "exchange"])
def test_results_follow_their_directory(desk, how):
    (desk.path / "sub" / "deep").mkdir(parents=True)
    low = desk.path / ("sub/deep/low" if "sub/deep" in how or how == "mv sub other" else "low")
    low.mkdir()
    sent(desk, low)
    if how == "exchange":
        renameat2(low, desk.path / "sub", 2)
        there = desk.path / "sub"
    else:
        shell(how, desk.path)
        there = desk.path / {"mv low high": "high", "mv low sub/low": "sub/low",
                             "mv sub/deep/low .": "low", "mv sub other": "other/deep/low"}[how]
    with Watch(there, mask=Watch.MOVED_TO) as watch:
        desk.standin.let_go()
        assert desk.mount.wait(".prompt.wait", there) == (["0001.jpg"], False)
        assert watch.next()[:2] == ("MOVED_TO", "0001.jpg")
    assert sorted(os.listdir(there)) == ["0001.jpg", "prompt"]


def test_results_follow_to_another_model(mount, standin):
    (mount.top / "low").mkdir()
    (mount.top / "low" / "prompt").write_text(HANG)
    standin.await_requests(1)
    other = next(m for m in mount.path.iterdir() if m.is_dir() and m != mount.top)
    (mount.top / "low").rename(other / "low")
    standin.let_go()
    assert mount.wait(".prompt.wait", other / "low") == (["0001.jpg"], False)


@pytest.mark.parametrize("directive", ["", ", status=400"])
def test_what_comes_for_a_removed_directory_goes_to_the_model_s_own(mount, standin, directive):
    (mount.top / "a" / "b").mkdir(parents=True)
    (mount.top / "a" / "b" / "cat.prompt").write_text(
        f"[[standin: {HELD}, words={directive}]] hangs")
    standin.await_requests(1)
    with Watch(mount.top, mask=Watch.MOVED_TO) as watch:
        shell("rm -r a", mount.top)
        standin.let_go()
        watch.await_name("cat.error.txt" if directive else "cat.jpg")
    mount.settled()
    assert not (mount.top / "a").exists()


def test_a_directory_made_anew_under_the_old_name_is_another_one(mount, standin):
    (mount.top / "a").mkdir()
    (mount.top / "a" / "cat.prompt").write_text(HANG)
    standin.await_requests(1)
    (mount.top / "a").rename(mount.top / "old")
    (mount.top / "a").mkdir()
    standin.let_go()
    mount.settled()
    assert os.listdir(mount.top / "a") == []
    assert sorted(os.listdir(mount.top / "old")) == ["cat.jpg", "cat.prompt"]


def test_a_deep_directory_gets_its_results(desk):
    fd = os.open(desk.path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("a-directory-with-quite-a-long-name-that-makes-the-path-longer-than-4096",
                 dir_fd=fd)
        below = os.open("a-directory-with-quite-a-long-name-that-makes-the-path-longer-than-4096",
                        os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    prompt = os.open("prompt", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
    os.write(prompt, b"[[standin: words=]] deep down")
    os.close(prompt)
    assert len(desk.requests()) == 1
    assert sorted(os.listdir(fd)) == ["0001.jpg", "prompt"]
    os.close(fd)


def test_it_is_no_error_to_have_nothing_to_remove(desk):
    assert error_of(os.unlink, desk.path / "prompt.error.txt") == "ENOENT"
    (desk.path / "a.png").write_bytes(png(1))
    (desk.path / "prompt").write_text("fine")
    assert len(desk.requests()) == 1
