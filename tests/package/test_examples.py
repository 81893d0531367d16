# SPDX-License-Identifier: MIT
"""Every script of examples/ does what it says, and asks for no picture more; every configuration
there is one that easelfs takes."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from harness import BUILD, LIMIT, environment, mounted, run, until

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TESTED = {"batch.sh", "demo.sh", "each.sh", "edit.sh", "setup.sh"}


def script(name, *arguments, **named):
    """Run one of them to its end."""
    named.setdefault("timeout", LIMIT)
    return subprocess.run([EXAMPLES / name, *map(str, arguments)], check=False,
                          capture_output=True, text=True, **named)


def test_there_is_no_other_script():
    assert {path.name for path in EXAMPLES.glob("*.sh")} == TESTED


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing():
    package = EXAMPLES.parent / "src" / "package"
    done = run(["shellcheck", "--severity=warning", *EXAMPLES.glob("*.sh"), package / "postinst",
                package / "prerm", package / "postrm"], check=False)
    assert done.stdout == b""


# --- batch.sh

LIST = """# three
one: A red kite
two: A blue kite

three: A green kite"""


@pytest.fixture
def wishes(tmp_path):
    path = tmp_path / "wishes"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_batch_makes_one_for_each_line(top, mount, standin, wishes):
    done = script("batch.sh", wishes, top)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["Asked for 3; waiting.", "one: one.jpg", "two: two.jpg",
                                        "three: three.jpg"]
    assert sorted(standin.prompts()) == ["A blue kite", "A green kite", "A red kite"]


def test_batch_again_costs_what_is_new(top, mount, standin, wishes):
    assert script("batch.sh", wishes, cwd=top).returncode == 0
    done = script("batch.sh", wishes, cwd=top)
    assert done.stdout.splitlines()[0] == "Asked for 0; waiting."
    wishes.write_text(LIST.replace("blue", "white") + "\nfour: No kite\n", encoding="utf-8")
    done = script("batch.sh", wishes, cwd=top)
    assert done.stdout.splitlines() == ["Asked for 2; waiting.", "one: one.jpg", "two: two-2.jpg",
                                        "three: three.jpg", "four: four.jpg"]
    mount.settled()
    assert len(standin.requests()) == 5


def test_batch_says_what_failed(top, mount, standin, wishes):
    wishes.write_text("good: A kite\nbad: No kite [[standin: status=400]]\n", encoding="utf-8")
    for _ in range(2):  # what failed is not asked for again by itself
        done = script("batch.sh", wishes, top)
        assert done.returncode == 1
        assert "good: good.jpg" in done.stdout
        assert done.stderr.startswith("bad: failed: ")
        assert len(standin.requests()) == 2
    assert script("batch.sh", "--again", wishes, top).returncode == 1
    assert sorted(standin.prompts())[0] == "A kite"
    assert len(standin.requests()) == 3


@pytest.mark.parametrize("text", ["no name", "a/b: A kite", ": A kite", "a: A kite\na: Another"])
def test_batch_asks_for_nothing_with_a_wrong_list(text, top, mount, standin, wishes):
    wishes.write_text(f"good: A kite\n{text}\n", encoding="utf-8")
    done = script("batch.sh", wishes, top)
    assert done.returncode == 2
    assert done.stderr.startswith("batch.sh: ")
    mount.settled()
    assert standin.requests() == []


# --- edit.sh

def references(request):
    return [reference["sha256"] for reference in request["references"]]


def digest(path):
    return run(["sha256sum", path]).stdout.decode().split()[0]


def test_edit_changes_what_it_changed(top, mount, standin):
    assert mount.generate("A house") == ["0001.jpg"]
    shutil.copy(top / "0001.jpg", top / "other.jpg")  # it is beside it, and must not be sent
    done = script("edit.sh", "-p", "0001.jpg", "make it night", "add a moon", cwd=top)
    assert (done.returncode, done.stdout, done.stderr) == (0, "edit.jpg\nedit-2.jpg\n", "")
    first, second = standin.requests()[1:]
    assert (first["prompt"], second["prompt"]) == ("make it night", "add a moon")
    assert references(first) == [digest(top / "0001.jpg")]
    assert references(second) == [digest(top / "edit.jpg")]
    assert len(standin.requests()) == 3


def test_edit_takes_the_newest_and_reads_lines(top, mount, standin):
    mount.generate("A house")
    mount.generate("A tree")
    os.utime(top / "0001.jpg", (1, 1))
    done = script("edit.sh", cwd=top, input="\nin snow\n")
    assert (done.returncode, done.stdout) == (0, "edit.jpg\n")
    assert references(standin.requests()[2]) == [digest(top / "0002.jpg")]
    assert len(standin.requests()) == 3


def test_edit_stops_where_one_fails(top, mount, standin):
    mount.generate("A house")
    done = script("edit.sh", "no [[standin: status=400]]", "never asked for", cwd=top)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (top / "edit.error.txt").read_text(encoding="utf-8")
    assert len(standin.requests()) == 2


def test_edit_needs_a_picture(top, mount, standin):
    done = script("edit.sh", "make it night", cwd=top)
    assert done.returncode == 1
    assert done.stderr == "edit.sh: there is no picture here to begin with\n"
    assert standin.requests() == []


# --- each.sh

@pytest.mark.skipif(not shutil.which("inotifywait"), reason="inotify-tools are not installed")
def test_each_runs_for_every_picture(top, mount, standin, tmp_path):
    album = tmp_path / "album"
    album.mkdir()
    with open(tmp_path / "errors", "wb") as errors:
        process = subprocess.Popen([EXAMPLES / "each.sh", top, "cp", "-t", album], stderr=errors,
                                   start_new_session=True)
    try:
        def watches():
            """An inotify descriptor that watches something, in a process of the script's."""
            done = run(["pgrep", "-x", "-s", str(process.pid), "inotifywait"], check=False)
            for pid in done.stdout.decode().split():
                for info in Path(f"/proc/{pid}/fdinfo").glob("*"):
                    with contextlib.suppress(FileNotFoundError):  # it has just been closed
                        if "inotify wd" in info.read_text(encoding="utf-8"):
                            return True
            return False

        def copied(name):
            copy = album / name
            return copy.exists() and copy.read_bytes() == (top / name).read_bytes()

        until(watches, "the watch")
        mount.generate("A kite")
        mount.generate("A tree", name="tree.prompt")
        (top / "prompt").write_text("No [[standin: status=400]]", encoding="utf-8")
        assert mount.wait(".prompt.wait")[1]
        text = (top / "prompt.error.txt").read_text(encoding="utf-8")
        until(lambda: (tmp_path / "errors").read_text(encoding="utf-8") == text, "the error")
        until(lambda: copied("0001.jpg") and copied("tree.jpg"), "the pictures")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(LIMIT)
    assert sorted(os.listdir(album)) == ["0001.jpg", "tree.jpg"]
    assert (tmp_path / "errors").read_text(encoding="utf-8") == text
    assert len(standin.requests()) == 3


# --- setup.sh and demo.sh

@pytest.mark.timeout(30 * LIMIT)  # it may have all of easelfs to build
def test_the_demo_makes_two_pictures(tmp_path):
    """It calls setup.sh, which finds everything installed, and builds what has changed."""
    point = tmp_path / "easel"
    variables = environment(HOME=str(tmp_path), TMPDIR=str(tmp_path))
    done = script("demo.sh", point, env=variables, timeout=12 * LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    store = next(tmp_path.glob("easelfs-demo.*"))
    try:
        assert "Built: build/src/easelfs\n" in done.stdout
        pictures = re.findall(r"^  (/.*)$", done.stdout, re.MULTILINE)
        assert [Path(picture).relative_to(point).name for picture in pictures] == [
            "0001.jpg", "card.jpg"]
        assert all(Path(picture).stat().st_size > 1000 for picture in pictures)
    finally:  # who publishes stands in the mount for a moment
        until(lambda: run(["fusermount3", "-u", point], check=False).returncode == 0, "an unmount")
        run(["flock", store / "lock", "true"])
    assert len(list((store / "done").glob("*/record*"))) == 2  # what would have been charged
    again = script("demo.sh", "--once", point, env=variables, timeout=12 * LIMIT)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.endswith("Unmounted.\n")
    assert not mounted(point)
    assert list(tmp_path.glob("easelfs-demo.*")) == [store]


# --- configurations

def print_config(*arguments, home):
    done = subprocess.run([BUILD / "src" / "easelfs", *arguments, "--print-config"], check=False,
                          capture_output=True, text=True, timeout=LIMIT,
                          env=environment(HOME=str(home)))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["easelfs.conf", "workstation.conf"])
def test_every_key_is_taken(name, tmp_path):
    """Also those that are comments: they are there to be uncommented."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    whole = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    (tmp_path / name).write_text(whole, encoding="utf-8")
    (tmp_path / name).chmod(0o600)
    made = print_config(f"--config={tmp_path / name}", home=tmp_path)
    keys = re.findall(r"^(\w+) =", whole, re.MULTILINE)
    assert len(keys) >= 6
    for key in keys:
        assert re.search(f"^{key} = .", made, re.MULTILINE), key


def option_lists():
    for line in (EXAMPLES / "fstab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            fields = line.split()
            assert fields[2] == "easelfs" and len(fields) == 6
            yield fields[0], fields[1], fields[3]
    for unit in (EXAMPLES / "systemd").glob("*/*.service"):
        command = re.search(r"^ExecStart=(.*)", unit.read_text(encoding="utf-8"),
                            re.MULTILINE).group(1).replace("%f", "/srv/easel")
        words = command.replace("%h", "/home/alice").split()
        assert words[0] in ("/usr/bin/easelfs", "/usr/sbin/mount.easelfs")
        yield "none", "/srv/easel", words[words.index("-o") + 1] if "-o" in words else "rw"


@pytest.mark.parametrize("source,point,options", option_lists())
def test_every_mount_option_is_taken(source, point, options, tmp_path):
    ours = [option for option in options.split(",")
            if option != "drop_privileges" and not option.startswith("setuid=")]
    print_config("--config=/dev/null", source, point, "-o", ",".join(ours), home=tmp_path)


def test_the_type_to_prune_is_the_type(mount):
    line = (EXAMPLES / "updatedb.conf").read_text(encoding="utf-8").splitlines()[-1]
    words = mounted(mount.path)
    assert line == f'PRUNEFS="{words[words.index("-") + 1]}"'
