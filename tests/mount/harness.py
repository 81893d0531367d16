# SPDX-License-Identifier: MIT
"""A stand-in API and a mounted easelfs for one test, as its children.

Everything waits for events with a limit, nothing sleeps. At the end of a test the mount is undone
and the daemon has to end with status 0, with nothing suspicious in its log, nothing of the key
anywhere but in the key file, and nothing half-made in the store.
"""

import base64
import contextlib
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import pickle
import pwd
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

BUILD = Path(os.environ.get("EASELFS_BUILD", "build")).resolve()
SANITIZED = any(word in BUILD.name for word in ("sanitize", "tsan", "thread"))
SANITIZED = SANITIZED or bool(os.environ.get("EASELFS_SANITIZED"))
LIMIT = 60.0  # seconds after which an awaited event is a failure
# What waits for nothing takes less even on a busy machine; how long it takes is told by
# tests/bench/latency.py.
AT_ONCE = LIMIT / 20
HELD = "delay=600000"  # a directive: no answer until Standin.let_go()
HANG = f"[[standin: {HELD}, words=]] hangs until it is let go"
KEY = "canary-9f27c1d4e8b35a60"
MODEL = "gemini-3-pro-image-preview"
FLASH = "gemini-2.5-flash-image-preview"
FUSECTL = Path("/sys/fs/fuse/connections")
STRANGER = 12345  # a user without any name, right or group
NOBODY = pwd.getpwnam("nobody").pw_uid  # fusermount3 wants a user with a name

SUSPICIOUS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion|SUMMARY:|"
    r"\bevent \d+ in state\b|core dumped|stack smashing|malloc\(\)|free\(\)"
)

def spellings(secret):
    """What anybody could make of a secret: as it is, in base64 wherever it begins in what is
    encoded, URL-encoded, in hexadecimal, and in capitals."""
    plain = secret.encode()
    found = {plain, plain.upper(), plain.hex().encode(), plain.hex().upper().encode(),
             "".join(f"%{byte:02x}" for byte in plain).encode(),
             "".join(f"%{byte:02X}" for byte in plain).encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + plain)
        found.add(encoded[4 * (shift > 0):-4])  # what the bytes beside it have no part in
    return found


TRACES = re.compile(b"|".join(re.escape(spelling) for spelling in sorted(spellings(KEY))))

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4
PR_SET_DUMPABLE = 4


def call(result, what=""):
    """The result of a function of libc, or the OSError it stands for."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(what))
    return result


def renameat2(old, new, flags):
    call(libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags), old)


def error_of(function, *arguments, **named):
    """The name of the errno that a call fails with: "EPERM"; None where it succeeds."""
    try:
        function(*arguments, **named)
    except OSError as error:
        name = errno.errorcode[error.errno]
        return "EOPNOTSUPP" if name == "ENOTSUP" else name
    return None


def until(condition, what, limit=None):
    """Ask until it is true; for states of the system that send no event."""
    deadline = time.monotonic() + (limit or LIMIT)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain: {what}")
        select.select([], [], [], 0.002)


def mounted(path):
    """The line of /proc/self/mountinfo for `path`, split into words, or None."""
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[4] == str(path):
                return words
    return None


def serves(path):
    """Whether something is mounted at `path`, and its daemon lives."""
    if not mounted(path):
        return False
    try:
        os.statvfs(path)
    except OSError as error:
        return error.errno != errno.ENOTCONN
    return mounted(path) is not None


@contextlib.contextmanager
def mounting(how=fcntl.LOCK_SH):
    """Who mounts holds this, alone (LOCK_EX) where something is set that every new mount heeds."""
    with open(__file__, "rb") as lock:
        fcntl.flock(lock, how)
        yield


def environment(**more):
    """The environment of a child: without anything of the user's that easelfs would read."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("EASELFS_", "XDG_"))}
    env.pop("CREDENTIALS_DIRECTORY", None)
    env.pop("PYTEST_CURRENT_TEST", None)  # has a test's parameters in it: the key, where it is one
    tests = Path(__file__).resolve().parent.parent
    env["ASAN_OPTIONS"] = (f"halt_on_error=1:exitcode=99:detect_leaks=1:"
                           f"suppressions={tests / 'asan.supp'}")
    env["UBSAN_OPTIONS"] = "halt_on_error=1:exitcode=99:print_stacktrace=1"
    suppressions = Path(__file__).parent.parent / "tsan.supp"
    env["TSAN_OPTIONS"] = f"halt_on_error=1:exitcode=99:suppressions={suppressions}"
    env.update(more)
    return env


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def png(seed=0, size=8):
    """A PNG of `size` by `size`, all its bytes determined by `seed`."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    row = b"\0" + bytes((seed * 37 + i) % 256 for i in range(3 * size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(row * size)) + chunk(b"IEND", b""))


def jpeg(seed=0):
    """Bytes that begin, and end, as a JPEG does."""
    return (bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
            + bytes((seed + i) % 251 for i in range(200)) + b"\xff\xd9")


def snapshot(directory):
    """Everything below `directory`: {path: (type, permissions, content)}."""
    found = {}
    for root, folders, files in os.walk(os.fsencode(directory)):
        for name in folders + files:
            path = os.path.join(root, name)
            status = os.lstat(path)
            content = None
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
            key = os.path.relpath(path, os.fsencode(directory))
            found[key] = (status.st_mode & 0o170000, status.st_mode & 0o7777, content)
    return found


def run(command, **named):
    """Run a command (a list, or a line for sh) to its end, with a limit."""
    named.setdefault("timeout", LIMIT)
    named.setdefault("capture_output", True)
    named.setdefault("check", True)
    return subprocess.run(command, shell=isinstance(command, str), **named)


def shell(line, cwd, program="bash", **named):
    """Run a line in a shell in a directory; it has to end with status 0."""
    done = run([program, "-c", line], cwd=cwd, check=False, **named)
    assert done.returncode == 0, (line, done.returncode, done.stderr)
    return done


def slowed(call, delay_ms):
    """What to put before a command so that it begins each system call of that name late."""
    return ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none",
            "-e", f"trace={call}", "-e", f"inject={call}:delay_enter={1000 * delay_ms}"]


def unmount(*command):
    """Who publishes, or was just killed, stands in the mount for a moment."""
    def undone():
        done = run(command, check=False)
        assert done.returncode == 0 or b"busy" in done.stderr, done.stderr
        return done.returncode == 0
    until(undone, "an unmount")


def end(process, send):
    """Send a signal until a process has ended: it may come where it does not count, or become one
    with the last."""
    def ended():
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                send()
        return process.poll() is not None
    until(ended, f"the end of {process.args}")


def as_user(user, function):
    """The result of `function`, called in a child that is that user, and nobody else."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            libc.prctl(PR_SET_DUMPABLE, 1)  # as any program that this user starts
            outcome = (True, function())
        except BaseException as error:  # pylint: disable=broad-except
            outcome = (False, repr(error))
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        succeeded, result = pickle.load(pipe)
    os.waitpid(child, 0)
    assert succeeded, result
    return result


def descriptors_of(pid):
    """{number: what it is} of a process."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # it has just been closed
            found[fd] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return found


def children(pid):
    """The processes that a process has started, and not waited for."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text(encoding="ascii").split()]


class Standin:
    """easelfs-standin with its log of every request that was read whole."""

    # It paints with cairo and fontconfig from several threads, whose own order ThreadSanitizer
    # does not see: what such libraries do is not looked at here.
    LIBRARIES = "ignore_noninstrumented_modules=1"

    def __init__(self, directory, *options, key=KEY):
        self.log = Path(tempfile.mkdtemp(prefix="standin-", dir=directory)) / "log"
        self.log.touch()
        credentials = ["--key", key] if key else []
        self.process = subprocess.Popen(
            [BUILD / "src" / "easelfs-standin", "--log", self.log, "--exit-with-stdin",
             *credentials, *map(str, options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(TSAN_OPTIONS=f"{environment()['TSAN_OPTIONS']}:{self.LIBRARIES}"),
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.url

    def entries(self):
        lines = self.log.read_text(encoding="utf-8").split("\n")[:-1]  # the last one is half a line
        return [json.loads(line) for line in lines]

    def requests(self):
        """The generateContent calls that were read whole: what would have been charged."""
        return [e for e in self.entries() if e["method"] == "POST" and e["complete"]]

    def prompts(self):
        return [request["prompt"] for request in self.requests()]

    def await_requests(self, count):
        until(lambda: len(self.requests()) >= count, f"{count} requests")
        return self.requests()

    def let_go(self):
        """Give the answers that are delayed, to all requests that are logged by now."""
        self.process.send_signal(signal.SIGUSR1)

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(LIMIT) == 0


class Mount:
    """A mounted easelfs in the foreground."""

    def __init__(self, directory, url, *options, store=None, settle=50, key=KEY, path=None,
                 user=None, under=(), variables=None, starting=mounting):
        directory = Path(directory)
        self.path = Path(path or tempfile.mkdtemp(prefix="mnt-", dir=directory))
        self.path.mkdir(exist_ok=True)
        self.store = Path(store or directory / "store")
        self.log = directory / "easelfs.log"
        self.url = url
        self.user = user
        self.under = under  # a command that runs it: strace
        self.variables = variables or {}
        self.starting = starting  # held while it is started
        self.options = [f"-ostore={self.store}", f"-osettle={settle}", "-oimages_per_day=0",
                        *map(str, options)]
        if user is not None:
            os.chown(self.path, user, user)
        if key is not None:
            key_file = directory / "key"
            key_file.write_text(key + "\n", encoding="utf-8")
            key_file.chmod(0o600)
            if user is not None:
                os.chown(key_file, user, user)
            self.options.append(f"-oapi_key_file={key_file}")
        self.process = None
        self.connection = None  # the kernel's number of it
        self.shared = "-oshared" in self.options
        self.top = self.path / MODEL / "root" if self.shared else self.path / MODEL
        self.start()

    def start(self):
        with self.starting():
            try:
                self._start()
            except BaseException:
                if self.process:
                    self.kill()
                raise

    def _start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.under, BUILD / "src" / "easelfs", "-f", *self.options, self.url,
                 str(self.path)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(HOME=str(self.log.parent), **self.variables),
                user=self.user, group=self.user,
                extra_groups=None if self.user is None else [],
            )
        with open("/proc/self/mountinfo", encoding="utf-8") as changes:
            poll = select.poll()
            poll.register(changes, select.POLLPRI | select.POLLERR)
            deadline = time.monotonic() + LIMIT
            while not serves(self.path):
                assert self.process.poll() is None, self.log_text()
                assert time.monotonic() < deadline, "not mounted"
                poll.poll(50)
        self.connection = mounted(self.path)[2].split(":")[1]
        self.check_process()
        if self.user is None:
            os.stat(self.path)

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def idle(self):
        """Until the daemon has answered every request of the kernel: RELEASE comes late."""
        waiting = FUSECTL / self.connection / "waiting"
        until(lambda: int(waiting.read_text()) == 0, "an idle connection")

    def is_asleep(self):
        """Whether no thread of the daemon has anything to do."""
        try:
            states = {(task / "stat").read_text().rpartition(")")[2].split()[0]
                      for task in Path(f"/proc/{self.process.pid}/task").iterdir()}
        except (FileNotFoundError, ProcessLookupError):  # a thread has just ended
            return False
        return states == {"S"}

    def settled(self):
        """Until every request is answered and no job is unfinished in any model."""
        self.idle()
        for model in self.path.iterdir():
            if model.is_dir():
                for place in self.places(model):
                    self.wait(directory=place)
        self.idle()

    def places(self, model):
        """The top workspaces of a model."""
        if not self.shared:
            return [model]
        return [place for place in model.iterdir() if not place.is_symlink()]

    def wait(self, name=".wait", directory=None, limit=None):
        """Read a wait file to its end: the lines, and whether it ended with EIO."""
        fd = os.open((directory or self.top) / name, os.O_RDONLY)
        text, failed = b"", False
        try:
            while True:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                assert poll.poll((limit or LIMIT) * 1000), f"{name} is not over: {self.status()}"
                piece = os.read(fd, 65536)
                if not piece:
                    break
                text += piece
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            failed = True
        finally:
            os.close(fd)
        return os.fsdecode(text).splitlines(), failed

    def status(self, directory=None):
        return ((directory or self.path) / "status.txt").read_text(encoding="utf-8")

    def generate(self, text, name="prompt", directory=None):
        """Write a prompt and wait for it: the names of its results."""
        directory = directory or self.top
        (directory / name).write_text(text, encoding="utf-8")
        lines, failed = self.wait(f".{name}.wait", directory)
        assert not failed, self.error_text(directory)
        return lines

    def error_text(self, directory=None):
        files = sorted((directory or self.top).glob("*.error.txt"))
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    def descriptors(self):
        """What the daemon's descriptors are, sorted."""
        return sorted(descriptors_of(self.process.pid).values())

    def peak_memory_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def unmount(self):
        """Unmount as a user does; the daemon ends by itself."""
        unmount("fusermount3", "-u", self.path)
        self.join()

    def unmount_lazily(self):
        run(["fusermount3", "-uz", self.path])

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        self.join()

    def hurry(self):
        """End without waiting for what is in flight: the second signal says so."""
        end(self.process, self.process.terminate)

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT)
        run(["fusermount3", "-uz", self.path], check=False)

    def join(self, limit=None):
        """Until the daemon has ended: as it should, and with nothing left behind."""
        status = self.process.wait(limit or LIMIT)
        text = self.log_text()
        found = SUSPICIOUS.search(text)
        assert not found, text
        assert status == 0, f"status {status}\n{text}"
        assert not mounted(self.path)
        self.check_secrecy()

    def check_process(self):
        """Whoever may look at the processes sees nothing of the key."""
        for pid in (self.process.pid, *children(self.process.pid)):
            for name in ("cmdline", "environ"):
                try:
                    text = Path(f"/proc/{pid}/{name}").read_bytes()
                except (FileNotFoundError, ProcessLookupError):  # it has ended
                    continue
                assert not TRACES.search(text), (pid, name, text)

    def check_secrecy(self):
        """Nothing of the key stands in the log or anywhere in the store, which is also what the
        mount has shown: names, contents, attributes."""
        assert not TRACES.search(self.log.read_bytes())
        for root, folders, files, fd in os.fwalk(os.fsencode(self.store)):
            for name in folders + files:
                path = b"/proc/self/fd/%d/%b" % (fd, name)  # some are too deep for a path
                assert not TRACES.search(name), (root, name)
                if os.path.islink(path):
                    assert not TRACES.search(os.readlink(path)), (root, name)
                    continue
                for attribute in os.listxattr(path):
                    assert not TRACES.search(os.getxattr(path, attribute)), (root, name, attribute)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        assert not TRACES.search(file.read()), (root, name)

    def unfinished(self):
        """The jobs that the store holds as not ended. For a daemon that has ended."""
        return sorted(os.listdir(self.store / "jobs"))

    def staged(self):
        """What is paid for and not yet visible. For a daemon that has ended."""
        return sorted(os.listdir(self.store / "staging"))

    def records(self):
        """The records of the jobs that ended, in the order of their commits."""
        files = sorted((self.store / "done").glob("*/record*"))
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def abort(self):
        """Cut the kernel's side off: whatever hangs in the mount fails, and the test with it."""
        try:
            (FUSECTL / self.connection / "abort").write_text("1")
        except OSError:
            pass

    def close(self):
        """At the end of a test, in whatever state it is."""
        if self.process.poll() is None:
            if mounted(self.path):
                run(["fusermount3", "-uz", self.path], check=False)
            self.hurry()
            self.join()
        elif mounted(self.path):
            run(["fusermount3", "-uz", self.path], check=False)


class Watch:
    """inotify on directories."""

    MODIFY, ATTRIB, CLOSE_WRITE, OPEN = 0x2, 0x4, 0x8, 0x20
    MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x40, 0x80, 0x100, 0x200
    NAMES = {MODIFY: "MODIFY", ATTRIB: "ATTRIB", CLOSE_WRITE: "CLOSE_WRITE", OPEN: "OPEN",
             MOVED_FROM: "MOVED_FROM", MOVED_TO: "MOVED_TO", CREATE: "CREATE", DELETE: "DELETE"}
    ALL = 0xfff

    def __init__(self, *paths, mask=ALL):
        self.fd = call(libc.inotify_init1(os.O_CLOEXEC))
        self.paths = {}
        self.pending = []
        for path in paths:
            number = call(libc.inotify_add_watch(self.fd, os.fsencode(path), mask), path)
            self.paths[number] = Path(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def _fill(self, timeout):
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return False
        data = os.read(self.fd, 65536)
        while data:
            number, mask, _, length = struct.unpack("iIII", data[:16])
            name = os.fsdecode(data[16:16 + length].rstrip(b"\0"))
            data = data[16 + length:]
            for bit, word in self.NAMES.items():
                if mask & bit:
                    self.pending.append((word, name, self.paths[number]))
        return True

    def next(self, limit=None):
        """The next event: (what, name, directory)."""
        if not self.pending:
            assert self._fill(limit or LIMIT), "no event"
        return self.pending.pop(0)

    def await_name(self, name, what="MOVED_TO"):
        """Read events up to that one; those before it."""
        before = []
        while True:
            event = self.next()
            if event[:2] == (what, name):
                return before
            before.append(event)

    def drain(self):
        """Everything that has come so far."""
        while self._fill(0):
            pass
        events, self.pending = self.pending, []
        return events


def scratch(directory, name="scratch"):
    """A fresh plain directory."""
    path = Path(directory) / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path
