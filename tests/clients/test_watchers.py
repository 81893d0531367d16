# SPDX-License-Identifier: MIT
"""Programs that watch a directory see each result once, complete; what indexes names sends
nothing; and there is no trash."""

import contextlib
import subprocess

import pytest

from clients import need
from harness import LIMIT, run, shell, until

GOOD = "[[standin: words=]] watch this"
BAD = "[[standin: status=400]] no"
SLOW = "[[standin: delay=1500, words=]] under way"


@contextlib.contextmanager
def monitor(room, *command):
    """The lines of gio, which watches something in the room: from when it does."""
    need("gio")
    child = subprocess.Popen(["gio", "monitor", *command], stdout=subprocess.PIPE, text=True,
                             bufsize=1, env=room.env, cwd=room.path)
    try:
        until(lambda: watches(child), "a monitor that watches")
        yield iter(child.stdout.readline, "")
    finally:
        child.terminate()
        child.wait(LIMIT)
        child.stdout.close()


def watches(child):
    """Whether it has a descriptor of inotify with a watch on something."""
    done = run(f"cat /proc/{child.pid}/fdinfo/*", check=False)
    return b"inotify wd" in done.stdout


def upto(lines, end):
    seen = []
    for line in lines:
        seen.append(line.strip())
        if end(line):
            return seen
    raise AssertionError(f"it has ended: {seen}")


@pytest.mark.parametrize("options, expected", [
    ([], ["moved in"]),
    # What programs see that do not ask for moves: gedit, older file managers.
    (["-n"], ["created", "changes done"]),
])
def test_gio_monitor_sees_a_result_come(room, options, expected):
    with monitor(room, *options, "-d", ".") as lines:
        (room.path / "cat.prompt").write_text(GOOD, encoding="utf-8")
        seen = upto(lines, lambda line: "cat.jpg" in line and expected[-1] in line)
    of_result = [line for line in seen if "cat.jpg" in line]
    assert len(of_result) == len(expected)
    assert all(word in line for word, line in zip(expected, of_result))
    room.sent([GOOD])


def test_gio_monitor_sees_an_error_file_come_and_go(room):
    with monitor(room, "-d", ".") as lines:
        (room.path / "prompt").write_text(BAD, encoding="utf-8")
        upto(lines, lambda line: "prompt.error.txt" in line and "moved in" in line)
        (room.path / "prompt").write_text(GOOD, encoding="utf-8")
        upto(lines, lambda line: "prompt.error.txt" in line and "deleted" in line)
    room.sent([BAD, GOOD])


def test_gio_monitor_of_one_file_sees_its_saves(room):
    room.earlier()
    with monitor(room, "-f", "prompt") as lines:
        (room.path / "prompt").write_text("new", encoding="utf-8")
        upto(lines, lambda line: "changes done" in line)
    room.sent(["new", "old"])


def test_updatedb_looks_at_names_only(room):
    """Where its configuration does not leave the mount out."""
    need("updatedb.plocate")
    room.earlier()
    (room.path / "prompt").write_text(SLOW, encoding="utf-8")
    room.desk.standin.await_requests(room.desk.before + 2)
    database = room.out / "names"
    mount = room.desk.mount
    command = (f"updatedb.plocate --database-root {mount.path.parent} --output {database}"
               f" --require-visibility no --prunepaths {mount.store}")
    shell(f"{command} --prunefs ''", room.path, env=room.env)
    found = run(["plocate", "-d", database, room.path.name], text=True).stdout
    assert "prompt" in found and "0001.jpg" in found and ".wait" not in found
    shell(f"{command} --prunefs 'proc fuse.easelfs'", room.path, env=room.env)
    done = run(["plocate", "-d", database, "0001.jpg"], text=True, check=False)
    assert done.stdout == ""
    room.sent([SLOW, "old"])


def test_there_is_no_trash(room):
    """gio says so, and takes nothing away: file managers then offer to remove for good."""
    need("gio")
    room.earlier()
    done = run(["gio", "trash", "0001.jpg"], cwd=room.path, env=room.env, check=False, text=True)
    assert done.returncode != 0
    assert "trash" in done.stderr.lower()
    assert (room.path / "0001.jpg").exists()
    room.sent(["old"])
