# SPDX-License-Identifier: MIT
"""Real files: what programs do with content, attributes and locks works as it does anywhere."""

import ctypes
import fcntl
import mmap
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from harness import LIMIT, call, error_of, libc, run, until

HERE = {"model": lambda mount: mount.top, "workspace": lambda mount: mount.top / "ground"}


@pytest.fixture(params=sorted(HERE))
def place(request, shared):
    """A file's directory: a model's own, and one below it."""
    path = HERE[request.param](shared)
    path.mkdir(exist_ok=True)
    yield path
    for entry in path.iterdir():
        if entry.name not in ("prompt", "README.txt", "status.txt", "settings", "ground"):
            entry.unlink()


def test_what_is_written_is_read(place):
    (place / "notes.txt").write_bytes(b"one\ntwo\n")
    assert (place / "notes.txt").read_bytes() == b"one\ntwo\n"
    assert (place / "notes.txt").stat().st_size == 8


def test_megabytes_come_back_as_they_went(place):
    data = os.urandom(5 * 1024 * 1024 + 17)
    (place / "big.bin").write_bytes(data)
    assert (place / "big.bin").read_bytes() == data


def test_reading_behind_the_end_gives_nothing(place):
    (place / "a").write_bytes(b"abc")
    with open(place / "a", "rb") as file:
        assert os.pread(file.fileno(), 10, 2) == b"c"
        assert os.pread(file.fileno(), 10, 3) == b""
        assert os.pread(file.fileno(), 10, 1 << 40) == b""


def test_a_write_behind_the_end_leaves_a_hole_of_zeros(place):
    with open(place / "a", "wb") as file:
        os.pwrite(file.fileno(), b"end", 100_000)
    assert (place / "a").read_bytes() == b"\0" * 100_000 + b"end"


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 200_000])
def test_truncate_cuts_and_extends(place, size):
    data = os.urandom(10_000)
    (place / "a").write_bytes(data)
    os.truncate(place / "a", size)
    assert (place / "a").stat().st_size == size
    assert (place / "a").read_bytes() == data[:size].ljust(size, b"\0")


def test_ftruncate_goes_by_the_descriptor(place):
    with open(place / "a", "w+b") as file:
        file.write(b"0123456789")
        file.flush()
        (place / "a").rename(place / "b")
        os.ftruncate(file.fileno(), 4)
        file.seek(0)
        assert file.read() == b"0123"
    assert (place / "b").read_bytes() == b"0123"


def test_open_with_trunc_empties(place):
    (place / "a").write_bytes(b"long content")
    with open(place / "a", "wb") as file:
        assert os.fstat(file.fileno()).st_size == 0
        file.write(b"x")
    assert (place / "a").read_bytes() == b"x"


def test_append_goes_to_the_end_wherever_that_is_by_then(place):
    first = os.open(place / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    second = os.open(place / "log", os.O_WRONLY | os.O_APPEND)
    for i in range(50):
        os.write(first, b"a%02d\n" % i)
        os.write(second, b"b%02d\n" % i)
    os.close(first)
    os.close(second)
    expected = b"".join(b"a%02d\nb%02d\n" % (i, i) for i in range(50))
    assert (place / "log").read_bytes() == expected


def test_appenders_in_many_processes_lose_no_line(place):
    code = ("import os,sys\nfd=os.open(sys.argv[1],os.O_WRONLY|os.O_APPEND|os.O_CREAT)\n"
            "for i in range(200): os.write(fd, b'%s %03d\\n' % (sys.argv[2].encode(), i))\n")
    writers = [subprocess.Popen([sys.executable, "-c", code, place / "log", name])
               for name in "abcd"]
    assert [writer.wait(LIMIT) for writer in writers] == [0] * 4
    lines = (place / "log").read_text().splitlines()
    for name in "abcd":
        assert [line for line in lines if line[0] == name] == [f"{name} {i:03}" for i in range(200)]


def test_a_private_map_reads_and_keeps_its_changes_to_itself(place):
    (place / "a").write_bytes(b"0123456789")
    with open(place / "a", "rb") as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as view:
        assert view[:] == b"0123456789"
        view[0:1] = b"x"
    assert (place / "a").read_bytes() == b"0123456789"


def test_a_shared_map_writes_to_the_file(place):
    (place / "a").write_bytes(b"." * 10_000)
    with open(place / "a", "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[0:5] = b"first"
        view[9_995:10_000] = b"final"
        view.flush()
        assert (place / "a").read_bytes() == b"first" + b"." * 9_990 + b"final"


def test_a_shared_map_of_a_file_opened_for_appending_writes_in_place(place):
    (place / "a").write_bytes(b"." * 4096)
    with open(place / "a", "a+b") as file, mmap.mmap(file.fileno(), 4096) as view:
        view[0:4] = b"head"
        view.flush()
    assert (place / "a").read_bytes() == b"head" + b"." * 4092


def test_what_one_process_writes_another_one_s_map_sees(place):
    (place / "a").write_bytes(b"." * 4096)
    with open(place / "a", "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        run([sys.executable, "-c", "import os,sys; fd=os.open(sys.argv[1],os.O_RDWR);"
             "os.pwrite(fd,b'there',7)", place / "a"])
        assert view[7:12] == b"there"


def test_an_unlinked_file_lives_until_it_is_closed(place):
    with open(place / "a", "w+b") as file:
        file.write(b"still here")
        file.flush()
        (place / "a").unlink()
        assert not (place / "a").exists()
        assert os.fstat(file.fileno()).st_nlink == 0
        file.write(b" and growing")
        file.seek(0)
        assert file.read() == b"still here and growing"
        os.ftruncate(file.fileno(), 5)
        assert os.fstat(file.fileno()).st_size == 5
        os.fchmod(file.fileno(), 0o600)
        assert os.fstat(file.fileno()).st_mode & 0o7777 == 0o600


def test_a_name_can_be_used_again_while_its_old_file_is_open(place):
    with open(place / "a", "w+b") as old:
        old.write(b"old")
        old.flush()
        (place / "a").unlink()
        (place / "a").write_bytes(b"new one")
        old.seek(0)
        assert old.read() == b"old"
        assert (place / "a").read_bytes() == b"new one"
        assert os.fstat(old.fileno()).st_ino != (place / "a").stat().st_ino


def test_create_with_excl_refuses_what_is_there(place):
    (place / "a").touch()
    assert error_of(os.open, place / "a", os.O_CREAT | os.O_EXCL | os.O_WRONLY) == "EEXIST"


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o400, 0o444, 0o600, 0o640, 0o755, 0o1777])
def test_a_file_is_created_with_its_mode_and_the_umask_of_the_process(place, mode):
    old = os.umask(0o027)
    try:
        fd = os.open(place / "a", os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
    finally:
        os.umask(old)
    os.write(fd, b"whoever opened it may write")
    os.close(fd)
    assert stat.S_IMODE((place / "a").stat().st_mode) == mode & ~0o027
    assert (place / "a").stat().st_size == 27


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444, 0o600, 0o777, 0o1644, 0o4755, 0o2755])
def test_chmod_sets_every_bit(place, mode):
    (place / "a").touch()
    os.chmod(place / "a", mode)
    assert stat.S_IMODE((place / "a").stat().st_mode) == mode


def test_chown_sets_owner_and_group_apart(place):
    (place / "a").touch()
    os.chown(place / "a", 1234, -1)
    assert (place / "a").stat().st_uid == 1234
    os.chown(place / "a", -1, 5678)
    status = (place / "a").stat()
    assert (status.st_uid, status.st_gid) == (1234, 5678)
    os.symlink("a", place / "link")
    os.lchown(place / "link", 11, 22)
    status = (place / "link").lstat()
    assert (status.st_uid, status.st_gid) == (11, 22)
    assert (place / "a").stat().st_uid == 1234


def test_chown_to_nobody_else_is_a_change_of_the_status(place):
    def changed():
        os.chown(place / "a", -1, -1)
        return (place / "a").stat().st_ctime_ns > before.st_ctime_ns
    (place / "a").touch()
    before = (place / "a").stat()
    until(changed, "a later ctime")
    assert (place / "a").stat().st_mtime_ns == before.st_mtime_ns


def test_times_are_kept_to_the_nanosecond(place):
    (place / "a").touch()
    os.symlink("a", place / "link")
    os.utime(place / "a", ns=(1_111_111_111_123_456_789, 2_222_222_222_987_654_321))
    status = (place / "a").stat()
    assert (status.st_atime_ns, status.st_mtime_ns) == (1_111_111_111_123_456_789,
                                                        2_222_222_222_987_654_321)
    os.utime(place / "link", ns=(3_000_000_000, 4_000_000_001), follow_symlinks=False)
    status = (place / "link").lstat()
    assert (status.st_atime_ns, status.st_mtime_ns) == (3_000_000_000, 4_000_000_001)
    assert (place / "a").stat().st_mtime_ns == 2_222_222_222_987_654_321


def test_touch_sets_the_present_time(place):
    (place / "a").touch()
    os.utime(place / "a", (0, 0))
    assert (place / "a").stat().st_mtime == 0
    before = time.time() - 1  # the kernel's clock for files goes by steps
    os.utime(place / "a")
    assert before < (place / "a").stat().st_mtime <= time.time()


def test_times_move_with_what_is_done(place):
    (place / "a").write_bytes(b"1")
    os.utime(place / "a", (0, 0))
    os.utime(place, (0, 0))
    (place / "a").write_bytes(b"2")
    assert (place / "a").stat().st_mtime > 1e9
    assert place.stat().st_mtime == 0
    (place / "b").touch()
    assert place.stat().st_mtime > 1e9


def test_a_symbolic_link_is_kept_as_it_was_given(place):
    long = "x/" * 2000 + "end"
    for target in ("a", "../somewhere/else", "/etc/hostname", "no such thing", long, "ä\n b"):
        os.symlink(target, place / "link")
        assert os.readlink(place / "link") == target
        assert (place / "link").lstat().st_size == len(os.fsencode(target))
        (place / "link").unlink()
    assert error_of(os.readlink, place) == "EINVAL"


def test_a_symbolic_link_leads_where_it_points(place):
    (place / "a").write_bytes(b"target")
    os.symlink("a", place / "link")
    assert (place / "link").read_bytes() == b"target"
    (place / "link").write_bytes(b"through it")
    assert (place / "a").read_bytes() == b"through it"
    assert error_of(os.open, place / "link", os.O_RDONLY | os.O_NOFOLLOW) == "ELOOP"
    os.symlink("loop", place / "loop")
    assert error_of(os.stat, place / "loop") == "ELOOP"


def test_a_file_opened_without_following_links_reads_and_writes(place):
    (place / "a").write_bytes(b"abc")
    fd = os.open(place / "a", os.O_RDWR | os.O_NOFOLLOW)
    assert os.read(fd, 10) == b"abc"
    assert os.write(fd, b"def") == 3
    os.close(fd)
    assert (place / "a").read_bytes() == b"abcdef"


def test_fsync_of_files_and_directories(place):
    with open(place / "a", "wb") as file:
        file.write(b"durable")
        file.flush()
        os.fsync(file.fileno())
        os.fdatasync(file.fileno())
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.fdatasync(fd)
    os.close(fd)


def fallocate(fd, mode, offset, length):
    return libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length))


def test_fallocate_extends_and_keeps_size_as_asked(place):
    keep_size, punch_hole = 1, 2
    with open(place / "a", "w+b") as file:
        os.posix_fallocate(file.fileno(), 0, 50_000)
        assert os.fstat(file.fileno()).st_size == 50_000
        file.write(b"x" * 50_000)
        file.flush()
        call(fallocate(file.fileno(), keep_size, 0, 90_000))
        assert os.fstat(file.fileno()).st_size == 50_000
        call(fallocate(file.fileno(), punch_hole | keep_size, 4096, 8192))
        file.seek(0)
        assert file.read() == b"x" * 4096 + b"\0" * 8192 + b"x" * (50_000 - 12_288)


def test_copy_file_range_copies_within_the_mount(place):
    data = os.urandom(300_000)
    (place / "from").write_bytes(data)
    source = os.open(place / "from", os.O_RDONLY)
    target = os.open(place / "to", os.O_WRONLY | os.O_CREAT, 0o644)
    done = 0
    while done < len(data):
        done += os.copy_file_range(source, target, len(data) - done)
    assert os.copy_file_range(source, target, 10) == 0
    assert os.copy_file_range(source, target, 100, 50, 10) == 100
    os.close(source)
    os.close(target)
    assert (place / "to").read_bytes() == data[:10] + data[50:150] + data[110:]


def test_seek_finds_data_and_holes(place):
    with open(place / "a", "w+b") as file:
        os.pwrite(file.fileno(), b"x" * 4096, 1 << 20)
        fd = file.fileno()
        assert os.lseek(fd, 0, os.SEEK_DATA) == 1 << 20
        assert os.lseek(fd, 0, os.SEEK_HOLE) == 0
        assert os.lseek(fd, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 4096
        assert error_of(os.lseek, fd, 2 << 20, os.SEEK_DATA) == "ENXIO"
        assert os.lseek(fd, 0, os.SEEK_END) == (1 << 20) + 4096


def test_a_file_may_be_larger_than_four_gigabytes(place):
    with open(place / "a", "w+b") as file:
        os.pwrite(file.fileno(), b"far", 5 << 30)
        assert os.fstat(file.fileno()).st_size == (5 << 30) + 3
        assert os.pread(file.fileno(), 10, 5 << 30) == b"far"
    run(["cp", "--sparse=always", place / "a", place / "b"])
    assert (place / "b").stat().st_size == (5 << 30) + 3


def hold(path, how):
    """A process that locks a file, says so, and keeps it until its input ends."""
    code = ("import fcntl,sys\nfile=open(sys.argv[1],'r+b')\n"
            f"fcntl.{how}\nprint('locked',flush=True)\nsys.stdin.read()\n")
    child = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "locked\n"
    return child


LOCKS = {
    "flock": ("flock(file, fcntl.LOCK_EX)",
              lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "fcntl": ("lockf(file, fcntl.LOCK_EX, 10, 5)",
              lambda file: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)),
}


@pytest.mark.parametrize("kind", sorted(LOCKS))
def test_locks_hold_between_processes(place, kind):
    held, attempt = LOCKS[kind]
    (place / "a").write_bytes(b"." * 100)
    child = hold(place / "a", held)
    with open(place / "a", "r+b") as file:
        assert error_of(attempt, file) in ("EAGAIN", "EACCES")
        child.communicate("", timeout=LIMIT)
        assert error_of(attempt, file) is None


def test_a_lock_ends_with_the_process_that_was_killed(place):
    (place / "a").touch()
    child = hold(place / "a", LOCKS["flock"][0])
    child.send_signal(signal.SIGKILL)
    child.wait(LIMIT)
    with open(place / "a", "r+b") as file:
        until(lambda: error_of(LOCKS["flock"][1], file) is None, "the lock")


def test_nameless_temporary_files_are_refused_so_that_programs_make_named_ones(place):
    assert error_of(os.open, place, os.O_TMPFILE | os.O_RDWR, 0o600) == "EOPNOTSUPP"
    run([sys.executable, "-c", "import tempfile,sys\n"
         "with tempfile.TemporaryFile(dir=sys.argv[1]) as f: f.write(b'x')", place])


def test_statfs_tells_the_numbers_of_the_store(shared, place):
    def numbers(path):
        status = os.statvfs(path)
        return (status.f_bsize, status.f_frsize, status.f_blocks, status.f_files, status.f_bavail,
                status.f_namemax)
    until(lambda: numbers(place) == numbers(shared.store), "the same numbers: others write, too")


def test_df_names_the_api_as_the_source(shared):
    line = run(["df", "--output=source,fstype", shared.path], text=True).stdout.splitlines()[1]
    assert line.split() == [shared.url, "fuse.easelfs"]


def test_an_inode_has_one_number_by_every_way_to_it(place):
    (place / "a").write_bytes(b"x")
    listed = {entry.name: entry.inode() for entry in os.scandir(place)}
    with open(place / "a", "rb") as file:
        assert listed["a"] == (place / "a").stat().st_ino == os.fstat(file.fileno()).st_ino
    (place / "a").rename(place / "b")
    assert (place / "b").stat().st_ino == listed["a"]


def test_the_errno_is_the_usual_one(place):
    (place / "file").touch()
    (place / "link").symlink_to("nowhere")
    table = [
        ("ENOENT", lambda: os.stat(place / "none")),
        ("ENOENT", lambda: os.open(place / "none", os.O_RDONLY)),
        ("ENOENT", lambda: os.unlink(place / "none")),
        ("ENOENT", lambda: os.rename(place / "none", place / "other")),
        ("ENOENT", lambda: os.open(place / "link", os.O_RDONLY)),
        ("ENOTDIR", lambda: os.stat(place / "file" / "below")),
        ("ENOTDIR", lambda: os.listdir(place / "file")),
        ("ENOTDIR", lambda: os.rmdir(place / "file")),
        ("EISDIR", lambda: os.open(place, os.O_WRONLY)),
        ("EISDIR", lambda: os.unlink(place)),
        ("EISDIR", lambda: os.truncate(place, 0)),
        ("EEXIST", lambda: os.mkdir(place / "file")),
        ("EEXIST", lambda: os.symlink("x", place / "file")),
        ("EINVAL", lambda: os.truncate(place / "file", -1)),
        ("ENAMETOOLONG", lambda: os.stat(place / ("n" * 256))),
        ("ENAMETOOLONG", lambda: os.mkdir(place / ("n" * 256))),
    ]
    assert [error_of(action) for _, action in table] == [name for name, _ in table]


@pytest.mark.parametrize("what", ["fifo", "char", "block", "socket"])
def test_devices_fifos_and_sockets_cannot_be_made(place, what):
    kinds = {"fifo": stat.S_IFIFO, "char": stat.S_IFCHR, "block": stat.S_IFBLK,
             "socket": stat.S_IFSOCK}
    assert error_of(os.mknod, place / "a", kinds[what] | 0o644, os.makedev(1, 3)) == "EPERM"
    assert not (place / "a").exists()


def test_mknod_makes_a_plain_file(place):
    os.mknod(place / "a", stat.S_IFREG | 0o640)
    assert stat.S_ISREG((place / "a").stat().st_mode)
    assert (place / "a").stat().st_size == 0


def test_hard_links_are_refused(place):
    (place / "a").touch()
    assert error_of(os.link, place / "a", place / "b") == "EPERM"
    assert (place / "a").stat().st_nlink == 1
