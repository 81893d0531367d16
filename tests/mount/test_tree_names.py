# SPDX-License-Identifier: MIT
"""Names and directories: making, listing, renaming, removing."""

import ctypes
import os
import subprocess
import sys
import threading

import pytest

from harness import (LIMIT, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, call, error_of,
                     libc, renameat2, run)

ODD_NAMES = [b"a b", b" ", b"  leading", b"trailing  ", b"new\nline", b"tab\there", b"\x01\x7f",
             b"\xff\xfe not UTF-8", "äöü €".encode(), "e\u0301 and \u00e9".encode(), b"-rf", b"*",
             b"?", b"'quote\"", b"back\\slash", b"$(false)", b"#x#", b"~", b"a:b", b"...", b"x.",
             b".hidden", b"CON", b"con", b"n" * 255, "ü".encode() * 127]


def names(path):
    return sorted(os.listdir(os.fsencode(path)))


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: repr(name[:12]))
def test_any_name_is_kept_byte_for_byte(place, name):
    path = os.path.join(os.fsencode(place), name)
    with open(path, "wb") as file:
        file.write(name)
    assert names(place) == [name]
    with open(path, "rb") as file:
        assert file.read() == name
    os.rename(path, path[:-1] + b"Q")
    assert names(place) == [name[:-1] + b"Q"]
    os.unlink(path[:-1] + b"Q")
    os.mkdir(path)
    with open(os.path.join(path, name), "wb"):
        pass
    assert names(path) == [name]


def test_names_end_at_255_bytes(place):
    at, above = place / ("n" * 255), place / ("n" * 256)
    (place / "a").touch()
    at.touch()
    table = [
        lambda: os.open(above, os.O_CREAT | os.O_WRONLY),
        lambda: os.mkdir(above),
        lambda: os.symlink("x", above),
        lambda: os.rename(place / "a", above),
        lambda: os.rename(at, above),
        lambda: os.unlink(above),
        lambda: os.stat(above),
    ]
    assert [error_of(action) for action in table] == ["ENAMETOOLONG"] * len(table)
    assert names(place) == [b"a", b"n" * 255]


def test_rename_moves_over_what_is_there(place):
    (place / "a").write_text("a")
    (place / "b").write_text("b")
    (place / "a").rename(place / "b")
    assert names(place) == [b"b"]
    assert (place / "b").read_text() == "a"


def test_rename_to_itself_changes_nothing(place):
    (place / "a").write_text("a")
    os.rename(place / "a", place / "a")
    assert (place / "a").read_text() == "a"


def test_rename_noreplace_refuses_what_is_there(place):
    (place / "a").write_text("a")
    (place / "b").write_text("b")
    assert error_of(renameat2, place / "a", place / "b", RENAME_NOREPLACE) == "EEXIST"
    renameat2(place / "a", place / "c", RENAME_NOREPLACE)
    assert names(place) == [b"b", b"c"]


def test_rename_exchange_swaps_files_and_directories(place):
    (place / "a").write_text("a")
    (place / "dir").mkdir()
    (place / "dir" / "inside").write_text("inside")
    renameat2(place / "a", place / "dir", RENAME_EXCHANGE)
    assert (place / "dir").read_text() == "a"
    assert (place / "a" / "inside").read_text() == "inside"
    (place / "a" / "more").write_text("more")
    assert names(place / "a") == [b"inside", b"more"]
    assert error_of(renameat2, place / "a", place / "none", RENAME_EXCHANGE) == "ENOENT"


def test_unknown_flags_of_rename_are_refused(place):
    (place / "a").touch()
    assert error_of(renameat2, place / "a", place / "b", RENAME_WHITEOUT) in ("EINVAL", "EPERM")
    assert error_of(renameat2, place / "a", place / "b", 1 << 10) == "EINVAL"
    assert error_of(renameat2, place / "a", place / "b",
                    RENAME_NOREPLACE | RENAME_EXCHANGE) == "EINVAL"


def test_directories_are_renamed_with_all_below(place):
    (place / "a/b/c").mkdir(parents=True)
    (place / "a/b/c/file").write_text("deep")
    (place / "a").rename(place / "z")
    assert (place / "z/b/c/file").read_text() == "deep"
    (place / "z/b").rename(place / "b")
    assert (place / "b/c/file").read_text() == "deep"
    (place / "b/c/new").write_text("new")
    assert names(place / "b/c") == [b"file", b"new"]


def test_what_rename_refuses(place):
    (place / "dir/sub").mkdir(parents=True)
    (place / "full/x").mkdir(parents=True)
    (place / "empty").mkdir()
    (place / "file").touch()
    table = [
        ("EINVAL", lambda: os.rename(place / "dir", place / "dir/sub/x")),
        ("ENOTEMPTY", lambda: os.rename(place / "dir", place / "full")),
        ("EISDIR", lambda: os.rename(place / "file", place / "empty")),
        ("ENOTDIR", lambda: os.rename(place / "dir", place / "file")),
        ("ENOENT", lambda: os.rename(place / "file", place / "none/file")),
        (None, lambda: os.rename(place / "dir", place / "empty")),
        ("EXDEV", lambda: os.rename(place / "file", "/dev/shm/easelfs-test")),
    ]
    assert [error_of(action) for _, action in table] == [name for name, _ in table]


def test_mkdir_and_rmdir(place):
    os.mkdir(place / "a", 0o750)
    assert (place / "a").stat().st_mode == 0o040750
    assert error_of(os.mkdir, place / "a") == "EEXIST"
    (place / "a" / "file").touch()
    assert error_of(os.rmdir, place / "a") == "ENOTEMPTY"
    (place / "a" / "file").unlink()
    os.rmdir(place / "a")
    assert error_of(os.stat, place / "a") == "ENOENT"


def test_directories_count_those_below_as_links(place):
    before = place.stat().st_nlink
    (place / "a").mkdir()
    (place / "b").mkdir()
    assert place.stat().st_nlink in (before + 2, before)  # btrfs and overlayfs do not count
    (place / "b").rmdir()
    assert place.stat().st_nlink in (before + 1, before)


def test_a_removed_directory_that_is_open_is_empty_and_takes_nothing(place):
    (place / "a").mkdir()
    fd = os.open(place / "a", os.O_RDONLY | os.O_DIRECTORY)
    os.rmdir(place / "a")
    assert os.listdir(fd) == []
    assert error_of(os.open, "x", os.O_CREAT | os.O_WRONLY, dir_fd=fd) == "ENOENT"
    assert error_of(os.mkdir, "x", dir_fd=fd) == "ENOENT"
    os.close(fd)


def test_a_working_directory_survives_its_renaming(place):
    (place / "a").mkdir()
    fd = os.open(place / "a", os.O_RDONLY | os.O_DIRECTORY)
    (place / "a").rename(place / "b")
    os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    assert names(place / "b") == [b"x"]


def test_trees_may_be_deep(place):
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(200):
        os.mkdir("directory-with-a-name", dir_fd=fd)
        below = os.open("directory-with-a-name", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    assert os.listdir(fd) == ["file"]
    os.close(fd)
    found = run(["find", place, "-type", "f"], text=True).stdout.splitlines()
    assert len(found) == 1 and found[0].count("directory-with-a-name") == 200
    run(["rm", "-r", place / "directory-with-a-name"])
    assert names(place) == []


def test_ten_thousand_files_are_listed_right(shared, place):
    store = shared.store / "tree" / shared.top.name / place.name
    for i in range(10_000):
        os.close(os.open(store / f"file-{i:05}", os.O_CREAT | os.O_WRONLY))
    expected = [b"file-%05d" % i for i in range(10_000)]
    assert names(place) == expected
    assert len(run(["ls", "-l", place]).stdout.splitlines()) == 10_001
    assert len(run(["find", place, "-type", "f"]).stdout.splitlines()) == 10_000
    run(["rm", "-r", place], timeout=3 * LIMIT)
    assert not place.exists() and not store.exists()


class Dirent(ctypes.Structure):
    _fields_ = [("d_ino", ctypes.c_uint64), ("d_off", ctypes.c_int64),
                ("d_reclen", ctypes.c_uint16), ("d_type", ctypes.c_uint8),
                ("d_name", ctypes.c_char * 256)]


class Directory:
    """opendir(3) and its kin, which python hides."""

    def __init__(self, path):
        libc.opendir.restype = ctypes.c_void_p
        libc.readdir.restype = ctypes.POINTER(Dirent)
        libc.telldir.restype = ctypes.c_long
        self.dir = ctypes.c_void_p(libc.opendir(os.fsencode(path)))
        assert self.dir

    def read(self):
        entry = libc.readdir(self.dir)
        return entry.contents.d_name if entry else None

    def rest(self):
        found = []
        while (name := self.read()) is not None:
            found.append(name)
        return found

    def tell(self):
        return libc.telldir(self.dir)

    def seek(self, offset):
        libc.seekdir(self.dir, ctypes.c_long(offset))

    def rewind(self):
        libc.rewinddir(self.dir)

    def close(self):
        call(libc.closedir(self.dir))


def test_seekdir_returns_to_where_telldir_was(place):
    for i in range(500):
        (place / f"f{i}").touch()
    directory = Directory(place)
    seen, marks = [], []
    for _ in range(502):
        marks.append(directory.tell())
        seen.append(directory.read())
    assert directory.read() is None
    assert sorted(seen) == sorted([b".", b".."] + [b"f%d" % i for i in range(500)])
    for index in (250, 0, 501, 1, 499):
        directory.seek(marks[index])
        assert directory.rest() == seen[index:]
    directory.close()


def test_rewinddir_looks_afresh(place):
    (place / "a").touch()
    directory = Directory(place)
    assert sorted(directory.rest()) == [b".", b"..", b"a"]
    (place / "b").touch()
    (place / "a").unlink()
    directory.rewind()
    assert sorted(directory.rest()) == [b".", b"..", b"b"]
    directory.close()


def test_what_stays_is_listed_once_while_others_come_and_go(place):
    stays = {b"stays-%04d" % i for i in range(1500)}
    for name in stays:
        (place / os.fsdecode(name)).touch()
    stop = threading.Event()

    def churn():
        i = 0
        while not stop.is_set():
            (place / f"goes-{i % 40}").touch()
            (place / f"goes-{(i + 20) % 40}").unlink(missing_ok=True)
            i += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(15):
            found = os.listdir(os.fsencode(place))
            assert len(found) == len(set(found))
            assert stays <= set(found)
            assert all(name in stays or name.startswith(b"goes-") for name in found)
    finally:
        stop.set()
        thread.join()


def test_a_directory_can_be_emptied_while_it_is_read(place):
    for i in range(3000):
        (place / f"f{i}").touch()
    removed = 0
    with os.scandir(place) as entries:
        for entry in entries:
            os.unlink(entry.path)
            removed += 1
    assert removed == 3000
    assert names(place) == []


def test_dot_and_dot_dot_are_the_directories_they_name(place):
    (place / "a").mkdir()
    assert os.stat(place / "a" / ".").st_ino == os.stat(place / "a").st_ino
    assert os.stat(place / "a" / "..").st_ino == os.stat(place).st_ino
    directory = Directory(place / "a")
    assert directory.rest() == [b".", b".."]
    directory.close()


def test_processes_that_make_the_same_name_agree_on_who_was_first(place):
    code = ("import os,sys\nwon=0\nfor i in range(100):\n"
            "  try: os.close(os.open(f'{sys.argv[1]}/n{i}', os.O_CREAT|os.O_EXCL|os.O_WRONLY))\n"
            "  except FileExistsError: continue\n  won+=1\nprint(won)")
    children = [subprocess.Popen([sys.executable, "-c", code, place], stdout=subprocess.PIPE)
                for _ in range(4)]
    assert sum(int(child.communicate(timeout=LIMIT)[0]) for child in children) == 100
    assert len(names(place)) == 100
