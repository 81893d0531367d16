# SPDX-License-Identifier: MIT
"""A mount that mount.fuse3 makes and hands over to a user without privileges; and the options that
every mount has, whoever makes it."""

import ctypes
import os
import pwd
import signal
import subprocess

import pytest

from harness import (BUILD, LIMIT, MODEL, Watch, as_user as be, call, descriptors_of, environment,
                     error_of, libc, mounted, run, serves, unmount, until)
from shared_users import ALICE, BOB, ENDLESS, NOBODY, HandedMount, let_in, owner_of

MS_BIND = 4096
ROOT_HOME = pwd.getpwuid(0).pw_dir  # that others cannot enter

SLOW = f"{ENDLESS} slow"


@pytest.fixture
def hand_over(tmp_path, standin):
    mounts = []

    def make(*options, directory=tmp_path, kind=HandedMount, **named):
        let_in(directory)
        mount = kind(directory, standin.url, *options, **named)
        mounts.append(mount)
        return mount
    yield make
    for mount in mounts:
        mount.close()


def flags(path):
    return set(mounted(path)[5].split(","))


def look(mount, *users):
    for user in users:
        be(user, lambda: os.listdir(mount.path / MODEL / "me"))


# --- what every mount has

@pytest.mark.parametrize("options", [(), ("-osuid,dev,exec",), ("-oallow_other",),
                                     ("-oshared,suid,dev,exec",)])
def test_every_mount_of_ours_is_restricted(make_mount, standin, options):
    mount = make_mount(standin.url, *options)
    assert {"nosuid", "nodev", "noexec"} <= flags(mount.path)
    assert "default_permissions" in mounted(mount.path)[-1].split(",")
    mount.unmount()


def test_a_user_s_mount_is_restricted_too(make_mount, standin, tmp_path):
    let_in(tmp_path)
    mount = make_mount(standin.url, path=tmp_path / "mnt", user=NOBODY.pw_uid,
                       store=be(0, lambda: own_store(tmp_path)))
    assert {"nosuid", "nodev", "noexec"} <= flags(mount.path)
    mount.unmount()


def own_store(directory):
    store = directory / "own"
    store.mkdir()
    os.chown(store, NOBODY.pw_uid, NOBODY.pw_uid)
    return store


@pytest.fixture
def in_path(tmp_path):
    """The program where mount.fuse3 looks for it, with the name that users know."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "easelfs").symlink_to(BUILD / "src" / "easelfs")
    call(libc.mount(os.fsencode(folder), b"/usr/local/bin", None, ctypes.c_ulong(MS_BIND), None))
    yield environment(HOME=ROOT_HOME)
    run(["umount", "/usr/local/bin"])


@pytest.mark.parametrize("helper", ["mount", "mount.fuse3"])
@pytest.mark.parametrize("shared", ["multiuser,", ""])
def test_mount_and_mount_fuse3_give_it_no_more(tmp_path, standin, in_path, helper, shared):
    """They add `dev,suid` by themselves; and `shared` mount(8) takes for itself."""
    let_in(tmp_path)
    path = tmp_path / "mnt"
    path.mkdir()
    (tmp_path / "key").write_text("x\n", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    options = (f"{shared}rw,dev,suid,exec,_netdev,nofail,x-systemd.automount,"
               f"store={tmp_path / 'store'},api_key_file={tmp_path / 'key'}")
    command = (["mount", "-t", "fuse.easelfs", standin.url, path, "-o", options]
               if helper == "mount" else
               ["mount.fuse3", f"easelfs#{standin.url}", path, "-o", options])
    run(command, env=in_path)
    try:
        words = mounted(path)
        assert {"nosuid", "nodev", "noexec"} <= set(words[5].split(","))
        supers = set(words[-1].split(","))
        assert "default_permissions" in supers
        assert ("allow_other" in supers) == bool(shared)
        assert words[words.index("-") + 1] == "fuse.easelfs"
        script = path / MODEL / ("root" if shared else "") / "script"
        os.listdir(path / MODEL)
        (path / MODEL / "me" if shared else path).stat()
        script.write_text("#!/bin/sh\n", encoding="utf-8")
        script.chmod(0o6755)
        assert error_of(os.execv, script, ["script"]) == "EACCES"
    finally:
        unmount("umount", path)
    until(lambda: not serves(path), "the end")


# --- handed over

@pytest.mark.parametrize("given,missing", [
    ("rw", "nosuid,nodev,noexec,default_permissions,allow_other"),
    ("allow_other", "nosuid,nodev,noexec,default_permissions"),
    ("allow_other,default_permissions", "nosuid,nodev,noexec"),
    ("allow_other,nosuid,nodev,noexec", "default_permissions"),
    ("default_permissions,nosuid,nodev,noexec", "allow_other"),
    ("allow_other,default_permissions,nosuid,nodev", "noexec"),
])
def test_a_mount_that_lacks_an_option_is_refused(tmp_path, standin, given, missing):
    """Nobody but who made it can give it that; and without, somebody might do everything."""
    class Lacking(HandedMount):
        mount_options = given

        def start(self):
            self.done = subprocess.run(self.command(), capture_output=True, text=True, check=False,
                                       timeout=LIMIT, env=environment(HOME=ROOT_HOME))

    mount = Lacking(tmp_path, standin.url)
    try:
        assert mount.done.returncode == 1
        assert mount.done.stderr == (
            f"easelfs: {mount.path} was mounted without {missing}.\n"
            "easelfs: Unmount it, and add these to the options of mount.fuse3.\n")
        expected = "ENOTCONN" if "allow_other" in given else "EACCES"
        until(lambda: error_of(os.listdir, mount.path) == expected, expected)
    finally:
        unmount("umount", mount.path)


def test_the_daemon_has_no_privilege(hand_over):
    mount = hand_over()
    with open(f"/proc/{mount.daemon()}/status", encoding="utf-8") as lines:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    assert status["Uid"].split() == [str(NOBODY.pw_uid)] * 4
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        "0" * 16}
    assert status["NoNewPrivs"] == "1"
    mount.unmount()


def test_unmounting_waits_for_what_is_under_way(hand_over, standin):
    mount = hand_over()
    look(mount, ALICE)
    assert mount.do(ALICE, f"open('prompt', 'w').write('{SLOW}')") == [None]
    standin.await_requests(1)
    unmount("umount", mount.path)
    assert mount.process.poll() is None
    standin.let_go()
    mount.join()
    assert mount.unfinished() == [] and mount.staged() == []
    assert (mount.store_of(ALICE) / "0001.jpg").exists()
    mount.start()
    assert owner_of(mount.home(ALICE) / "0001.jpg") == (ALICE, ALICE)
    assert len(standin.requests()) == 1
    mount.unmount()


def test_a_signal_ends_it_and_nobody_hangs(hand_over, standin):
    """It cannot unmount: but all that is asked of the mount fails at once, while it still drains."""
    mount = hand_over()
    look(mount, ALICE)
    assert mount.do(ALICE, f"open('prompt', 'w').write('{SLOW}')") == [None]
    standin.await_requests(1)
    reader = subprocess.Popen(["cat", mount.home(ALICE) / ".wait"], stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL)
    until(lambda: ".wait" in opened(reader.pid), "a reader")
    os.kill(mount.daemon(), signal.SIGTERM)
    until(lambda: error_of(os.statvfs, mount.path) in ("ENOTCONN", "ECONNABORTED"), "its end")
    assert mount.process.poll() is None  # it waits for the answer
    assert reader.wait(LIMIT) != 0
    standin.let_go()
    assert mount.process.wait(LIMIT) == 0, mount.log_text()
    unmount("umount", mount.path)
    assert (mount.store_of(ALICE) / "0001.jpg").exists()
    assert mount.unfinished() == [] and len(standin.requests()) == 1


def test_in_the_background_it_is_ready_when_the_command_returns(tmp_path, standin):
    class Background(HandedMount):
        def start(self):
            self.done = subprocess.run(self.command(), capture_output=True, text=True, check=False,
                                       timeout=LIMIT, env=environment(HOME=ROOT_HOME))

    mount = Background(tmp_path, standin.url)
    try:
        assert (mount.done.returncode, mount.done.stderr) == (0, "")
        look(mount, ALICE)
        home = mount.home(ALICE)
        with Watch(home, mask=Watch.MOVED_TO) as watch:
            assert mount.do(ALICE, "open('prompt', 'w').write('a cat')") == [None]
            assert watch.next()[1] == "0001.jpg"
        assert mount.wait(directory=home) == (["0001.jpg"], False)
        until(lambda: not any(holds(pid, home) for pid in os.listdir("/proc") if pid.isdigit()),
              "nobody who has something of it open")
    finally:
        unmount("umount", mount.path)
    lock = mount.store / "lock"
    until(lambda: subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0,
          "the daemon's end")


def opened(pid):
    """The names of what a process has open."""
    return [os.path.basename(path) for path in descriptors_of(pid).values()]


def holds(pid, home):
    """Whether a process has something of the mount open, which would keep it busy."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}").startswith(str(home))
                   for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def test_two_at_once_do_not_meddle_with_one_another(hand_over, standin, tmp_path):
    """Each publishes through its own mount, of the two that one user has."""
    first = hand_over()
    (tmp_path / "second").mkdir()
    second = hand_over(directory=tmp_path / "second")
    for mount in (first, second):
        look(mount, ALICE)
        home = mount.home(ALICE)
        with Watch(home, mask=Watch.MOVED_TO) as watch:
            assert mount.do(ALICE, "open('prompt', 'w').write('a cat')") == [None]
            assert watch.next()[1] == "0001.jpg"
        assert mount.wait(directory=home) == (["0001.jpg"], False)
    assert len(standin.requests()) == 2
    second.unmount()
    first.unmount()


def test_a_private_mount_can_be_handed_over_too(tmp_path, standin):
    """For one user: who starts it as that user, and nobody else, not even root, gets in."""
    class Private(HandedMount):
        mount_options = "default_permissions,nosuid,nodev,noexec"

        def __init__(self, directory, url):
            let_in(directory)
            super().__init__(directory, url)

        def command(self, *more):
            return [word.replace("shared,", "") for word in super().command(*more)]

        def is_ready(self):
            return f"mounted on {self.path}" in self.log_text()

    mount = Private(tmp_path, standin.url)
    top = mount.path / MODEL
    try:
        assert error_of(os.listdir, mount.path) == "EACCES"
        be(NOBODY.pw_uid, lambda: (top / "prompt").write_text("a cat"))
        assert be(NOBODY.pw_uid, lambda: (top / ".prompt.wait").read_text()) == "0001.jpg\n"
        assert be(ALICE, lambda: error_of(os.listdir, mount.path)) == "EACCES"
    finally:
        mount.unmount()


def test_its_descriptor_reaches_no_child(hand_over):
    """Else the stand-in of --demo would keep a dead mount alive."""
    mount = hand_over()
    daemon = mount.daemon()
    fuse = [fd for fd, what in descriptors_of(daemon).items() if what == "/dev/fuse"]
    assert len(fuse) == 1
    with open(f"/proc/{daemon}/fdinfo/{fuse[0]}", encoding="utf-8") as lines:
        opened = next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
    assert opened & os.O_CLOEXEC
    mount.unmount()


# --- configuration

def print_config(*options, **named):
    done = subprocess.run([BUILD / "src" / "easelfs", "--config=/dev/null", "--print-config",
                           *options], capture_output=True, text=True, check=False,
                          env=environment(HOME="/home/me"), timeout=LIMIT, **named)
    return done.returncode, dict(line.split(" = ", 1) for line in done.stdout.splitlines()
                                 if " = " in line), done.stderr


def test_the_configuration_in_force_is_printed():
    status, config, _ = print_config("-o", "shared,dev,suid,exec,rw")
    assert status == 0
    assert (config["shared"], config["store"], config["fuse_options"]) == (
        "yes", "/var/lib/easelfs", "rw,allow_other")
    assert print_config("-o", "allow_other")[1]["store"] == "/home/me/.local/share/easelfs"


@pytest.mark.parametrize("option", ["no_default_permissions", "nodefault_permissions",
                                    "default_permissions=0"])
def test_that_the_kernel_checks_cannot_be_switched_off(option):
    status, _, text = print_config("-o", f"allow_other,{option}")
    assert status == 2
    assert text.startswith(f'easelfs: -o: "{option}": the kernel always checks permissions; that '
                           "cannot be switched off.")


def test_what_is_in_a_home_of_another_s_is_left_aside(tmp_path):
    """mount.fuse3 leaves $HOME at root's."""
    let_in(tmp_path)
    home = tmp_path / "home"
    (home / ".config" / "easelfs").mkdir(parents=True)
    (home / ".config" / "easelfs" / "easelfs.conf").write_text("no such line", encoding="utf-8")
    home.chmod(0o700)
    done = subprocess.run([BUILD / "src" / "easelfs", "-o", "shared", "--print-config"],
                          capture_output=True, text=True, check=False, timeout=LIMIT,
                          env=environment(HOME=str(home)), user=BOB, group=BOB, extra_groups=[])
    assert done.returncode == 0, done.stderr
    assert "store = /var/lib/easelfs\n" in done.stdout
