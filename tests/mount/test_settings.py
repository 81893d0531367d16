# SPDX-License-Identifier: MIT
"""settings/: one value per file; inherited, checked at the write, kept in the store."""

import errno
import os
import shutil
import subprocess

import pytest

from harness import MODEL

NAMES = sorted([
    "aspect_ratio", "image_size", "count", "references", "temperature", "top_p", "top_k", "seed",
    "max_output_tokens", "response_modalities", "system_instruction", "safety_harassment",
    "safety_hate_speech", "safety_sexually_explicit", "safety_dangerous_content",
])

GOOD = [
    ("aspect_ratio", "16:9"), ("image_size", "2K"), ("count", "8"), ("references", "none"),
    ("references", "a.png\nb.png"), ("temperature", "0.5"), ("top_p", "1"), ("top_k", "40"),
    ("seed", "-7"), ("max_output_tokens", "8192"), ("response_modalities", "IMAGE"),
    ("system_instruction", "Paint like Vermeer.\nAlways."), ("safety_harassment", "BLOCK_NONE"),
    ("safety_hate_speech", "OFF"), ("safety_sexually_explicit", "BLOCK_ONLY_HIGH"),
    ("safety_dangerous_content", "BLOCK_LOW_AND_ABOVE"),
]

BAD = [
    ("aspect_ratio", "17:9"), ("image_size", "2k"), ("count", "0"), ("count", "9"),
    ("references", "../x"), ("temperature", "2.1"), ("top_p", "-1"), ("top_k", "0"),
    ("seed", "2147483648"), ("max_output_tokens", "no"), ("response_modalities", "VIDEO"),
    ("safety_harassment", "NEVER"),
]


def write(path, text):
    """One open, one write, one close: as echo does. An empty text resets at RELEASE."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def errno_of(action):
    with pytest.raises(OSError) as caught:
        action()
    return caught.value.errno


@pytest.mark.parametrize("name,value", GOOD)
def test_a_value_is_kept_and_read_back(top, name, value):
    write(top / "settings" / name, value + "\n")
    assert (top / "settings" / name).read_text() == value + "\n"
    assert (top / "settings" / name).stat().st_size == len(value) + 1


@pytest.mark.parametrize("name,value", BAD)
def test_a_bad_value_is_refused_at_the_write_and_changes_nothing(top, name, value):
    good = dict(GOOD)[name]
    write(top / "settings" / name, good)
    fd = os.open(top / "settings" / name, os.O_WRONLY | os.O_TRUNC)
    assert errno_of(lambda: os.write(fd, value.encode())) == errno.EINVAL
    os.close(fd)
    assert (top / "settings" / name).read_text() == good + "\n"


def test_all_are_listed_in_the_top_workspace_and_grep_reads_them(top):
    assert sorted(os.listdir(top / "settings")) == NAMES
    write(top / "settings" / "seed", "7")
    found = subprocess.run(f"grep . {top}/settings/*", shell=True, capture_output=True, text=True)
    assert found.returncode == 0
    assert found.stdout == f"{top}/settings/seed:7\n"


def test_below_they_are_listed_once_set_and_always_there_by_name(top):
    (top / "ws").mkdir()
    assert os.listdir(top / "ws") == []
    subprocess.run(f"cat {top}/ws/settings/seed", shell=True, check=True)
    assert os.listdir(top / "ws") == []
    subprocess.run(f"echo 5 > {top}/ws/settings/seed", shell=True, check=True)
    assert os.listdir(top / "ws") == ["settings"]
    assert os.listdir(top / "ws" / "settings") == ["seed"]


def test_a_value_is_inherited_until_one_nearer_replaces_it(top):
    subprocess.run(f"mkdir -p {top}/a/b", shell=True, check=True)
    write(top / "settings" / "aspect_ratio", "16:9")
    assert (top / "a/b/settings/aspect_ratio").read_text() == "16:9\n"
    write(top / "a" / "settings" / "aspect_ratio", "1:1")
    assert (top / "a/b/settings/aspect_ratio").read_text() == "1:1\n"
    assert (top / "settings/aspect_ratio").read_text() == "16:9\n"
    os.unlink(top / "a/settings/aspect_ratio")
    assert (top / "a/b/settings/aspect_ratio").read_text() == "16:9\n"


def test_emptying_resets(mount, top):
    write(top / "settings" / "seed", "7")
    subprocess.run(f": > {top}/settings/seed", shell=True, check=True)
    mount.idle()
    assert (top / "settings/seed").read_text() == ""
    write(top / "settings" / "seed", "7")
    os.truncate(top / "settings" / "seed", 0)
    assert (top / "settings/seed").read_text() == ""


def set_by_rename(path, text):
    write(path.parent / ".new", text)
    os.rename(path.parent / ".new", path)


@pytest.mark.parametrize("give", [write, set_by_rename])
def test_a_close_takes_away_no_value_that_was_set_after_the_emptying(mount, top, give):
    """RELEASE comes after close(2): what a program sets next may overtake it."""
    path = top / "settings" / "seed"
    write(path, "6")
    emptied = os.open(path, os.O_WRONLY | os.O_TRUNC)
    give(path, "7")
    os.close(emptied)
    mount.idle()
    assert path.read_text() == "7\n"
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    mount.idle()
    assert path.read_text() == ""


def test_values_are_kept_that_are_set_right_after_a_reset(top):
    for i in range(1, 201):
        write(top / "settings" / "seed", "")
        write(top / "settings" / "seed", str(i))
        assert (top / "settings" / "seed").read_text() == f"{i}\n"


def test_an_editor_that_renames_over_sets_and_is_refused(top):
    write(top / "settings" / "aspect_ratio", "16:9")
    edit = ["sed", "-i", "s/16:9/4:3/", top / "settings" / "aspect_ratio"]
    subprocess.run(edit, check=True)
    assert (top / "settings/aspect_ratio").read_text() == "4:3\n"
    edit[2] = "s/4:3/99/"
    failed = subprocess.run(edit, capture_output=True, text=True, check=False)
    assert failed.returncode == 4 and "Invalid argument" in failed.stderr
    assert (top / "settings/aspect_ratio").read_text() == "4:3\n"
    assert sorted(n for n in os.listdir(top / "settings") if not n.startswith("sed")) == NAMES


def test_copies_and_removals_of_workspaces_carry_them(top, tmp_path):
    subprocess.run(f"mkdir {top}/ws && echo 1:1 > {top}/ws/settings/aspect_ratio", shell=True,
                   check=True)
    out = tmp_path / "out"
    for command in (f"cp -r {top}/ws {top}/ws2", f"cp -r {top}/ws {out}", f"cp -r {out} {top}/ws3",
                    f"cp -a {out} {top}/ws4", f"rsync -a {out}/ {top}/ws5/",
                    f"mv {top}/ws5 {top}/ws6"):
        subprocess.run(command, shell=True, check=True)
    shutil.copytree(out, top / "ws7")
    for name in ("ws2", "ws3", "ws4", "ws6", "ws7"):
        assert (top / name / "settings/aspect_ratio").read_text() == "1:1\n", name
        subprocess.run(["rm", "-r", top / name], check=True)
        assert not (top / name).exists()


def test_a_whole_model_directory_can_be_backed_up_and_copied_in(mount, top, tmp_path):
    write(top / "settings" / "seed", "7")
    subprocess.run(["cp", "-r", top, tmp_path / "backup"], check=True)
    assert sorted(os.listdir(tmp_path / "backup" / "settings")) == NAMES
    subprocess.run(["cp", "-r", tmp_path / "backup", top / "again"], check=True)
    assert (top / "again/settings/seed").read_text() == "7\n"
    assert not mount.wait()[1]


def test_a_workspace_that_looks_empty_can_be_removed(top):
    subprocess.run(f"mkdir {top}/ws && cat {top}/ws/settings/seed && rmdir {top}/ws", shell=True,
                   check=True)
    assert not (top / "ws").exists()


@pytest.mark.parametrize("action,number", [
    (lambda s: os.mkdir(s / "sub"), errno.EPERM),
    (lambda s: os.rename(s, s.parent / "else"), errno.EPERM),
    (lambda s: (s / "x.prompt").write_text("x"), errno.EPERM),
    (lambda s: os.symlink("x", s / "link.prompt"), errno.EPERM),
    (lambda s: os.link(s / "seed", s / "x"), errno.EPERM),
])
def test_what_is_refused(top, action, number):
    assert errno_of(lambda: action(top / "settings")) == number


def test_values_reach_the_request_and_front_matter_goes_before_them(mount, standin, top):
    write(top / "settings" / "aspect_ratio", "16:9")
    write(top / "settings" / "seed", "7")
    write(top / "settings" / "system_instruction", "Paint.")
    write(top / "settings" / "safety_harassment", "BLOCK_ONLY_HIGH")
    mount.generate("---\nseed: 8\n---\nA boat")
    (request,) = standin.requests()
    assert request["prompt"] == "A boat"
    config = request["generationConfig"]
    assert config["imageConfig"] == {"aspectRatio": "16:9"}
    assert config["seed"] == 8
    assert request["systemInstruction"] == {"parts": [{"text": "Paint."}]}
    assert request["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]


def test_values_survive_a_restart(mount, top):
    write(top / "settings" / "aspect_ratio", "16:9")
    mount.unmount()
    mount.start()
    assert (mount.path / MODEL / "settings/aspect_ratio").read_text() == "16:9\n"


def test_changing_settings_sends_nothing(standin, mount, top):
    write(top / "settings" / "seed", "7")
    mount.wait()
    assert standin.requests() == []


def test_who_makes_a_workspace_sets_values_in_it_at_once(top):
    """In one thread, which also makes settings/ and values where it copies a workspace in."""
    os.mkdir(top / "new")
    write(top / "new" / "settings" / "seed", "7")
    assert (top / "new" / "settings" / "seed").read_text() == "7\n"
    assert errno_of(lambda: os.mkdir(top / "new" / "settings")) == errno.EEXIST
    os.mkdir(top / "copied")
    os.mkdir(top / "copied" / "settings")
    fd = os.open(top / "copied" / "settings" / "seed", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.write(fd, b"8\n")
    os.close(fd)
    assert (top / "copied" / "settings" / "seed").read_text() == "8\n"
    assert errno_of(lambda: os.mkdir(top / "copied" / "settings")) == errno.EEXIST
