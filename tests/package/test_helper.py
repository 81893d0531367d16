# SPDX-License-Identifier: MIT
"""mount(8) finds easelfs by its two names, and gets the exit statuses that it knows."""

import os
import socket
import stat
import subprocess
import tempfile

import pytest

import harness
from harness import (BUILD, KEY, LIMIT, MODEL, STRANGER, call, environment, libc, mounted, run,
                     until)

MS_BIND = 4096
MNT_DETACH = 2
MOUNT_FAILED = 32


@pytest.fixture
def helpers(tmp_path):
    """/usr/sbin with the two links in it, in the mount namespace of the tests only."""
    place = tmp_path / "sbin"
    original = tmp_path / "original"
    place.mkdir()
    original.mkdir()
    call(libc.mount(b"/usr/sbin", bytes(original), None, MS_BIND, None))
    for name in os.listdir(original):
        (place / name).symlink_to(original / name)
    for name in ("mount.easelfs", "mount.fuse.easelfs"):
        (place / name).unlink(missing_ok=True)
        (place / name).symlink_to(BUILD / "src" / "easelfs")
    call(libc.mount(bytes(place), b"/usr/sbin", None, MS_BIND, None))
    yield
    call(libc.umount2(b"/usr/sbin", MNT_DETACH))
    call(libc.umount2(bytes(original), MNT_DETACH))


@pytest.fixture
def point(tmp_path):
    """A mountpoint; what is mounted on it at the end is unmounted, and its daemon's end awaited."""
    path = tmp_path / "point"
    path.mkdir()
    yield path
    if mounted(path):
        run(["umount", "--lazy", path])


@pytest.fixture
def options(tmp_path):
    """What -o has in all tests, with a few that are for others."""
    key = tmp_path / "key"
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o600)
    return (f"store={tmp_path / 'store'},api_key_file={key},settle=0,config=/dev/null,"
            "noauto,user,_netdev,nofail,x-systemd.automount,x-gvfs-show,comment=pictures")


def mount(*arguments, **named):
    named.setdefault("env", environment(HOME="/nonexistent"))
    return subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True,
                          text=True, timeout=LIMIT, **named)


def unmount(path, store):
    harness.unmount("umount", path)
    run(["flock", store / "lock", "true"])  # the daemon has let go of it


@pytest.mark.parametrize("kind", ["easelfs", "fuse.easelfs"])
def test_mount_mounts(kind, helpers, point, options, standin, tmp_path):
    done = mount("-t", kind, standin.url, point, "-o", options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    words = mounted(point)
    assert {"nosuid", "nodev"} <= set(words[5].split(","))
    assert words[-3:-1] == ["fuse.easelfs", standin.url]
    (point / MODEL / "prompt").write_text("one", encoding="utf-8")
    name = (point / MODEL / ".prompt.wait").read_text(encoding="utf-8").strip()
    assert (point / MODEL / name).stat().st_size > 0
    unmount(point, tmp_path / "store")
    assert standin.prompts() == ["one"]


def test_a_line_of_fstab(helpers, point, options, standin, tmp_path):
    """The whole of it stands in the file; the URL is in it, too."""
    fstab = tmp_path / "fstab"
    fstab.write_text(f"{standin.url} {point} easelfs {options},noatime 0 0\n", encoding="utf-8")
    done = mount("-T", fstab, point)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(os.listdir(point))[:2] == ["README.txt", "gemini-2.5-flash-image-preview"]
    unmount(point, tmp_path / "store")


@pytest.mark.parametrize("arguments,status,word", [
    (("-o", "settle=never"), 1, "settle"),
    (("-o", "bogus"), 1, "bogus"),
    (("-o", "api_key_file=/nonexistent/key"), MOUNT_FAILED, "/nonexistent/key"),
    (("-o", "config=/nonexistent/file"), MOUNT_FAILED, "/nonexistent/file"),
    (("-o", "setuid=nobody-of-that-name"), MOUNT_FAILED, "nobody-of-that-name"),
    (("-o", "setuid=nobody,settle=never"), 1, "settle"),
])
def test_what_fails_says_so(arguments, status, word, helpers, point, standin, tmp_path):
    done = mount("-t", "easelfs", standin.url, point, "-o",
                 f"store={tmp_path / 'store'},config=/dev/null", *arguments)
    assert done.returncode == status, done.stderr
    assert word in done.stderr
    assert not mounted(point)


def test_flags_of_mount(helpers, point, options, standin, tmp_path):
    """-s: unknown options are left out; -f: nothing is mounted, everything is looked at."""
    done = mount("-s", "-v", "-n", "-t", "easelfs", standin.url, point, "-o", f"{options},bogus")
    assert done.returncode == 0, done.stderr
    unmount(point, tmp_path / "store")
    helper = subprocess.run(["/usr/sbin/mount.easelfs", standin.url, point, "-f", "-o", options],
                            check=False, capture_output=True, text=True, timeout=LIMIT,
                            env=environment(HOME="/nonexistent"))
    assert helper.returncode == 0, helper.stderr
    assert not mounted(point)
    assert standin.requests() == []


def daemon_of(store):
    """The process that holds the store."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            open_files = [os.readlink(f"/proc/{name}/fd/{fd}")
                          for fd in os.listdir(f"/proc/{name}/fd")]
        except OSError:
            continue
        if str(store / "lock") in open_files:
            return int(name)
    return None


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines)


@pytest.fixture
def public(tmp_path):
    """A place that every user may reach."""
    for path in [tmp_path, *tmp_path.parents][:4]:
        if not path.stat().st_mode & stat.S_IXOTH:
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    return tmp_path


def test_another_user_serves(helpers, point, options, standin, public):
    """setuid=: mounted by root, served by a user without any right, and open to others."""
    store = public / "store"
    store.mkdir(mode=0o700)
    os.chown(store, 65534, 65534)
    os.chown(public / "key", 65534, 65534)
    done = mount("-t", "easelfs", standin.url, point, "-o",
                 f"{options},setuid=nobody,suid,dev,exec")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    words = mounted(point)
    assert {"nosuid", "nodev", "noexec"} <= set(words[5].split(","))
    assert {"allow_other", "default_permissions", "user_id=65534"} <= set(words[-1].split(","))
    assert words[-3:-1] == ["fuse.easelfs", standin.url]
    status = status_of(until(lambda: daemon_of(store), "the daemon"))
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
    assert status["Groups"].split() in ([], ["65534"])
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert os.listdir(point)
    unmount(point, store)


@pytest.fixture
def device():
    """A /dev/fuse that every user may open, as udev makes it."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm", delete=False) as node:
        pass
    os.unlink(node.name)
    os.mknod(node.name, stat.S_IFCHR | 0o666, os.stat("/dev/fuse").st_rdev)
    os.chmod(node.name, 0o666)
    call(libc.mount(os.fsencode(node.name), b"/dev/fuse", None, MS_BIND, None))
    yield
    call(libc.umount2(b"/dev/fuse", MNT_DETACH))
    os.unlink(node.name)


def test_the_service_never_is_root(helpers, device, point, options, standin, public):
    """As easelfs@.service starts it: another user with two capabilities, which are then gone."""
    store = public / "store"
    for path in (store, public / "home"):
        path.mkdir(mode=0o700)
        os.chown(path, 65534, 65534)
    os.chown(public / "key", 65534, 65534)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(public / "notify"))
        os.chmod(public / "notify", 0o666)
        manager.settimeout(LIMIT)
        daemon = subprocess.Popen(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
             "--bounding-set=-all,+sys_admin,+setpcap", "--inh-caps=-all,+sys_admin,+setpcap",
             "--ambient-caps=-all,+sys_admin,+setpcap", "/usr/sbin/mount.easelfs", standin.url,
             point, "-o", f"{options},foreground,drop_privileges"], stderr=subprocess.PIPE,
            text=True, env=environment(HOME=str(public / "home"),
                                       NOTIFY_SOCKET=str(public / "notify")))
        assert manager.recv(4096).decode() == f"READY=1\nSTATUS=mounted on {point}\n"
        status = status_of(daemon.pid)  # what systemd started has become the daemon
        assert set(status["Uid"].split()) == {"65534"}
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
            "0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert {"nosuid", "nodev", "noexec"} <= set(mounted(point)[5].split(","))
        assert os.listdir(point)
        run(["umount", "--lazy", point])  # ExecStop
        assert daemon.wait(LIMIT) == 0, daemon.stderr.read()
        assert manager.recv(4096).decode().startswith("STOPPING=1\n")
    daemon.stderr.close()


def test_a_daemon_that_does_not_start_leaves_no_mount(helpers, point, options, standin, public):
    (public / "store").mkdir(mode=0o700)  # root's: it cannot be used by whom it is meant for
    done = mount("-t", "easelfs", standin.url, point, "-o", f"{options},setuid=nobody")
    assert done.returncode == MOUNT_FAILED
    assert "store" in done.stderr or "key" in done.stderr
    assert not mounted(point)
    assert not os.listdir(point)


def test_only_root_mounts_for_another(point, options, standin):
    done = subprocess.run(
        ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups",
         "bash", "-c", 'exec -a mount.easelfs "$0" "$@"', BUILD / "src" / "easelfs", standin.url,
         point, "-o", "setuid=nobody"], check=False, capture_output=True, text=True, timeout=LIMIT,
        env=environment(HOME="/nonexistent"))
    assert done.returncode == MOUNT_FAILED
    assert done.stderr == "easelfs: setuid: only root can mount for another user.\n"
    assert not mounted(point)
