# SPDX-License-Identifier: MIT
"""Fixtures of the mount tests.

The tests run in a mount namespace of their own: whatever happens to them, nothing stays mounted.
Each has a hard limit: then the stacks are written out, and the mounts are cut off, so that even
what hangs in the kernel goes on, and fails.
"""

import contextlib
import ctypes
import faulthandler
import os
import shutil
import signal
import stat
import sys
import tempfile
import threading
from pathlib import Path

import pytest

import harness
from harness import FUSECTL, LIMIT, NOBODY, Mount, Standin, call, libc

CLONE_NEWNS = 0x20000
MS_BIND = 4096
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
HARD_LIMIT = 4 * LIMIT

alive = []  # the mounts of the test that runs, for the watchdog


def enter_namespace():
    call(libc.unshare(CLONE_NEWNS), "unshare: the mount tests have to run as root")
    call(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        theirs = [line.split()[4] for line in lines if " - fuse.easelfs " in line]
    for path in theirs:  # a copy of somebody's mount would keep it alive after he has unmounted it
        libc.umount2(os.fsencode(path), MNT_DETACH)
    if not harness.mounted(FUSECTL):
        call(libc.mount(b"fusectl", bytes(FUSECTL), b"fusectl", ctypes.c_ulong(0), None))


def take_signals():
    """As a program started from a terminal: what is begun in the background ignores some."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_configure(config):
    if not config.pluginmanager.hasplugin("timeout"):
        raise pytest.UsageError("the mount tests need python3-pytest-timeout")
    if not getattr(harness, "in_namespace", False):
        take_signals()
        enter_namespace()
        harness.in_namespace = True


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HARD_LIMIT + 30, method="signal"))


def bite(name):
    print(f"\n{name}: took too long", file=sys.stderr)
    faulthandler.dump_traceback(sys.__stderr__)
    for mount in alive:
        print(mount.log_text()[-4000:], file=sys.stderr)
        mount.abort()


@pytest.fixture(autouse=True)
def watchdog(request):
    """Cuts the mounts off after the hard limit: a signal does not reach who hangs in the kernel."""
    timer = threading.Timer(HARD_LIMIT, bite, [request.node.name])
    timer.start()
    yield
    timer.cancel()


@contextlib.contextmanager
def standins(directory):
    with contextlib.ExitStack() as stack:
        def make(*options, **named):
            standin = Standin(directory, *options, **named)
            stack.callback(standin.stop)
            return standin
        yield make


@contextlib.contextmanager
def mounts(directory):
    with contextlib.ExitStack() as stack:
        def make(url, *options, **named):
            mount = Mount(directory, url, *options, **named)
            alive.append(mount)
            stack.callback(alive.remove, mount)
            stack.callback(mount.close)
            return mount
        yield make


@pytest.fixture
def make_standin(tmp_path):
    """Start a stand-in with options; it is stopped at the end of the test."""
    with standins(tmp_path) as make:
        yield make


@pytest.fixture
def make_mount(tmp_path, make_standin):
    """Mount with options; the mount is undone, and judged, at the end of the test."""
    with mounts(tmp_path) as make:
        yield make


@pytest.fixture
def standin(make_standin):
    return make_standin()


@pytest.fixture
def mount(make_mount, standin):
    return make_mount(standin.url)


@pytest.fixture
def top(mount):
    """The directory of a model."""
    return mount.top


@pytest.fixture(scope="module")
def shared_standin(tmp_path_factory):
    with standins(tmp_path_factory.mktemp("shared")) as make:
        yield make()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, shared_standin):
    """One mount for all the tests of a file that look at nothing but their own workspace."""
    with mounts(tmp_path_factory.mktemp("shared")) as make:
        mount = make(shared_standin.url)
        yield mount
        mount.settled()
        mount.unmount()


@pytest.fixture
def place(shared, request):
    """A workspace of the test's own on the shared mount."""
    path = shared.top / f"{abs(hash(request.node.nodeid)):016x}"
    path.mkdir()
    return path


@pytest.fixture
def device():
    """/dev/fuse as it is on a machine with users: open to all."""
    if os.stat("/dev/fuse").st_mode & 0o666 == 0o666:
        yield
        return
    with tempfile.NamedTemporaryFile(dir="/dev/shm", delete=False) as node:
        pass
    os.unlink(node.name)
    os.mknod(node.name, stat.S_IFCHR | 0o666, os.stat("/dev/fuse").st_rdev)
    os.chmod(node.name, 0o666)
    call(libc.mount(os.fsencode(node.name), b"/dev/fuse", None, MS_BIND, None))
    yield
    call(libc.umount2(b"/dev/fuse", 2))
    os.unlink(node.name)


@pytest.fixture
def own(device, standin):  # pylint: disable=unused-argument
    """A mount of a user's own, which not even root may enter."""
    directory = Path(tempfile.mkdtemp(prefix="easelfs-"))
    os.chown(directory, NOBODY, NOBODY)
    mount = Mount(directory, standin.url, path=directory / "mnt", user=NOBODY)
    yield mount
    mount.close()
    shutil.rmtree(directory)


class Desk:
    """A workspace of the test's own on the shared mount, and the requests that come of it."""

    def __init__(self, mount, standin, path):
        self.mount, self.standin, self.path = mount, standin, path
        self.before = len(standin.requests())

    def requests(self):
        """What was sent since the test began, once all of it has ended."""
        self.mount.idle()
        self.mount.wait(directory=self.path)
        return self.standin.requests()[self.before:]

    def prompts(self):
        """Their texts. Jobs of one directory begin together: the order says nothing."""
        return sorted(request["prompt"] for request in self.requests())


@pytest.fixture
def desk(shared, shared_standin, place):
    return Desk(shared, shared_standin, place)
