# SPDX-License-Identifier: MIT
"""The file managers: how each is started, and what it has of its own."""

import hashlib
import os
import select
import threading
import time
from pathlib import Path

from harness import until


class Manager:
    """A file manager on a screen. The title of a window begins with the name of its folder."""

    options = ()
    end = ()
    keeps_thumbnails = True  # in the cache that the desktops share
    replace = ("Replace",)  # the button

    def __init__(self, screen):
        self.screen = screen

    @property
    def name(self):
        return type(self).__name__.lower()

    def show(self, folder):
        """A window with what is in the folder: it has the focus, and answers."""
        return self.open(folder.name, *self.options, str(folder))

    def open(self, title, *options):
        screen = self.screen
        before = set(screen.windows("."))
        screen.start(self.name, *options)
        window = until(lambda: set(screen.windows(f"^{title}( |$)")) - before,
                       f"a window {title}").pop()
        self.await_quiet(window)
        return window

    def await_quiet(self, window):
        """Until what the window shows does not change any more."""
        last, same = None, 0

        def quiet():
            nonlocal last, same
            pixels = self.screen.picture(window).pixels
            same = same + 1 if pixels == last else 0
            last = pixels
            select.select([], [], [], 0.15)
            return same >= 4
        until(quiet, "a window that has done")

    def take(self, path):
        """Copy the only file of a folder to the clipboard: the window that is left open."""
        window = self.show(path.parent)
        self.screen.keys(window, "ctrl+a")
        self.await_quiet(window)
        self.screen.keys(window, "ctrl+c")
        return window

    def close(self):
        """Close all windows, and end: what is started next is not handed to one that goes."""
        screen = self.screen

        def closed():
            for window in screen.windows("."):
                title = screen.xdotool("getwindowname", window, check=False)
                if title:
                    screen.xdotool("windowclose", window, check=False)
            select.select([], [], [], 0.1)
            return not any(screen.titles().values())
        until(closed, "the end of all windows")
        if self.end:
            screen.run(self.name, *self.end, check=False)
        until(lambda: not self.screen.pids(self.name), f"the end of {self.name}")

    def thumbnail(self, path):
        """The thumbnail that was made of a file, where there is one, known by its address."""
        uri = "file://" + os.fsencode(path).decode("ascii")
        name = hashlib.md5(uri.encode("ascii")).hexdigest() + ".png"
        for file in (Path(self.screen.env["XDG_CACHE_HOME"]) / "thumbnails").glob(f"*/{name}"):
            if file.parent.name != "fail" and uri.encode("ascii") in file.read_bytes():
                return file
        return None


class Thunar(Manager):
    end = ("--quit",)


class PCManFM(Manager):
    options = ("--new-win", "--no-desktop")
    keeps_thumbnails = False
    replace = ("Overwrite",)


class Nautilus(Manager):
    options = ("--new-window",)
    end = ("--quit",)
    replace = ("Re_place Replace",)  # as it tells screen readers

    def take(self, path):
        """It does not take keys for its files before one was selected."""
        window = self.open(path.parent.name, "--select", str(path))
        self.screen.keys(window, "ctrl+c")
        return window


MANAGERS = {manager.__name__.lower(): manager for manager in (Thunar, PCManFM, Nautilus)}


class Stuck(threading.Thread):
    """Watches a process: how long any thread of it sleeps without a break in the kernel (D).

    That is the state of who waits for an answer of a file system, and can do nothing meanwhile.
    """

    INTERVAL = 0.01

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.stopped = pid, threading.Event()
        self.since, self.longest, self.where, self.samples = {}, 0.0, "", 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()

    def look(self):
        now = time.monotonic()
        for task in os.listdir(f"/proc/{self.pid}/task"):
            place = Path(f"/proc/{self.pid}/task/{task}")
            try:
                state = place.joinpath("stat").read_text(encoding="utf-8").rpartition(")")[2][1]
                if state != "D":
                    self.since.pop(task, None)
                    continue
                took = now - self.since.setdefault(task, now)
                if took > self.longest:
                    self.longest = took
                    self.where = place.joinpath("wchan").read_text(encoding="utf-8")
            except OSError:
                self.since.pop(task, None)
        self.samples += 1

    def run(self):
        while not self.stopped.wait(self.INTERVAL):
            try:
                self.look()
            except OSError:
                return
