# SPDX-License-Identifier: MIT
"""The daemon's life as others see it: what the service manager is told, one daemon for a store, and
what a dead one leaves."""

import os
import re
import socket
import subprocess

import pytest

from harness import BUILD, KEY, LIMIT, environment, mounted, run, serves, until


def start(mount, *options, path=None):
    """A second daemon with the options of the mount's; it has to give up."""
    return run([BUILD / "src" / "easelfs", "-f", *mount.options, *options, mount.url,
                str(path or mount.path)], check=False, stdin=subprocess.DEVNULL, timeout=LIMIT,
               env=environment(HOME=str(mount.log.parent)))


# --- the service manager

@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(make_mount, standin, tmp_path, monkeypatch, abstract):
    name = f"@easelfs-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1))
        manager.settimeout(LIMIT)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        mount = make_mount(standin.url, "-odrain=100")
        assert manager.recv(4096).decode() == f"READY=1\nSTATUS=mounted on {mount.path}\n"
        with open(f"/proc/{mount.process.pid}/environ", "rb") as environ:
            inherited = environ.read()
        assert b"NOTIFY_SOCKET" in inherited  # so it was given, and not just absent
        mount.terminate()
        assert manager.recv(4096).decode() == (
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=130000000\n"
            "STATUS=Waiting for the answers to what was sent\n")
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "@", "/" + "x" * 200])
def test_a_service_manager_that_is_not_there_is_no_matter(make_mount, standin, monkeypatch, name):
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    mount = make_mount(standin.url)
    assert mount.generate("A cat") == ["0001.jpg"]
    mount.terminate()


# --- in the background

@pytest.mark.parametrize("demo", [False, True])
def test_who_reads_what_it_prints_to_the_end_is_not_kept(demo, standin, tmp_path):
    """The start ends, and with it its output: no thread or child of the daemon holds on to that."""
    point = tmp_path / "point"
    point.mkdir()
    try:
        done = run([BUILD / "src" / "easelfs", "-ostore=store,config=/dev/null",
                    "--demo" if demo else standin.url, "point"], cwd=tmp_path, check=False,
                   env=environment(HOME=str(tmp_path), EASELFS_API_KEY=KEY))
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert serves(point)
    finally:
        run(["umount", "--lazy", point], check=False)
    run(["flock", tmp_path / "store" / "lock", "true"])


# --- one daemon for a store

def test_the_second_says_who_has_the_store(mount, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    done = start(mount, path=other)
    assert done.returncode == 5
    assert re.fullmatch(
        rf"easelfs: The store {re.escape(str(mount.store))} is in use by process "
        rf"{mount.process.pid} on \S+ since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\.\n",
        done.stderr.decode())
    assert not mounted(other)
    assert mount.generate("A cat") == ["0001.jpg"]


def test_of_fifty_at_once_one_runs_and_the_others_say_why_not(mount, tmp_path):
    mount.unmount()
    paths = [tmp_path / f"m{i}" for i in range(50)]
    for path in paths:
        path.mkdir()
    command = [BUILD / "src" / "easelfs", "-f", *mount.options, mount.url]
    daemons = [subprocess.Popen([*command, path], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                env=environment(HOME=str(tmp_path))) for path in paths]
    until(lambda: sum(d.poll() is not None for d in daemons) == 49, "49 that give up", 3 * LIMIT)
    (winner,) = [d for d in daemons if d.poll() is None]
    for daemon in daemons:
        if daemon is not winner:
            assert daemon.returncode == 5
            assert b"is in use by " in daemon.stderr.read()
    path = paths[daemons.index(winner)]
    until(lambda: serves(path), "the winner's mount")
    assert sum(bool(mounted(p)) for p in paths) == 1
    winner.terminate()
    winner.communicate(timeout=LIMIT)
    assert winner.returncode == 0


# --- what a dead one leaves

def test_a_dead_daemon_s_mountpoint_is_cleaned(mount):
    for number in range(1, 4):
        mount.process.kill()
        mount.process.wait()
        assert mounted(mount.path) and not serves(mount.path)
        mount.start()
        assert mount.generate("A cat") == [f"{number:04}.jpg"]
    mount.unmount()
    assert not mounted(mount.path)

