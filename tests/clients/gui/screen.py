# SPDX-License-Identifier: MIT
"""A screen that nobody sees, with a window manager and a session bus, for an ordinary user.

All of it is the user's: home, settings, caches and bus lie in a folder of the test's own. The user
exists in this mount namespace alone. Whoever has the address of the bus in his environment was
started from here, and is ended with it.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from harness import LIMIT, STRANGER, run, until

PATH = "/usr/local/bin:/usr/bin:/bin"
USER = "painter"
WIDTH, HEIGHT = 1000, 700


def introduce_user(directory):
    """Have the user in /etc/passwd, as the children of this process see it."""
    for path, line in (("/etc/passwd", f"{USER}:x:{STRANGER}:{STRANGER}::{directory}:/bin/sh\n"),
                       ("/etc/group", f"{USER}:x:{STRANGER}:\n")):
        known = Path(path).read_text(encoding="utf-8")
        if f":{STRANGER}:" not in known:
            private = directory / os.path.basename(path)
            private.write_text(known + line, encoding="utf-8")
            run(["mount", "--bind", private, path])


def environ_of(pid):
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return None


class Picture:
    """What a window, or a file, shows: `pixels` are its bytes, three each."""

    def __init__(self, ppm):
        kind, size, _, self.pixels = ppm.split(b"\n", 3)
        assert kind == b"P6"
        self.width, self.height = map(int, size.split())

    def colours(self):
        """The colours, of 4,096, each with the pixels that have it: {colour: [number]}."""
        places = {}
        data = self.pixels
        for i, colour in enumerate(zip(data[0::3], data[1::3], data[2::3])):
            places.setdefault((colour[0] >> 4, colour[1] >> 4, colour[2] >> 4), []).append(i)
        return places


def is_bright(colour):
    """No grey, as the windows themselves are."""
    return max(colour) - min(colour) >= 4


class Screen:
    def __init__(self, directory):
        self.home = directory / "home"
        self.env = {"PATH": PATH, "HOME": str(self.home), "USER": USER, "LOGNAME": USER,
                    "LANG": "C.UTF-8", "SHELL": "/bin/sh", "NO_AT_BRIDGE": "0",
                    "GTK_MODULES": "gail:atk-bridge", "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo",
                    "LIBGL_ALWAYS_SOFTWARE": "1", "GTK_THEME": "Adwaita", "GIO_USE_VFS": "local",
                    "GSETTINGS_BACKEND": "keyfile", "TMPDIR": str(directory / "tmp"),
                    "XDG_CURRENT_DESKTOP": "XFCE"}
        for name in ("config", "cache", "data", "state"):
            self.env[f"XDG_{name.upper()}_HOME"] = str(self.home / f".{name}")
        self.env["XDG_RUNTIME_DIR"] = str(directory / "run")
        self.log = directory / "screen.log"
        for folder in (self.home, directory / "run", directory / "tmp",
                       *(self.home / f".{name}" for name in ("config", "cache", "data", "state"))):
            folder.mkdir(mode=0o700)
            os.chown(folder, STRANGER, STRANGER)
        self.processes = []

    def __enter__(self):
        self.start_server()
        address = f"unix:path={self.env['XDG_RUNTIME_DIR']}/bus"
        self.env["DBUS_SESSION_BUS_ADDRESS"] = address
        self.start("dbus-daemon", "--session", "--nofork", f"--address={address}")
        until(lambda: os.path.exists(address.removeprefix("unix:path=")), "the session bus")
        self.start("openbox", "--sm-disable")
        until(lambda: b"window id" in self.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK").stdout,
              "a window manager")
        return self

    def start_server(self):
        reader, writer = os.pipe()
        self.start("Xvfb", "-displayfd", str(writer), "-screen", "0", f"{WIDTH}x{HEIGHT}x24",
                   "-nolisten", "tcp", "-noreset", pass_fds=[writer])
        os.close(writer)
        with open(reader, encoding="ascii") as pipe:
            assert select.select([pipe], [], [], LIMIT)[0], "no X server"
            self.env["DISPLAY"] = f":{int(pipe.readline())}"

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                mine = self.all_pids()
                for pid in mine:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                for process in self.processes:
                    process.poll()
                if not mine:
                    break
                select.select([], [], [], 0.1)
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait(LIMIT)

    def start(self, *command, **named):
        """A program of the user's, in the background."""
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                cwd=self.home, user=STRANGER, group=STRANGER, extra_groups=[], **named)
        self.processes.append(process)
        return process

    def run(self, *command, **named):
        """A program of the user's, to its end."""
        named.setdefault("cwd", self.home)
        return run(list(command), env=self.env, user=STRANGER, group=STRANGER, extra_groups=[],
                   **named)

    def shell(self, line, folder, **named):
        """A line for bash, in a folder that only the user can enter, perhaps."""
        return self.run("bash", "-c", f"cd \"$0\" && {{ {line}; }}", str(folder), **named)

    @contextlib.contextmanager
    def watch(self, folder):
        """The names that are seen to be made or renamed in a folder, from now on: a function."""
        output = self.home / "names"
        with open(output, "wb") as file:
            watcher = subprocess.Popen(
                ["inotifywait", "-m", "-q", "-e", "create,move", "--format", "%f", str(folder)],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL, env=self.env,
                user=STRANGER, group=STRANGER, extra_groups=[])
        try:
            until(lambda: self.watches(watcher.pid), "a watch")
            yield lambda: output.read_text(encoding="utf-8").splitlines()
        finally:
            watcher.terminate()
            watcher.wait(LIMIT)

    @staticmethod
    def watches(pid):
        """Whether a process has asked for what happens somewhere."""
        for file in Path(f"/proc/{pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):
                if "inotify wd:" in file.read_text(encoding="ascii"):
                    return True
        return False

    def pids(self, name):
        """The user's processes of that name."""
        return [pid for pid in self.all_pids() if name_of(pid) == name]

    def all_pids(self):
        address = f"DBUS_SESSION_BUS_ADDRESS={self.env.get('DBUS_SESSION_BUS_ADDRESS')}".encode()
        return [int(pid) for pid in os.listdir("/proc")
                if pid.isdigit() and address in environ_of(pid)]

    def xdotool(self, *arguments, check=True):
        done = self.run("xdotool", *arguments, check=False, text=True)
        if done.returncode and not check:
            return None
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout.strip()

    def windows(self, pattern):
        """The visible windows whose title matches."""
        found = self.xdotool("search", "--onlyvisible", "--name", pattern, check=False)
        return found.split() if found else []

    def titles(self):
        return {window: self.xdotool("getwindowname", window, check=False)
                for window in self.windows(".")}

    def keys(self, window, *keys):
        """Press keys in a window."""
        self.xdotool("windowactivate", "--sync", window)
        for key in keys:
            self.xdotool("key", "--clearmodifiers", key)

    def put(self, window, x, y):
        """Have a window fill one half of the screen."""
        self.xdotool("windowactivate", "--sync", window)
        self.xdotool("windowsize", "--sync", window, str(WIDTH // 2 - 20), str(HEIGHT - 60))
        self.xdotool("windowmove", window, str(x), str(y))

    def drag(self, start, end):
        """Drag from one (window, x, y) to another, as a hand does: not at once."""
        def go(place):
            self.xdotool("mousemove", "--window", place[0], str(place[1]), str(place[2]))
        go(start)
        self.xdotool("mousedown", "1")
        for _ in range(4):
            self.xdotool("mousemove_relative", "--", "8", "4")
            select.select([], [], [], 0.05)
        for step in (-30, -15, 0, 3):
            go((end[0], end[1] + step, end[2] + step))
            select.select([], [], [], 0.1)
        self.xdotool("mouseup", "1")

    def picture(self, window):
        """What a window shows, which nothing lies on."""
        return Picture(self.run("import", "-silent", "-window", window, "-depth", "8",
                                "ppm:-").stdout)

    def find(self, window, file, before):
        """
        Where the window shows the picture in `file` and did not `before`: (pixels, x, y), the
        middle of those that have a colour of the picture's.
        """
        painted = Picture(run(["convert", str(file), "-resize", "96x96", "-depth", "8",
                               "ppm:-"]).stdout)
        own = {colour for colour in painted.colours() if is_bright(colour)} - set(before.colours())
        assert own, "a picture without colours of its own"
        picture = self.picture(window)
        found = sorted(place for colour, places in picture.colours().items() if colour in own
                       for place in places)
        if not found:
            return 0, 0, 0
        columns = sorted(place % picture.width for place in found)
        return len(found), columns[len(found) // 2], found[len(found) // 2] // picture.width

    def shot(self, path):
        """Save what the screen shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        done = self.run("import", "-silent", "-window", "root", "png:-")
        path.write_bytes(done.stdout)

    def words(self):
        """All words in all windows: [[role, words]]."""
        return json.loads(self.accessible("read"))

    def press(self, *names):
        """Press the button that has one of these names, as soon as there is one."""
        return until(lambda: self.accessible("press", *names).strip(), f"a button {names}")

    def accessible(self, *arguments):
        """What accessible.py says: run by the user, who cannot read it here, perhaps."""
        script = (Path(__file__).parent / "accessible.py").read_text(encoding="utf-8")
        done = self.run("/usr/bin/python3", "-B", "-", *arguments, input=script, text=True,
                        check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
