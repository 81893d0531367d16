# SPDX-License-Identifier: MIT
"""The places of users in a shared mount: what they are called, how many there may be, what a crash, a
restart and a full disk leave of them, and users elsewhere: in other namespaces, or flooding."""

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import HELD, LIMIT, MODEL, Watch, as_user as be, call, error_of, libc, run, until
from shared_users import (ALICE, BOB, CAROL, ENDLESS, HandedMount, SharedMount, daemons, let_in,
                          mode_of, owner_of)
from test_job_trouble import fill, supports_xattrs

MS_BIND = 4096
HOMES_MAX = 10000  # src/tree/homes.c


@pytest.fixture
def share(tmp_path, standin):
    """Mount for everybody; undone, and judged, at the end."""
    mounts = []

    def make(kind=SharedMount, *options, **named):
        let_in(tmp_path)
        mount = kind(tmp_path, standin.url, *options, **named)
        mounts.append(mount)
        return mount
    yield make
    for mount in mounts:
        mount.close()


def me(mount, user):
    return be(user, lambda: os.readlink(mount.path / MODEL / "me"))


# --- names

@pytest.fixture
def accounts(tmp_path):
    """Have the system know these users, for the daemon too: {uid: name}."""
    def know(names):
        lines = [f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for uid, name in names.items()]
        file = tmp_path / "passwd"
        with open("/etc/passwd", encoding="utf-8") as known:
            file.write_text(known.read() + "".join(lines), encoding="utf-8", newline="")
        file.chmod(0o644)
        call(libc.mount(os.fsencode(file), b"/etc/passwd", None, ctypes.c_ulong(MS_BIND), None))
    yield know
    run(["umount", "/etc/passwd"], check=False)


def test_a_place_is_called_as_its_user_is(share, accounts):
    names = {
        61000: "alice", 61001: ".hidden", 61002: "me", 61003: "a/b", 61004: "..", 61005: "12345",
        61006: "with space", 61007: "DOMAIN\\user", 61008: "b\x01b", 61009: "j\xfcrgen",
        61010: "n" * 255, 61011: "n" * 256, 61012: "settings", 61013: "\x7f", 61014: "x.prompt",
    }
    accounts(names)
    mount = share()
    plain = {61000, 61006, 61007, 61009, 61010, 61012, 61014}
    for uid, name in names.items():
        expected = name if uid in plain else str(uid)
        assert me(mount, uid) == expected, repr(name)
        home = mount.path / MODEL / expected
        assert owner_of(home) == (uid, 0)
        assert be(uid, lambda: sorted(os.listdir(home)))[0] == "README.txt"  # pylint: disable=all
    assert me(mount, 0) == "root"
    assert me(mount, 61999) == "61999"
    # The settings of a user with that name are no settings of the model's.
    assert mount.do(61012, "open('settings/aspect_ratio', 'w').write('16:9')",
                    "os.mkdir('aspect_ratio')") == [None, None]
    assert be(61000, (mount.path / MODEL / "alice/settings/aspect_ratio").read_text) == ""
    mount.unmount()


def test_a_place_that_is_another_s_is_not_taken(share, accounts):
    """An account that was made anew; and what lies there of a private mount."""
    accounts({61000: "alice", 61001: "bob", 61002: "prompt"})
    mount = share()
    assert me(mount, 61000) == "alice"
    mount.unmount()
    run(["umount", "/etc/passwd"])
    accounts({61005: "alice", 61001: "bob", 61002: "prompt"})
    (mount.store / "tree" / MODEL / "bob").mkdir()
    (mount.store / "tree" / MODEL / "prompt").write_text("of a private mount", encoding="utf-8")
    mount.start()
    assert me(mount, 61005) == "61005"
    assert me(mount, 61000) == "61000"  # it has no name any more
    assert me(mount, 61001) == "61001"
    assert me(mount, 61002) == "61002"
    assert owner_of(mount.path / MODEL / "alice")[0] == 61000
    assert sorted(os.listdir(mount.path / MODEL)) == [
        "61000", "61001", "61002", "61005", "alice", "me", "root"]
    assert be(61000, lambda: error_of(os.stat, mount.path / MODEL / "bob")) == "ENOENT"
    mount.unmount()
    run(["umount", "/etc/passwd"])
    accounts({61005: "carol", 61001: "bob"})  # renamed: the place stays that by its number
    mount.start()
    assert me(mount, 61005) == "61005"
    mount.unmount()


def test_there_are_no_more_places_than_that(share):
    mount = share()
    mount.unmount()
    model = mount.store / "tree" / MODEL
    for uid in range(100000, 100000 + HOMES_MAX - 1):
        (model / str(uid)).mkdir(0o700)
        os.setxattr(model / str(uid), "user.easelfs.owner", f"{uid:010}:0000000000:0770".encode())
    mount.start()
    assert me(mount, ALICE) == str(ALICE)
    assert be(BOB, lambda: error_of(os.readlink, mount.path / MODEL / "me")) == "EDQUOT"
    assert be(BOB, lambda: len(os.listdir(mount.path / MODEL))) == HOMES_MAX + 1
    assert me(mount, ALICE) == str(ALICE)
    assert me(mount, 100007) == "100007"
    mount.unmount()


def test_what_a_crash_left_half_made_is_gone(share):
    mount = share()
    mount.unmount()
    (mount.store / "tree" / MODEL / ".new-60001-7" / "settings").mkdir(parents=True)
    mount.start()
    assert sorted(os.listdir(mount.path / MODEL)) == ["me", "root"]
    assert error_of(os.stat, mount.path / MODEL / ".new-60001-7") == "ENOENT"
    assert os.listdir(mount.store / "tree" / MODEL) == ["root"]
    assert me(mount, ALICE) == str(ALICE)
    mount.unmount()


# --- a restart

@pytest.mark.parametrize("kind", daemons())
def test_owners_modes_and_jobs_are_the_same_after_a_crash(share, standin, kind):
    mount = share(kind, "-omax_in_flight=1", settle=0)
    me(mount, ALICE), me(mount, BOB)
    assert mount.do(BOB, "(os.mkdir('first'), open('first/prompt', 'w').write("
                         f"'{ENDLESS} on its way'))") == [None]
    standin.await_requests(1)
    assert mount.do(ALICE, "(os.umask(0o077), os.mkdir('work'))", "open('work/notes', 'x')",
                    "os.chmod('work/notes', 0o2640)", "os.mkdir('gone')",
                    "open('work/prompt', 'w').write('of alice')",
                    "open('gone/prompt', 'w').write('of alice, too')") == [None] * 6
    work = mount.home(ALICE) / "work"
    names = ("notes", "prompt")  # a result may come at any moment after the start
    seen = [(owner_of(work / name), mode_of(work / name)) for name in names]
    mount.idle()
    os.kill(mount.daemon() if kind is HandedMount else mount.process.pid, 9)
    mount.process.wait(LIMIT)
    run(["umount", "-l", mount.path])
    (mount.store_of(ALICE) / "gone/prompt").unlink()
    (mount.store_of(ALICE) / "gone").rmdir()
    mount.start()
    assert [(owner_of(work / name), mode_of(work / name)) for name in names] == seen
    for directory, name in ((work, "0001.jpg"), (mount.home(ALICE), "0001.jpg"),
                            (mount.home(BOB) / "first", "prompt.error.txt")):
        until((directory / name).exists, directory)
        owner = BOB if name == "prompt.error.txt" else ALICE
        assert (owner_of(directory / name), mode_of(directory / name)) == ((owner, owner), 0o444)
    assert sorted(standin.prompts())[1:] == ["of alice", "of alice, too"]
    mount.settled()
    mount.unmount()
    assert mount.unfinished() == [] and mount.staged() == []


# --- a full disk

@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    call(libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0), b"size=24m,mode=711"))
    try:
        if not supports_xattrs(path):
            pytest.skip("a tmpfs has no user xattrs here")
        yield path
    finally:
        run(["umount", "-l", path], check=False)


@pytest.mark.parametrize("kind", daemons())
def test_a_full_disk_stops_everybody_and_leaves_nothing_half_made(share, standin, disk, kind):
    mount = share(kind, "-oanswer_room=1M", "-odisk_reserve=1", store=disk / "store")
    me(mount, ALICE), me(mount, BOB)
    assert mount.do(ALICE, "os.mkdir('work')", "open('work/notes', 'w').write('x')") == [None] * 2
    fill(disk / "filler", 0)
    assert mount.do(
        ALICE, "os.write(os.open('work/big', os.O_WRONLY | os.O_CREAT), b'x' * 100000)",
        "open('work/prompt', 'w')", "os.rename('work/notes', 'work/a.prompt')") == ["ENOSPC"] * 3
    assert mount.do(BOB, "open('prompt', 'w')") == ["ENOSPC"]
    assert me(mount, ALICE) == str(ALICE)
    assert mount.do(ALICE, "os.chmod('work/notes', 0o600)", "os.unlink('work/big')") == [None] * 2
    assert mode_of(mount.home(ALICE) / "work/notes") == 0o600
    assert standin.requests() == []
    (disk / "filler").unlink()
    assert mount.do(BOB, "open('prompt', 'w').write('there is room')") == [None]
    assert mount.wait(directory=mount.home(BOB)) == (["0001.jpg"], False)
    assert me(mount, CAROL) == str(CAROL)
    mount.settled()
    mount.unmount()


def test_without_an_inode_nobody_gets_half_a_place(share, standin, tmp_path):
    path = tmp_path / "inodes"
    path.mkdir()
    call(libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0),
                    b"size=24m,nr_inodes=60,mode=711"))
    try:
        if not supports_xattrs(path):
            pytest.skip("a tmpfs has no user xattrs here")
        mount = share(SharedMount, store=path / "store")
        me(mount, ALICE)
        count = 0
        while not error_of((path / f"filler-{count}").touch):
            count += 1
        for spare in range(4):  # a place takes three
            until(lambda: os.statvfs(path).f_ffree >= spare,  # pylint: disable=all
                  "what was removed is forgotten")
            got = be(BOB, lambda: error_of(os.readlink, mount.path / MODEL / "me"))
            assert got == (None if spare == 3 else "ENOSPC"), spare
            assert mount.do(ALICE, "os.mkdir('new')") == ["ENOSPC" if spare in (0, 3) else None]
            if spare in (1, 2):
                assert mount.do(ALICE, "os.rmdir('new')") == [None]
            left = [name for name in os.listdir(mount.store / "tree" / MODEL) if name[0] == "."]
            assert left == []
            (path / f"filler-{spare}").unlink()
        mount.unmount()
    finally:
        run(["umount", "-l", path], check=False)


# --- elsewhere

CHILD = """
import os, sys
os.setgroups([]); os.setresgid({0}, {0}, {0}); os.setresuid({0}, {0}, {0})
os.chdir(sys.argv[1])
open('ready', 'w').close()
sys.stdin.readline()
open('prompt', 'w').write('from elsewhere')
print(open('.prompt.wait').read(), end='', flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("kind", daemons())
def test_a_user_in_other_namespaces_sees_and_is_seen(share, standin, kind):
    """Another mount namespace, and one of processes, in which the daemon is not to be seen."""
    mount = share(kind)
    me(mount, ALICE)
    home = mount.home(ALICE)
    child = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", sys.executable, "-c",
         CHILD.format(ALICE), str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    until((home / "ready").exists, "the user")
    with Watch(home, mask=Watch.MOVED_TO) as watch:
        child.stdin.write("\n")
        child.stdin.flush()
        assert watch.next()[:2] == ("MOVED_TO", "0001.jpg")
    assert child.stdout.readline() == "0001.jpg\n"
    assert owner_of(home / "0001.jpg") == (ALICE, ALICE)
    child.communicate("\n", timeout=LIMIT)
    assert child.returncode == 0
    assert standin.prompts() == ["from elsewhere"]
    mount.unmount()


def watches(pid):
    """Whether a process has an inotify descriptor that watches something."""
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has just been closed
            if "inotify wd" in info.read_text(encoding="ascii"):
                return True
    return False


def test_events_reach_who_watches_in_another_namespace(share, standin):
    mount = share()
    me(mount, ALICE)
    home = mount.home(ALICE)
    watcher = subprocess.Popen(
        ["unshare", "--mount", "inotifywait", "-q", "-e", "moved_to", "--format", "%f", "-m", home],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    until(lambda: watches(watcher.pid), "the watch")
    assert mount.do(ALICE, "open('prompt', 'w').write('a cat')") == [None]
    assert sorted(watcher.stdout.readline() for _ in range(2)) == ["0001.jpg\n", "0001.txt\n"]
    watcher.kill()
    watcher.wait(LIMIT)
    watcher.stdout.close()
    mount.unmount()


def test_users_whose_processes_the_daemon_cannot_name(share, standin):
    """The daemon is in a namespace of processes of its own: all others are 0 to it."""
    mount = share(SharedMount, under=("unshare", "--pid", "--fork", "--kill-child"))
    home = mount.home(ALICE)
    assert me(mount, ALICE) == str(ALICE)
    with Watch(home, mask=Watch.MOVED_TO) as watch:
        assert mount.do(ALICE, "(os.mkdir('dir'), os.mkdir('dir/settings'))",
                        "open('prompt', 'w').write('a cat')",
                        "open('.prompt.wait').read() == '0001.jpg\\n' or os.stat('-')") == [
                            "EEXIST", None, None]
        assert watch.next()[:2] == ("MOVED_TO", "0001.jpg")
    assert owner_of(home / "0001.jpg") == (ALICE, ALICE)
    assert len(standin.requests()) == 1
    mount.unmount()


# --- together

@pytest.mark.parametrize("kind", daemons())
def test_three_at_once_and_one_that_floods(share, standin, kind):
    """Each of the others waits for what is in flight, and for one of each user's in turn."""
    mount = share(kind, "-omax_in_flight=1", settle=0)
    for user in (ALICE, BOB, CAROL):
        me(mount, user)
    flood = 100
    small = "[[standin: size=16x16, words=]]"
    assert mount.do(CAROL, f"open('prompt', 'w').write('[[standin: {HELD}, words=]] first')"
                    ) == [None]
    standin.await_requests(1)
    assert mount.do(CAROL, "(os.mkdir('flood'), [open(f'flood/{i}.prompt', 'w').write("
                           f"'{small} of carol') for i in range({flood})])") == [None]
    for user, name in ((ALICE, "alice"), (BOB, "bob")):
        assert mount.do(user, f"open('prompt', 'w').write('{small} of {name}')") == [None]
    until(lambda: mount.status().count("\nqueued ") == flood + 2, "all of them queued")
    standin.let_go()
    for user in (ALICE, BOB):
        assert mount.wait(directory=mount.home(user)) == (["0001.jpg"], False)
    assert mount.wait(directory=mount.home(CAROL), limit=3 * LIMIT)[1] is False
    turns = [prompt.rpartition(" ")[2] for prompt in standin.prompts()]
    assert {"alice", "bob"} <= set(turns[1:4])
    assert sorted(turns) == sorted(["first", "alice", "bob"] + ["carol"] * flood)
    for user, place, count in ((ALICE, "", 1), (BOB, "", 1), (CAROL, "flood", flood)):
        pictures = [path for path in (mount.home(user) / place).iterdir() if path.suffix == ".jpg"]
        assert len(pictures) == count
        assert {owner_of(path) for path in pictures} == {(user, user)}
    mount.unmount()
    assert mount.unfinished() == [] and mount.staged() == []
