# SPDX-License-Identifier: MIT
"""The kernel keeps what it has seen: attributes, names, listings, pages. Nothing that it shows is
ever older than what is there, whoever changed it, and in whatever way."""

import ctypes
import mmap
import os
import stat
from pathlib import Path

import pytest

from harness import (HANG, HELD, MODEL, RENAME_EXCHANGE, STRANGER, as_user, call, error_of, libc,
                     renameat2, until)

FIELDS = ("st_ino", "st_mode", "st_uid", "st_gid", "st_size", "st_blocks", "st_mtime_ns",
          "st_ctime_ns")
MNT_DETACH = 2


class Twin:
    """A workspace, and the directory of the store behind it, to compare them."""

    def __init__(self, mount, name="w"):
        self.mount = mount
        self.path = mount.top / name
        self.store = mount.store / "tree" / MODEL / name
        self.path.mkdir()

    def stale(self):
        """What the mount shows otherwise than the store has it: (path, what) of each. Listing a
        directory renews what is known of it: so that comes last, and then all is made known."""
        paths = [(root, path) for root, folders, files in os.walk(self.store)
                 for path in (".", *folders, *files)
                 if "settings" not in Path(root, path).relative_to(self.store).parts]
        paths = [os.path.join(root, path) for root, path in paths]
        found = [(path, field) for path in paths for field in FIELDS
                 if getattr(os.lstat(path), field) != getattr(os.lstat(self.there(path)), field)]
        for path in paths:
            if path.endswith("/."):
                names = set(os.listdir(path)) ^ set(os.listdir(self.there(path)))
                found += [(path, "names")] if names - {"settings"} else []
        for path in paths:
            os.lstat(self.there(path))
        return found

    def there(self, path):
        return os.path.normpath(self.path / os.path.relpath(path, self.store))


@pytest.fixture
def twin(make_mount, standin):
    mount = make_mount(standin.url, settle=0)
    twin = Twin(mount)
    (twin.path / "old").write_bytes(b"old content")
    (twin.path / "other").write_bytes(b"other")
    (twin.path / "below").mkdir()
    (twin.path / "below" / "deep").write_bytes(b"deep")
    mount.generate("[[standin: words=]] first", name="p.prompt", directory=twin.path)
    mount.settled()
    return twin


def by_handle(path, flags, action):
    fd = os.open(path, flags)
    try:
        action(fd)
    finally:
        os.close(fd)


def map_and_write(path):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as area:
        area[:3] = b"MAP"
        area.flush()


def swap(path):
    (path / "t").write_bytes(b"new content, and longer")
    os.rename(path / "t", path / "old")


CHANGES = {
    "append": lambda w: by_handle(w / "old", os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b"x")),
    "overwrite": lambda w: by_handle(w / "old", os.O_RDWR, lambda fd: os.write(fd, b"NEW")),
    "empty": lambda w: by_handle(w / "old", os.O_WRONLY | os.O_TRUNC, lambda fd: None),
    "empty, to read": lambda w: by_handle(w / "old", os.O_RDONLY | os.O_TRUNC, lambda fd: None),
    "truncate": lambda w: os.truncate(w / "old", 3),
    "ftruncate": lambda w: by_handle(w / "old", os.O_RDWR, lambda fd: os.ftruncate(fd, 100)),
    "allocate": lambda w: by_handle(w / "old", os.O_RDWR, lambda fd: os.posix_fallocate(fd, 0, 9999)),
    "map": lambda w: map_and_write(w / "old"),
    "chmod": lambda w: os.chmod(w / "old", 0o600),
    "chown": lambda w: os.chown(w / "old", STRANGER, STRANGER),
    "times": lambda w: os.utime(w / "old", (1, 2)),
    "attribute": lambda w: os.setxattr(w / "old", "user.x", b"1"),
    "rename": lambda w: os.rename(w / "old", w / "new"),
    "rename over": swap,
    "exchange": lambda w: renameat2(w / "old", w / "other", RENAME_EXCHANGE),
    "move": lambda w: os.rename(w / "old", w / "below" / "old"),
    "move a directory": lambda w: os.rename(w / "below", w / "under"),
    "unlink": lambda w: os.unlink(w / "old"),
    "create": lambda w: (w / "new").write_bytes(b"1"),
    "mkdir": lambda w: (w / "new").mkdir(),
    "symlink": lambda w: (w / "new").symlink_to("old"),
    "below": lambda w: (w / "below" / "new").touch(),
    "look at settings": lambda w: os.stat(w / "below" / "settings"),
    "set": lambda w: (w / "below" / "settings" / "seed").write_text("7"),
    "a directory that is not empty": lambda w: (os.stat(w / "below" / "settings"),
                                                error_of(os.rmdir, w / "below")),
    "a prompt": lambda w: (w / "p.prompt").write_text("[[standin: words=]] second"),
    "a renamed prompt": lambda w: os.rename(w / "p.prompt", w / "q.prompt"),
    "a draft": lambda w: os.rename(w / "old", w / "q.prompt"),
    "a refused prompt": lambda w: error_of((w / "p.prompt").write_bytes, b"\xff"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_attribute_and_no_name_is_stale_after_a_change(twin, change):
    assert twin.stale() == []
    CHANGES[change](twin.path)
    if "p" not in change:  # else there are jobs, which change more
        assert twin.stale() == []
    twin.mount.settled()
    assert twin.stale() == []


def test_nothing_is_stale_while_prompts_are_closed_and_results_come(twin):
    """Looked at all the time: what changes right behind the look must be seen by the next one."""
    for i in range(20):
        (twin.path / f"p{i}.prompt").write_text("[[standin: pictures=2, size=16x16]] x")
        for _ in range(5):
            for entry in os.scandir(twin.path):
                error_of(entry.stat)
    over = os.open(twin.path / ".wait", os.O_RDONLY | os.O_NONBLOCK)
    while error_of(os.read, over, 4096) == "EAGAIN":
        for entry in os.scandir(twin.path):
            error_of(entry.stat)
    os.close(over)
    twin.mount.idle()
    assert twin.stale() == []


def test_nothing_is_stale_once_a_result_came_by_the_store(twin, standin):
    """The fallback: the mount cannot be reached by its path, but somebody looks at it."""
    fd = os.open(twin.path, os.O_RDONLY)
    assert twin.stale() == []
    (twin.path / "r.prompt").write_text(HANG)
    standin.await_requests(2)
    before = os.listdir(fd)
    call(libc.mount(b"none", bytes(twin.mount.path), b"tmpfs", ctypes.c_ulong(0), None))
    try:
        standin.let_go()
        until(lambda: set(os.listdir(fd)) - set(before) == {"r.jpg"}, "the result")
        result = f"/proc/self/fd/{fd}/r.jpg"
        assert os.stat(result).st_size == len(open(result, "rb").read())
    finally:
        call(libc.umount2(bytes(twin.mount.path), MNT_DETACH))  # who publishes may stand in it
        os.close(fd)
    twin.mount.settled()
    assert twin.stale() == []


def test_an_error_file_is_never_that_of_the_last_try(twin):
    path = twin.path / "p.error.txt"
    for word in ("status=400", "finish_reason=SAFETY", "status=403"):
        before = path.read_bytes() if path.exists() else b""
        (twin.path / "p.prompt").write_text(f"[[standin: {word}]] x")
        twin.mount.wait(directory=twin.path)
        text = path.read_bytes()
        assert text and text != before and path.stat().st_size == len(text)
    twin.mount.generate("[[standin: words=]] good", name="p.prompt", directory=twin.path)
    assert error_of(path.stat) == "ENOENT"
    assert path.name not in os.listdir(twin.path)


# --- pages

def read(path):
    with open(path, "rb", buffering=0) as file:
        return file.read()


@pytest.fixture
def page(place):
    """A file that the kernel has all pages of."""
    path = place / "page"
    path.write_bytes(b"a" * 10_000)
    assert read(path) == b"a" * 10_000
    return path


def test_pages_are_those_that_another_handle_wrote(page):
    with open(page, "rb", buffering=0) as reader, open(page, "r+b", buffering=0) as writer:
        assert reader.read() == b"a" * 10_000
        os.pwrite(writer.fileno(), b"b" * 5000, 2500)
        assert os.pread(reader.fileno(), 20_000, 0) == b"a" * 2500 + b"b" * 5000 + b"a" * 2500
        os.ftruncate(writer.fileno(), 3000)
        assert os.pread(reader.fileno(), 20_000, 0) == b"a" * 2500 + b"b" * 500
        os.ftruncate(writer.fileno(), 5000)
        assert os.pread(reader.fileno(), 20_000, 2990) == b"b" * 10 + bytes(2000)
        with open(page, "wb"):
            assert os.pread(reader.fileno(), 20_000, 0) == b""


def test_pages_are_those_that_a_map_holds_and_the_other_way(page):
    with open(page, "r+b", buffering=0) as file, mmap.mmap(file.fileno(), 0) as area:
        area[100:103] = b"map"
        assert read(page)[98:105] == b"aamapaa"
        os.pwrite(file.fileno(), b"write", 200)
        assert area[199:206] == b"awritea"
        area.flush()
        assert read(page)[98:105] == b"aamapaa" and read(page)[199:206] == b"awritea"


def test_pages_are_those_that_were_copied_or_punched(page):
    source = page.with_name("source")
    source.write_bytes(b"s" * 6000)
    with open(source, "rb") as copied, open(page, "r+b") as file:
        assert os.copy_file_range(copied.fileno(), file.fileno(), 3000, 0, 1000) == 3000
        assert read(page) == b"a" * 1000 + b"s" * 3000 + b"a" * 6000
        keep_size_punch_hole = 3
        call(libc.fallocate(file.fileno(), keep_size_punch_hole, ctypes.c_long(2000),
                            ctypes.c_long(1000)))
        assert read(page) == b"a" * 1000 + b"s" * 1000 + bytes(1000) + b"s" * 1000 + b"a" * 6000


def test_pages_of_a_replaced_file_are_the_new_one_s(page):
    os.utime(page, (5, 5))
    for letter in b"bcd":
        new = page.with_name("new")
        new.write_bytes(bytes([letter]) * 10_000)
        os.utime(new, (5, 5))  # neither the size nor the time tells
        os.rename(new, page)
        assert read(page) == bytes([letter]) * 10_000


# --- what is virtual

def test_a_value_that_was_renamed_into_its_place_is_a_value(shared, place):
    settings = place / "settings"
    (settings / ".seed.tmp").write_text("9\n")
    os.rename(settings / ".seed.tmp", settings / "seed")
    assert (settings / "seed").read_text() == "9\n"
    (settings / "seed").write_text("77")
    assert (settings / "seed").read_text() == "77\n" and (settings / "seed").stat().st_size == 3
    stored = shared.store / "tree" / MODEL / place.name / "settings"
    assert os.listdir(stored) == ["seed"] and (stored / "seed").read_text() == "77\n"
    assert error_of((settings / "seed").write_text, "many") == "EINVAL"
    os.unlink(settings / "seed")
    assert (settings / "seed").read_text() == ""


def test_nothing_is_renamed_into_settings_from_elsewhere(place):
    """The kernel would go on taking the name for the file that was moved. mv copies, then."""
    (place / "draft").write_text("5")
    assert (place / "settings").is_dir()
    for name in ("seed", "notes"):
        assert error_of(os.rename, place / "draft", place / "settings" / name) == "EXDEV"
    (place / "settings" / "seed").write_text("6")
    os.rename(place / "settings" / "seed", place / "kept")
    assert (place / "kept").read_text() == "6\n" and (place / "settings" / "seed").read_text() == ""


def test_settings_are_listed_once_a_value_is_set_and_no_longer(shared, place):
    for _ in range(3):
        assert os.listdir(place) == []
        (place / "settings" / "seed").write_text("1")
        assert os.listdir(place) == ["settings"]
        (place / "settings" / "seed").write_text("")
        shared.idle()  # RELEASE resets it
        assert os.listdir(place) == []
        fd = os.open(place, os.O_RDONLY)
        assert os.listdir(fd) == []
        (place / "settings" / "seed").write_text("1")
        assert os.listdir(fd) == ["settings"]  # the handle was rewound
        os.unlink(place / "settings" / "seed")
        assert os.listdir(fd) == []
        os.close(fd)


def test_a_status_is_that_of_now(mount, standin):
    top = mount.top
    idle = mount.status(top)
    assert os.stat(top / "status.txt").st_size == len(idle)
    (top / "prompt").write_text(f"[[standin: {HELD}]] long")
    standin.await_requests(1)
    assert mount.status(top) != idle
    until(lambda: os.stat(top / "status.txt").st_size == len(mount.status(top).encode()),
          "the size of now")  # how much was sent may still change
    mount.hurry()


# --- set-id bits: the kernel leaves them to us

SET_ID = {
    "write": lambda path: by_handle(path, os.O_WRONLY, lambda fd: os.write(fd, b"x")),
    "truncate": lambda path: os.truncate(path, 1),
    "ftruncate": lambda path: by_handle(path, os.O_WRONLY, lambda fd: os.ftruncate(fd, 1)),
    "empty": lambda path: by_handle(path, os.O_WRONLY | os.O_TRUNC, lambda fd: None),
    "allocate": lambda path: by_handle(path, os.O_WRONLY, lambda fd: os.posix_fallocate(fd, 0, 9)),
    "copy": lambda path: by_handle(path, os.O_RDWR, lambda fd: os.copy_file_range(fd, fd, 1, 0, 3)),
}


@pytest.fixture
def program(make_mount, standin, tmp_path):
    """A set-id file of somebody's, on a mount that this somebody may use."""
    for path in (tmp_path, *tmp_path.parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    mount = make_mount(standin.url, "-oallow_other")
    path = mount.top / "program"
    path.write_bytes(b"1234")
    os.chown(path, STRANGER, STRANGER)
    return path


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("action", SET_ID)
def test_set_id_bits_go_when_somebody_changes_the_content(program, action):
    for before, after in ((0o6775, 0o775), (0o4755, 0o755), (0o2745, 0o2745)):
        program.chmod(before)
        assert mode_of(program) == before
        as_user(STRANGER, lambda: SET_ID[action](program))
        assert mode_of(program) == after
    program.chmod(0o6775)
    SET_ID[action](program)  # root may
    assert mode_of(program) == 0o6775


@pytest.mark.parametrize("owner", [(STRANGER, -1), (-1, STRANGER), (0, 0), (-1, -1)])
def test_set_id_bits_go_when_a_file_is_given_away(program, owner):
    program.chmod(0o6775)
    os.chown(program, *owner)
    assert mode_of(program) == 0o775
