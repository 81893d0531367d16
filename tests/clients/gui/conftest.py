# SPDX-License-Identifier: MIT
"""Fixtures of the checks of file managers; options: --output FOLDER, --manager NAME."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import STRANGER  # noqa: E402  pylint: disable=wrong-import-position
from managers import MANAGERS  # noqa: E402  pylint: disable=wrong-import-position
from mount_conftest import mounts, standins  # noqa: E402  pylint: disable=wrong-import-position
from screen import Screen, introduce_user  # noqa: E402  pylint: disable=wrong-import-position


def pytest_addoption(parser):
    parser.addoption("--output", help="where the screenshots go")
    parser.addoption("--manager", action="append", choices=sorted(MANAGERS))


def pytest_generate_tests(metafunc):
    if "session" in metafunc.fixturenames:
        names = metafunc.config.getoption("--manager") or list(MANAGERS)
        metafunc.parametrize("session", names, indirect=True, scope="module")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the screen showed when a check failed, and what was to be read there."""
    report = (yield).get_result()
    session = item.funcargs.get("session")
    if call.when == "call" and report.failed and session:
        session.shot(f"failed-{item.originalname}")
        report.sections.append(("On the screen", f"{session.screen.words()}"))


@pytest.fixture(scope="session")
def output(pytestconfig):
    """Where the screenshots go."""
    folder = Path(pytestconfig.getoption("--output") or tempfile.mkdtemp(prefix="easelfs-gui-"))
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    print(f"\nThe screenshots are in {folder}")


class Session:
    """A user with a file manager on a screen, and with a mount that root cannot enter."""

    def __init__(self, screen, manager, mount, standin, output):
        self.screen, self.manager, self.mount = screen, manager, mount
        self.standin, self.output = standin, output
        self.before = 0  # requests, when the test began

    @contextlib.contextmanager
    def other_mount(self, name, *options, **named):
        """A mount with other options, for one test."""
        directory = self.mount.path.parent / name
        directory.mkdir()
        os.chown(directory, STRANGER, STRANGER)
        with mounts(directory) as make:
            mount = make(self.standin.url, *options, path=directory / "easel", user=STRANGER,
                         **named)
            self.mount, own = mount, self.mount
            try:
                yield mount
                self.manager.close()
            finally:
                self.mount = own

    def begin(self, name):
        """A workspace of a test's own."""
        self.before = len(self.standin.requests())
        self.shell(f"mkdir {name}", self.mount.top)
        return self.mount.top / name

    def shell(self, line, folder):
        """What a line for bash says, which the user runs in a folder."""
        return self.screen.shell(line, folder, text=True).stdout

    def file(self, folder, name, content):
        """A file of the user's, alone in a folder outside the mount."""
        path = self.screen.home / folder / name
        path.parent.mkdir()
        path.write_bytes(content)
        for made in (path, path.parent):
            os.chown(made, STRANGER, STRANGER)
        return path

    def requests(self):
        """What was sent since the test began, once the jobs of the model have ended."""
        self.mount.idle()
        self.shell("cat .wait || true", self.mount.top)
        return self.standin.requests()[self.before:]

    def shot(self, what):
        self.screen.shot(self.output / f"{self.manager.name}-{what}.png")


@pytest.fixture(scope="module")
def session(request, output):
    directory = Path(tempfile.mkdtemp(prefix="easelfs-gui-"))  # a short path, for sockets
    directory.chmod(0o755)
    os.chown(directory, STRANGER, STRANGER)
    introduce_user(directory)
    with standins(directory) as make_standin, mounts(directory) as make_mount:
        standin = make_standin()
        mount = make_mount(standin.url, "-omax_in_flight=20", path=directory / "easel",
                           user=STRANGER)
        with Screen(directory) as screen:
            manager = MANAGERS[request.param](screen)
            yield Session(screen, manager, mount, standin, output)
            manager.close()
        mount.unmount()
    shutil.rmtree(directory)
