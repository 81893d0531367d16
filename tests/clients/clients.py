# SPDX-License-Identifier: MIT
"""What the tests of real programs share: which are there, where they run, and their terminal.

Only what a Debian package brings is run: PATH has nothing but the system's folders.
"""

import contextlib
import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from harness import LIMIT, until

PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/usr/lib/openssh"
ALL = os.environ.get("EASELFS_CLIENTS") == "all"


def packages():
    """What the file `packages` says: {program: (package, size)}."""
    found = {}
    text = (Path(__file__).parent / "packages").read_text(encoding="utf-8")
    for line in text.splitlines():
        words = line.split("#")[0].split()
        for program in words[2:]:
            found[program] = words[0], words[1]
    return found


PACKAGES = packages()


def there(program):
    if program.startswith("python3:"):
        return importlib.util.find_spec(program.removeprefix("python3:")) is not None
    return shutil.which(program, path=PATH) is not None


def need(*programs):
    """Skip the test where one of its programs is missing, or too big to be run each time."""
    for program in programs:
        package, size = PACKAGES[program]
        if size == "big" and not ALL:
            pytest.skip(f"{package} is big: set EASELFS_CLIENTS=all")
        if not there(program):
            pytest.skip(f"no {program} here: apt-get install {package}")


def need_for(line):
    """The same for every program that a line for a shell begins, or goes on, with."""
    words = line.replace("(", " ").replace('"', " ").split()
    need(*(word for word in PACKAGES if word in words))


class Room:
    """Where the programs of one test run: a workspace, a folder elsewhere, and an environment."""

    def __init__(self, desk, directory):
        self.desk, self.path = desk, desk.path
        self.out = directory / "out"
        self.env = {"PATH": PATH, "LANG": "C.UTF-8", "TERM": "vt100", "SHELL": "/bin/sh",
                    "USER": "root", "out": str(self.out)}
        for name, variable in (("home", "HOME"), ("tmp", "TMPDIR"), ("run", "XDG_RUNTIME_DIR")):
            (directory / name).mkdir(mode=0o700)
            self.env[variable] = str(directory / name)
        self.out.mkdir()

    def sent(self, expected):
        """Exactly these texts were sent, whenever the last program closed its file."""
        desk = self.desk
        until(lambda: len(desk.standin.requests()) - desk.before >= len(expected),
              f"{len(expected)} requests")
        assert desk.prompts() == expected

    def text(self, name="prompt"):
        return (self.path / name).read_text(encoding="utf-8")

    def earlier(self, text="old\n"):
        """A prompt that was saved, sent and answered before."""
        (self.path / "prompt").write_text(text, encoding="utf-8")
        self.sent([text.strip()])


@contextlib.contextmanager
def terminal(room, *command):
    """A program on a terminal of its own; it has to end within this, by itself, with status 0."""
    need("python3:pexpect")
    import pexpect  # pylint: disable=import-outside-toplevel
    child = pexpect.spawn(command[0], list(command[1:]), cwd=str(room.path), env=room.env,
                          timeout=LIMIT, encoding="utf-8", dimensions=(24, 200))
    child.delaybeforesend = None
    child.delayafterclose = child.ptyproc.delayafterclose = 0
    child.delayafterterminate = child.ptyproc.delayafterterminate = 0
    try:
        yield child
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0, (child.exitstatus, child.signalstatus, child.before)
    finally:
        child.close(force=True)
