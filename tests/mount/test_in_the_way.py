# SPDX-License-Identifier: MIT
"""Never in the way: what desktops look for, indexers, backups; and workspaces that are renamed,
moved and removed, and mounts that are left, with jobs under way."""

import os
import select
import signal
import subprocess
import tarfile
import tempfile
import threading
import time

import pytest

from harness import (AT_ONCE, FLASH, HELD, LIMIT, STRANGER, Watch, as_user, error_of, run, shell,
                     until)

HANG = f"[[standin: {HELD}, words=, size=16x16]] hangs until it is let go"
MANY = "[[standin: delay={}, pictures=16, size=16x16]] many"  # 17 files: there are the words, too
ASKED_FOR = [".Trash", ".Trash-0", ".Trash-1000", ".hidden", ".sh_thumbnails", ".xdg-volume-info",
             ".directory", "autorun.inf", "Autorun.inf", "AUTORUN.INF", "desktop.ini",
             "Desktop.ini", ".DS_Store", "._prompt", "Thumbs.db", ".VolumeIcon.icns", ".git",
             ".nomedia", ".metadata_never_index", ".trackerignore", ".localized", ".fuse_hidden",
             "lost+found", ".comments", ".thumbnails", "folder.jpg", ".easelfs", ".staging"]


def pictures(directory):
    return sorted(name for name in os.listdir(directory) if name.endswith(".jpg"))


# --- what desktops look for

def test_what_desktops_look_for_is_not_there(shared, shared_standin, place):
    before = {path: sorted(os.listdir(path)) for path in (shared.path, shared.top, place)}
    status = shared.status()
    for directory in before:
        for name in ASKED_FOR:
            path = directory / name
            assert error_of(os.stat, path) == "ENOENT"
            assert error_of(os.open, path, os.O_RDONLY) == "ENOENT"
            assert error_of(os.listdir, path) == "ENOENT"
            assert error_of(os.getxattr, path, "user.xdg.tags") == "ENOENT"
            assert error_of(os.stat, path / "files") == "ENOENT"
    assert {path: sorted(os.listdir(path)) for path in before} == before
    assert shared.status() == status
    assert shared_standin.entries() == []


@pytest.mark.parametrize("name", [".Trash", ".Trash-0", ".Trash-1000", ".sh_thumbnails"])
def test_nothing_can_be_trashed_into_the_root(shared, name):
    """EPERM, or EACCES for those who are not root: file managers then offer to remove for good."""
    assert error_of(os.mkdir, shared.path / name) == "EPERM"
    assert error_of(os.rename, shared.top / "prompt", shared.path / name) == "EPERM"
    assert (shared.top / "prompt").exists()
    assert name not in os.listdir(shared.path)


def test_a_user_cannot_trash_into_the_root_either(make_mount, standin):
    with tempfile.TemporaryDirectory(prefix="easelfs-") as directory:
        os.chmod(directory, 0o755)
        mount = make_mount(standin.url, "-oallow_other", path=f"{directory}/mnt")
        trash = mount.path / f".Trash-{STRANGER}"
        assert as_user(STRANGER, lambda: error_of(os.mkdir, trash)) == "EACCES"
        mount.unmount()


def test_a_file_manager_that_never_stops_looking_is_no_matter(mount, standin):
    (mount.top / "w").mkdir()
    stop, took = threading.Event(), []

    def look():
        while not stop.is_set():
            begun = time.monotonic()
            for directory in (mount.path, mount.top, mount.top / "w"):
                for name in (".Trash", ".Trash-0", ".hidden", ".sh_thumbnails", ".directory"):
                    error_of(os.stat, directory / name)
                for entry in os.scandir(directory):
                    error_of(entry.stat)
                    error_of(os.listxattr, entry.path)
            took.append((time.monotonic() - begun) / 30)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(40):
            (mount.top / "w" / f"p{i}.prompt").write_text("[[standin: size=16x16]] x")
        mount.settled()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(pictures(mount.top / "w")) == 40
    assert len(standin.requests()) == 40
    assert sorted(took)[len(took) * 99 // 100] < AT_ONCE


# --- who opens everything

@pytest.fixture
def busy(mount, standin):
    """A mount with results and notes, jobs under way in three places, and who waits for them."""
    (mount.top / "w" / "deep").mkdir(parents=True)
    old = mount.generate("[[standin: size=16x16]] an old one", directory=mount.top / "w")
    assert old == ["0001.jpg"]
    (mount.top / "w" / "notes").write_text("notes\n" * 1000)
    (mount.top / "w" / "settings" / "aspect_ratio").write_text("16:9\n")
    for number, place in enumerate((mount.top, mount.top / "w" / "deep", mount.path / FLASH)):
        (place / "cat.prompt").write_text(f"{HANG} {number}")
    standin.await_requests(4)
    mount.idle()
    waiter = subprocess.Popen(["cat", mount.top / ".wait"], stdout=subprocess.DEVNULL)
    yield mount
    waiter.kill()
    waiter.wait()
    assert len(standin.requests()) == 4
    mount.hurry()


def real_files(mount):
    """What the mount shows, and does not change by itself: {path: content}."""
    found = {}
    for root, _, files in os.walk(mount.path):
        for name in files:
            path = os.path.join(root, name)
            if name != "status.txt":
                with open(path, "rb") as file:
                    found[os.path.relpath(path, mount.path)] = file.read()
    return found


def test_an_indexer_opens_everything(busy):
    directories = [root for root, _, _ in os.walk(busy.path)]
    with Watch(*directories) as watch:
        for _ in range(3):
            for root, _, files in os.walk(busy.path):
                for name in files:
                    assert not name.endswith("wait")
                    fd = os.open(os.path.join(root, name), os.O_RDONLY)
                    poll = select.poll()
                    poll.register(fd, select.POLLIN)
                    assert poll.poll(0)  # so a read does not block
                    size = os.fstat(fd).st_size
                    data = os.read(fd, 1 << 20)
                    assert name == "status.txt" or len(data) == size > 0 or name == "prompt" or (
                        "settings" in root)
                    os.listxattr(fd)
                    os.close(fd)
        assert not any(what in ("CREATE", "DELETE", "MOVED_TO", "MODIFY", "ATTRIB")
                       for what, _, _ in watch.drain())


def test_du_counts_what_is_there(busy):
    sizes = sum(os.lstat(os.path.join(root, name)).st_size
                for root, _, files in os.walk(busy.top / "w" / "deep") for name in files)
    done = run(["du", "-b", "--max-depth=0", "-S", busy.top / "w" / "deep"], text=True)
    directory = (busy.top / "w" / "deep").stat().st_size
    assert int(done.stdout.split()[0]) == sizes + directory
    run(["du", "-a", busy.path])
    run(["df", busy.path])


def test_tar_has_everything_in_its_size(busy, tmp_path):
    archive = tmp_path / "backup.tar"
    done = run(["tar", "cf", archive, "-C", busy.path, "."], check=False, text=True)
    changed = [line for line in done.stderr.splitlines() if "status.txt" not in line
               and "Exiting with failure status" not in line]
    assert changed == [] and done.returncode in (0, 1)
    with tarfile.open(archive) as tar:
        members = {member.name.removeprefix("./"): tar.extractfile(member).read()
                   for member in tar if member.isfile()}
    status = {name for name in members if name.endswith("status.txt")}
    assert sum(b"cat.prompt" in members[name] for name in status) == 3
    assert all(members[name] and b"\0" not in members[name] for name in status)
    assert {name: data for name, data in members.items() if name not in status} == real_files(busy)


@pytest.mark.parametrize("line", ["rsync -a ./ $out/", "cp -a . $out/", "rsync -aX ./ $out/",
                                  "rsync -a --checksum ./ $out/; rsync -ac --delete ./ $out/",
                                  "find . -depth -print0 | cpio -0 -p --quiet -dm $out"])
def test_a_backup_has_everything(busy, tmp_path, line):
    if "cpio" in line and not os.path.exists("/usr/bin/cpio"):
        pytest.skip("no cpio here")
    out = tmp_path / "out"
    out.mkdir()
    shell(line, busy.path, env={**os.environ, "out": str(out)})
    copied = {os.path.relpath(os.path.join(root, name), out)
              for root, _, files in os.walk(out) for name in files}
    real = real_files(busy)
    assert {name for name in copied if not name.endswith("status.txt")} == set(real)
    for name, data in real.items():
        assert (out / name).read_bytes() == data
    assert (out / "status.txt").read_text().count("cat.prompt") == 3


# --- a workspace goes while it is busy

def test_removing_a_workspace_with_jobs_in_every_state(make_mount, standin):
    """What was sent comes to the model's directory, what was not is never sent."""
    mount = make_mount(standin.url, "-omax_in_flight=3")
    low = mount.top / "low"
    (low / "deep").mkdir(parents=True)
    for i in range(3):
        (low / ("deep" if i == 2 else ".") / f"sent{i}.prompt").write_text(
            f"{HANG} {i}")
    standin.await_requests(3)
    for i in range(5):
        (low / f"queued{i}.prompt").write_text(f"queued {i}")
    until(lambda: mount.status(low).count("waits for its turn") == 5, "queued jobs")
    opened = os.open(low / "open.prompt", os.O_WRONLY | os.O_CREAT)
    os.write(opened, b"[[standin: words=]] still open")
    os.close(os.dup(opened))
    run(["rm", "-r", low])
    os.close(opened)
    mount.idle()
    assert not low.exists()
    standin.let_go()
    mount.settled()
    assert pictures(mount.top) == ["sent0.jpg", "sent1.jpg", "sent2.jpg"]
    assert sorted(prompt[-1] for prompt in standin.prompts()) == ["0", "1", "2"]
    mount.unmount()
    assert (mount.unfinished(), mount.staged()) == ([], [])


def test_removing_a_workspace_while_its_results_appear(make_mount, standin):
    mount = make_mount(standin.url, settle=0)
    rounds, removed = 8, 0
    for number in range(rounds):
        low = mount.top / "low"
        low.mkdir()
        with Watch(low, mask=Watch.MOVED_TO) as watch:
            (low / f"r{number}.prompt").write_text(f"{MANY.format(0)} {number}")
            removed += len(watch.await_name(f"r{number}.jpg")) + 1
            # a result may come between the last unlink and the rmdir, as on any file system
            until(lambda: run(["rm", "-rf", low], check=False).returncode == 0, "a removal")
            mount.settled()
            removed += len(watch.drain())
    assert not (mount.top / "low").exists()
    kept = [name for name in os.listdir(mount.top) if name.startswith("r")]
    assert len(kept) + removed == rounds * 17
    assert len(standin.requests()) == rounds
    mount.unmount()
    assert (mount.unfinished(), mount.staged()) == ([], [])


def test_results_follow_a_workspace_through_many_renames(mount, standin):
    """Ten jobs; renamed twice, moved into another workspace, and that to another model."""
    low, other = mount.top / "low", mount.top / "other"
    low.mkdir()
    other.mkdir()
    for i in range(10):
        (low / f"p{i}.prompt").write_text(f"{HANG} {i}")
    standin.await_requests(4)  # and six are queued
    low.rename(mount.top / "b")
    (mount.top / "b").rename(mount.top / "c")
    (mount.top / "c").rename(other / "d")
    low.mkdir()  # another one
    other.rename(mount.path / FLASH / "e")
    there = mount.path / FLASH / "e" / "d"
    for count in (8, 10, 10):
        standin.let_go()
        standin.await_requests(count)
    lines, failed = mount.wait(directory=there)
    assert (lines, failed) == ([f"p{i}.jpg" for i in range(10)], False)
    assert pictures(there) == [f"p{i}.jpg" for i in range(10)]
    assert os.listdir(low) == [] and pictures(mount.top) == []
    assert len(standin.requests()) == 10


def test_results_follow_a_workspace_that_is_renamed_all_the_time(make_mount, standin):
    mount = make_mount(standin.url, settle=0)
    names = [mount.top / "a", mount.top / "b", mount.top / "x" / "c"]
    names[0].mkdir()
    (mount.top / "x").mkdir()
    for i in range(6):
        (names[0] / f"p{i}.prompt").write_text(f"{MANY.format(600000)} {i}")
    standin.await_requests(4)
    turn = 0
    while "Nothing is unfinished." not in mount.status(mount.top):
        names[turn % 3].rename(names[(turn + 1) % 3])
        turn += 1
        if turn > 3:
            standin.let_go()
    there = names[turn % 3]
    assert len(pictures(there)) == 6 * 16
    assert len([name for name in os.listdir(there) if name.endswith(".txt")]) == 6
    assert pictures(mount.top) == []
    mount.unmount()
    assert (mount.unfinished(), mount.staged()) == ([], [])


# --- leaving while somebody is inside

def test_unmounting_with_a_shell_inside(mount, standin):
    low = mount.top / "low"
    low.mkdir()
    inside = subprocess.Popen(["sh"], cwd=low, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, bufsize=1)

    def ask(line):
        inside.stdin.write(line + "; echo end\n")
        return "".join(iter(inside.stdout.readline, "end\n"))

    assert ask("ls") == ""
    (low / "cat.prompt").write_text(HANG)
    standin.await_requests(1)
    done = run(["fusermount3", "-u", mount.path], check=False, text=True)
    assert done.returncode == 1 and "busy" in done.stderr
    assert ask("ls") == "cat.prompt\n"
    mount.unmount_lazily()
    standin.let_go()
    assert ask("cat .cat.prompt.wait") == "cat.jpg\n"  # the job goes on, and so does the shell
    assert ask("ls") == "cat.jpg\ncat.prompt\n"
    assert ask("echo x > notes; cat notes; rm notes") == "x\n"
    assert mount.process.poll() is None
    inside.stdin.write("exit\n")
    inside.communicate(timeout=LIMIT)
    mount.join()
    assert (mount.unfinished(), mount.staged()) == ([], [])


def test_the_daemon_ends_with_shells_inside(mount, standin):
    """They are left in a directory that is not there any more, and can go."""
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    inside = [subprocess.Popen(["sh", "-c", "while read line; do ls; done"], cwd=mount.top,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True) for _ in range(5)]
    mount.process.send_signal(signal.SIGTERM)
    until(lambda: "waiting for what is in flight" in mount.log_text(), "the signal's effect")
    standin.let_go()
    mount.join()
    assert (mount.unfinished(), mount.staged()) == ([], [])
    for child in inside:
        _, err = child.communicate("look\n", timeout=LIMIT)
        assert child.returncode == 0 or "not connected" in err
        assert "Transport endpoint is not connected" in err
    mount.start()
    assert mount.wait(".prompt.wait") == (["0001.jpg"], False)
