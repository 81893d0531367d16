# SPDX-License-Identifier: MIT
"""What the daemon at work has given up, seen from outside; that everything works all the same; and
that the mount goes away with it. What a hardened process cannot do is in tests/unit/test_harden.c.
"""

import contextlib
import ctypes
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from harness import (BUILD, KEY, NOBODY, SANITIZED, as_user, children, environment, error_of,
                     libc, mounted, run, until)

# CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID: files in the mount belong to who made them.
ROOTS = 0x1f
PTRACE_ATTACH = 16


def status_of(pid):
    """The lines of /proc/PID/status about privileges."""
    lines = dict(line.split(":\t", 1) for line in
                 Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
                 if ":\t" in line)
    found = {name: int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    found["NoNewPrivs"] = int(lines["NoNewPrivs"])
    found["Seccomp"] = int(lines["Seccomp"])
    return found


def name_of(pid):
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def threads(pid):
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))


def all_of(mount):
    """The same for each thread of the daemon. A sanitizer's own was there before."""
    found = []
    for thread in threads(mount.process.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            found.append(status_of(f"{mount.process.pid}/task/{thread}"))
    return [status for status in found if status["Seccomp"]] if SANITIZED else found


def test_a_daemon_of_root_keeps_what_it_gives_files_away_with(mount):
    mount.generate("A cat")
    found = all_of(mount)
    assert len(found) > 8
    for status in found:
        assert status == {"CapInh": 0, "CapPrm": ROOTS, "CapEff": ROOTS, "CapAmb": 0,
                          "NoNewPrivs": 1, "Seccomp": 2}


def test_a_daemon_of_a_user_keeps_nothing(own):
    as_user(NOBODY, lambda: own.generate("A cat"))
    found = all_of(own)
    assert len(found) > 8
    for status in found:
        assert status == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0,
                          "NoNewPrivs": 1, "Seccomp": 2}


@pytest.mark.parametrize("option,changed", [
    ("no_landlock", {}),
    ("no_seccomp", {"Seccomp": 0}),
    ("keep_privileges", {"NoNewPrivs": 0}),
    ("debuggable", {}),
])
def test_each_part_can_be_left_out(make_mount, standin, option, changed):
    mount = make_mount(standin.url, f"-o{option}")
    assert mount.generate("A cat") == ["0001.jpg"]
    status = status_of(mount.process.pid)
    assert {name: status[name] for name in ("NoNewPrivs", "Seccomp")} == {
        "NoNewPrivs": 1, "Seccomp": 2} | changed
    assert (status["CapEff"] == ROOTS) == (option != "keep_privileges")
    mount.terminate()


def test_check_tells_of_it(standin, tmp_path):
    done = run([BUILD / "src" / "easelfs", "--check", f"-ostore={tmp_path / 'store'}",
                "-ono_seccomp", standin.url],
               env=environment(HOME=str(tmp_path), EASELFS_API_KEY=KEY))
    told = [line for line in done.stdout.decode().splitlines() if line.startswith("sandbox")]
    assert told[:2] == ["sandbox  core dumps and debuggers: refused",
                        "sandbox  privileges: given up"]
    assert re.fullmatch(r"sandbox  files: (confined \(Landlock \d+\)|not confined, .*)", told[2])
    assert told[3:] == ["sandbox  system calls: not filtered (no_seccomp)"]


# --- memory

def test_nobody_looks_into_the_process(own):
    """What another process of the same user finds. Root may: the tests do."""
    pid = own.process.pid

    def look():
        attached = libc.ptrace(ctypes.c_long(PTRACE_ATTACH), pid, None, None)
        number = ctypes.get_errno()
        found = {name: error_of(Path(f"/proc/{pid}/{name}").read_bytes)
                 for name in ("environ", "maps", "mem", "auxv", "stack")}
        return found, error_of(os.listdir, f"/proc/{pid}/fd"), (attached, number)

    found, descriptors, (attached, number) = as_user(NOBODY, look)
    assert set(found.values()) == {"EACCES"} or (found.pop("stack") == "EPERM" and
                                                 set(found.values()) == {"EACCES"})
    assert (descriptors, attached, number) == ("EACCES", -1, 1)


def test_it_leaves_no_core(mount, tmp_path):
    limits = Path(f"/proc/{mount.process.pid}/limits").read_text(encoding="utf-8")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
    mount.process.send_signal(signal.SIGABRT)
    assert mount.process.wait() == -signal.SIGABRT
    mount.kill()
    assert not list(tmp_path.rglob("core*"))


def key_places(pid):
    """Where in the memory of a process the key is: (flags of the mapping, whether it is named)."""
    found = []
    maps = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8")
    areas = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)\n"
                       r"(?:[A-Z]\w+: .*\n)*?VmFlags: (.*)$", maps, re.M)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, last, access, name, flags in areas:
            if "r" not in access or name in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                continue
            start = int(first, 16)
            try:
                memory.seek(start)
                content = memory.read(int(last, 16) - start)
            except OSError:  # a device's
                continue
            found += [(first, name, set(flags.split()))] * content.count(KEY.encode())
    return found


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory as it was")
@pytest.mark.parametrize("auth", ["bearer", "goog"])
def test_the_key_is_in_its_own_memory_only(make_mount, standin, auth):
    """While nothing is under way: a call has it in the request that it sends."""
    mount = make_mount(standin.url, f"-oauth={auth}")
    for number in range(20):
        (mount.top / f"{number}.prompt").write_text("A cat [[standin: form=url]]")
    mount.settled()

    def places_left():  # a call is over before its memory is wiped
        found = key_places(mount.process.pid)
        return found if len(found) == 3 else None  # as it is, and in both header lines

    places = until(places_left, "the key in its own memory only")
    assert len({first for first, *_ in places}) == 1
    for _, name, flags in places:
        assert name == ""
        assert {"dd", "dc"} <= flags  # not dumped, not inherited
    for child in children(mount.process.pid):
        assert not key_places(child)


# --- the mount goes away, though the daemon may not unmount any more

def test_a_signal_unmounts_a_users_mount(own):
    assert as_user(NOBODY, lambda: own.generate("A cat")) == ["0001.jpg"]
    own.terminate()
    assert not mounted(own.path)


def test_a_signal_unmounts_a_users_mount_that_is_in_use(own):
    """What is open then fails; the name is free."""
    with subprocess.Popen(["sh", "-c", "cd mnt && exec 3< README.txt && echo in && read x"],
                          cwd=own.path.parent, user=NOBODY, group=NOBODY, extra_groups=[],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout.readline() == b"in\n"
        own.terminate()
        assert not mounted(own.path)
        user.communicate(b"\n")
        assert user.returncode == 0
    assert "failed to unmount" not in own.log_text()


def test_a_signal_unmounts_roots_mount_that_is_in_use(make_mount, standin):
    mount = make_mount(standin.url)
    with open(mount.path / "README.txt", "rb"):
        mount.terminate()
        assert not mounted(mount.path)
    assert "failed to unmount" not in mount.log_text()


def test_without_its_keeper_the_daemon_serves_and_ends(make_mount, standin):
    """The name then stays taken, as after a crash, and the next daemon clears it."""
    mount = make_mount(standin.url)
    keeper, = children(mount.process.pid)
    until(lambda: name_of(keeper) == "easelfs-keeper", "the keeper's name")
    os.kill(keeper, signal.SIGKILL)
    assert mount.generate("A cat") == ["0001.jpg"]
    mount.process.send_signal(signal.SIGTERM)
    assert mount.process.wait() == 0
    mount.start()
    assert (mount.top / "0001.jpg").exists()
    mount.unmount()


def test_the_keeper_has_nothing_and_ends_with_the_daemon(make_mount, standin):
    mount = make_mount(standin.url)
    keeper, = children(mount.process.pid)
    until(lambda: set(os.listdir(f"/proc/{keeper}/fd")) == {"0", "1", "2", "3"} and
          os.readlink(f"/proc/{keeper}/cwd") == "/", "a keeper that has let go of all")
    links = {name: os.readlink(f"/proc/{keeper}/fd/{name}") for name in "0123"}
    assert [links[name] for name in "012"] == ["/dev/null"] * 3
    assert links["3"].startswith("socket:")
    mount.kill()
    until(lambda: not os.path.exists(f"/proc/{keeper}"), "the keeper's end")


def test_a_killed_writer_is_told_from_others(own, standin):
    """Which the daemon cannot see by itself: Landlock hides it."""
    def work():
        done = run("exec > killed.prompt; echo a cat; kill -INT $$; sleep 9", cwd=own.top,
                   check=False)
        (own.top / "whole.prompt").write_text("A dog")
        return done.returncode, own.wait()
    assert as_user(NOBODY, work) == (-signal.SIGINT, (["whole.jpg"], False))
    assert standin.prompts() == ["A dog"]


def test_files_of_several_owners(make_mount, standin, tmp_path):
    """With five capabilities root's daemon does what it did with all."""
    for path in (tmp_path, *tmp_path.parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    mount = make_mount(standin.url, "-oallow_other", path=tmp_path / "mnt")
    place = mount.top / "place"
    place.mkdir()
    os.chown(place, NOBODY, NOBODY)

    def work():
        (place / "prompt").write_text("A cat")
        outcome = mount.wait(directory=place)
        (place / "note").write_text("mine")
        (place / "note").chmod(0o2700)
        (place / "note").rename(place / "again")
        return outcome
    assert as_user(NOBODY, work) == ((["0001.jpg"], False))
    status = (place / "again").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY, 0o2700)
    mount.terminate()


def test_in_the_background(standin, tmp_path):
    """All of it holds for who stays behind when easelfs has said that it is ready."""
    mountpoint = tmp_path / "mnt"
    mountpoint.mkdir()
    run([BUILD / "src" / "easelfs", f"-ostore={tmp_path / 'store'}", standin.url, mountpoint],
        env=environment(HOME=str(tmp_path), EASELFS_API_KEY=KEY))

    def daemon_and_keeper():
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if str(mountpoint).encode() in (path / "cmdline").read_bytes().split(b"\0"):
                    found[name_of(path.name) == "easelfs-keeper"] = int(path.name)
        return (found[False], found[True]) if len(found) == 2 else None

    daemon, keeper = until(daemon_and_keeper, "the daemon and its keeper")
    try:
        assert status_of(daemon)["Seccomp"] == 2
        for pid in (daemon, keeper):
            assert KEY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        if not SANITIZED:
            assert {first for first, *_ in key_places(daemon)}
            assert not key_places(keeper)
    finally:
        os.kill(daemon, signal.SIGTERM)
        until(lambda: not mounted(mountpoint), "the unmount")
        until(lambda: not os.path.exists(f"/proc/{daemon}"), "the daemon's end")

