# SPDX-License-Identifier: MIT
"""Wait files: reading one blocks until what it waits for is over, and nothing else ever blocks."""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time

import pytest

from harness import AT_ONCE, FLASH, FUSECTL, HANG, LIMIT, MODEL, error_of, run, shell, until

QUICK = "[[standin: words=]] quick"
FAIL = "[[standin: status=400, message=refused]] fails"


def begin(desk, directory, name="prompt"):
    """Write a prompt and await its request, which is answered at let_go()."""
    count = len(desk.standin.requests())
    (directory / name).write_text(HANG)
    desk.standin.await_requests(count + 1)


class Reader:
    """A process that reads a wait file."""

    def __init__(self, path, *command):
        self.process = subprocess.Popen([*(command or ["cat"]), path], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def until_blocked(self):
        """Until it hangs in its read: the kernel says in which functions a process sleeps."""
        stack = f"/proc/{self.process.pid}/stack"

        def reads():
            with open(stack, encoding="ascii") as file:
                text = file.read()
            return "fuse" in text and "sys_read" in text
        until(reads, "a blocked reader")
        return self

    def end(self):
        out, err = self.process.communicate(timeout=LIMIT)
        return out.decode(), err.decode(), self.process.returncode


# --- what it gives

def test_it_gives_the_results_of_the_newest_job_of_each_prompt(desk):
    path = desk.path
    (path / "prompt").write_text(QUICK)
    assert desk.mount.wait(directory=path) == (["0001.jpg"], False)
    (path / "prompt").write_text("[[standin: words=, pictures=2]] two")
    (path / "cat10.prompt").write_text(QUICK)
    (path / "cat9.prompt").write_text(QUICK)
    assert desk.mount.wait(directory=path) == (["cat9.jpg", "cat10.jpg", "0002.jpg", "0003.jpg"],
                                               False)
    assert desk.mount.wait(".prompt.wait", path) == (["0002.jpg", "0003.jpg"], False)
    assert desk.mount.wait(".cat9.prompt.wait", path) == (["cat9.jpg"], False)
    assert desk.mount.wait(".none.prompt.wait", path) == ([], False)


def test_it_gives_paths_relative_to_its_directory(desk):
    (desk.path / "low" / "lower").mkdir(parents=True)
    (desk.path / "low" / "lower" / "cat.prompt").write_text(QUICK)
    (desk.path / "low" / "prompt").write_text(QUICK)
    (desk.path / "prompt.txt").write_text(QUICK)
    assert desk.mount.wait(directory=desk.path) == (
        ["low/lower/cat.jpg", "low/0001.jpg", "0001.jpg"], False)
    assert desk.mount.wait(directory=desk.path / "low") == (["lower/cat.jpg", "0001.jpg"], False)
    assert desk.mount.wait(".cat.prompt.wait", desk.path / "low" / "lower") == (["cat.jpg"], False)


def test_it_gives_what_is_still_there(desk):
    (desk.path / "prompt").write_text("[[standin: words=, pictures=3]] three")
    desk.requests()
    (desk.path / "0002.jpg").unlink()
    assert desk.mount.wait(directory=desk.path) == (["0001.jpg", "0003.jpg"], False)
    run(["rm", "-f", *desk.path.glob("*.jpg")])
    assert desk.mount.wait(directory=desk.path) == ([], False)


def test_it_is_at_once_over_where_nothing_was_ever_asked(desk):
    assert desk.mount.wait(directory=desk.path) == ([], False)
    (desk.path / "prompt").touch()
    assert desk.mount.wait(".prompt.wait", desk.path) == ([], False)


def test_odd_names_are_given_as_they_are(desk):
    (desk.path / "a b ü.prompt").write_text(QUICK)
    (desk.path / os.fsdecode(b"\xff.prompt")).write_text(QUICK)
    lines, failed = desk.mount.wait(directory=desk.path)
    assert sorted(lines) == sorted(["a b ü.jpg", os.fsdecode(b"\xff.jpg")]) and not failed


def test_the_shell_recipe_of_the_readme_works(desk):
    done = shell('echo "[[standin: words=]] a kite" > prompt && file -b --mime-type'
                 ' "$(cat .prompt.wait)"', desk.path)
    assert done.stdout == b"image/jpeg\n"
    done = shell('for i in 1 2 3; do echo "[[standin: words=]] $i" > $i.prompt; done; cat .wait |'
                 ' xargs -d "\\n" ls', desk.path)
    assert done.stdout == b"1.jpg\n2.jpg\n3.jpg\n0001.jpg\n" or sorted(
        done.stdout.split()) == [b"0001.jpg", b"1.jpg", b"2.jpg", b"3.jpg"]


# --- failures

def test_after_a_failure_the_read_fails_behind_the_names(desk):
    (desk.path / "a.prompt").write_text(QUICK)
    (desk.path / "b.prompt").write_text(FAIL)
    out, err, status = Reader(desk.path / ".wait").end()
    assert (out, status) == ("a.jpg\n", 1)
    assert "Input/output error" in err
    assert Reader(desk.path / ".a.prompt.wait").end() == ("a.jpg\n", "", 0)
    assert Reader(desk.path / ".b.prompt.wait").end()[2] == 1
    (desk.path / "b.prompt").write_text(QUICK)
    assert Reader(desk.path / ".wait").end() == ("a.jpg\nb.jpg\n", "", 0)


def test_an_older_failure_does_not_count(desk):
    for text, failed in ((FAIL, True), (QUICK, False), (FAIL, True)):
        (desk.path / "prompt").write_text(text)
        assert desk.mount.wait(directory=desk.path)[1] is failed


def test_a_failure_below_counts(desk):
    (desk.path / "low").mkdir()
    (desk.path / "low" / "prompt").write_text(FAIL)
    assert desk.mount.wait(directory=desk.path) == ([], True)
    run(["rm", "-r", desk.path / "low"])
    assert desk.mount.wait(directory=desk.path) == ([], False)


def test_a_failure_outlives_the_daemon(mount):
    (mount.top / "prompt").write_text(FAIL)
    (mount.top / "a.prompt").write_text(QUICK)
    assert mount.wait() == (["a.jpg"], True)
    mount.unmount()
    mount.start()
    assert mount.wait() == (["a.jpg"], True)
    assert mount.wait(".a.prompt.wait") == (["a.jpg"], False)


# --- blocking

def test_a_reader_blocks_until_all_is_over(desk):
    begin(desk, desk.path)
    reader = Reader(desk.path / ".wait").until_blocked()
    begin(desk, desk.path, "cat.prompt")
    desk.standin.let_go()
    assert reader.end() == ("cat.jpg\n0001.jpg\n", "", 0)


def test_a_reader_of_one_prompt_does_not_wait_for_another(desk):
    begin(desk, desk.path, "slow.prompt")
    (desk.path / "prompt").write_text(QUICK)
    assert desk.mount.wait(".prompt.wait", desk.path) == (["0001.jpg"], False)
    assert "slow.prompt" in (desk.path / "status.txt").read_text()
    desk.standin.let_go()
    assert desk.mount.wait(directory=desk.path) == (["0001.jpg", "slow.jpg"], False)


def test_a_reader_waits_for_what_lies_below_but_not_above(desk):
    (desk.path / "low").mkdir()
    (desk.path / "side").mkdir()
    begin(desk, desk.path / "low")
    assert desk.mount.wait(directory=desk.path / "side") == ([], False)
    reader = Reader(desk.path / ".wait").until_blocked()
    desk.standin.let_go()
    assert reader.end() == ("low/0001.jpg\n", "", 0)


def test_waiting_for_a_prompt_right_after_its_save_always_waits(make_mount, standin):
    mount = make_mount(standin.url, settle=1)
    done = shell('for i in $(seq 300); do echo "[[standin: words=, size=16x16]] $i" > prompt;'
                 ' cat .prompt.wait || exit 1; done', mount.top, timeout=5 * LIMIT)
    assert done.stdout.decode().split() == [f"{i:04}.jpg" for i in range(1, 301)]
    assert len(standin.requests()) == 300


def test_waiting_right_after_a_save_by_renaming_always_waits(desk):
    done = shell('for i in $(seq 40); do echo "[[standin: words=, size=16x16]] $i" > d;'
                 ' mv d prompt; cat .wait || exit 1; done', desk.path)
    assert done.stdout.decode().split() == [f"{i:04}.jpg" for i in range(1, 41)]


def test_three_hundred_wait_at_once(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    mount.idle()
    files = [os.open(mount.top / (".wait" if i % 2 else ".prompt.wait"), os.O_RDONLY)
             for i in range(300)]
    got = []

    def read(fd):
        got.append(os.read(fd, 100))

    threads = [threading.Thread(target=read, args=[fd]) for fd in files]
    for thread in threads:
        thread.start()
    waiting = FUSECTL / mount.connection / "waiting"
    until(lambda: int(waiting.read_text()) == 300, "blocked readers")
    (mount.top / "free").write_text("the mount is not blocked by them")
    assert len(os.listdir(mount.top)) > 3
    standin.let_go()
    for thread in threads:
        thread.join()
    for fd in files:
        os.close(fd)
    assert got == [b"0001.jpg\n"] * 300


def test_one_handle_gives_one_outcome(desk):
    (desk.path / "prompt").write_text(QUICK)
    with open(desk.path / ".wait", "rb", buffering=0) as file:
        assert file.read(4) == b"0001"
        (desk.path / "prompt").write_text(QUICK)
        assert file.read(100) == b".jpg\n"
        assert file.read(100) == b""
        assert os.pread(file.fileno(), 4, 0) == b"0001"
    assert desk.mount.wait(directory=desk.path) == (["0002.jpg"], False)


def test_its_size_is_zero_and_its_times_are_steady(desk):
    status = (desk.path / ".wait").stat()
    assert status.st_size == 0
    assert (desk.path / ".wait").stat().st_mtime_ns == status.st_mtime_ns


# --- interrupts

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_waiting_reader_can_be_ended_at_once(desk, number):
    begin(desk, desk.path)
    reader = Reader(desk.path / ".wait").until_blocked()
    reader.process.send_signal(number)
    assert reader.end()[2] == -number
    assert "sending" in (desk.path / "status.txt").read_text()
    desk.standin.let_go()
    assert len(desk.requests()) == 1  # the picture itself goes on


def test_a_caught_signal_interrupts_and_the_read_may_be_repeated(desk):
    begin(desk, desk.path)
    code = ("import os, signal, sys\nsignal.signal(signal.SIGUSR1, lambda *a: print('caught',"
            " flush=True))\nfd = os.open(sys.argv[1], os.O_RDONLY)\nprint(os.read(fd, 100))")
    reader = Reader(desk.path / ".wait", "python3", "-c", code).until_blocked()
    reader.process.send_signal(signal.SIGUSR1)
    assert reader.process.stdout.readline() == b"caught\n"
    reader.until_blocked()
    desk.standin.let_go()
    assert reader.end() == ("b'0001.jpg\\n'\n", "", 0)


def test_timeout_works(desk):
    begin(desk, desk.path)
    assert run(["timeout", "0.1", "cat", desk.path / ".wait"], check=False).returncode == 124
    assert "sending" in (desk.path / "status.txt").read_text()
    desk.standin.let_go()
    assert len(desk.requests()) == 1


def test_many_waiters_are_killed_and_the_rest_is_answered(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    readers = [Reader(mount.top / ".wait") for _ in range(40)]
    for reader in readers:
        reader.until_blocked()
    for reader in readers[::2]:
        reader.process.kill()
    assert [r.end()[2] for r in readers[::2]] == [-signal.SIGKILL] * 20
    standin.let_go()
    assert [r.end() for r in readers[1::2]] == [("0001.jpg\n", "", 0)] * 20


# --- not to block

def test_nonblock_gives_eagain(desk):
    begin(desk, desk.path)
    fd = os.open(desk.path / ".wait", os.O_RDONLY | os.O_NONBLOCK)
    assert error_of(os.read, fd, 100) == "EAGAIN"
    os.set_blocking(fd, True)
    desk.standin.let_go()
    assert os.read(fd, 100) == b"0001.jpg\n"
    os.set_blocking(fd, False)
    assert os.read(fd, 100) == b""
    os.close(fd)


def test_opening_never_blocks(desk):
    begin(desk, desk.path)
    os.close(os.open(desk.path / ".wait", os.O_RDONLY))
    os.stat(desk.path / ".wait")
    assert "sending" in (desk.path / "status.txt").read_text()
    desk.standin.let_go()
    assert len(desk.requests()) == 1


def polls(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return lambda timeout: bool(poll.poll(timeout * 1000))


def epolls(fd):
    poll = select.epoll()
    poll.register(fd, select.EPOLLIN)
    return lambda timeout: bool(poll.poll(timeout))


def edge_polls(fd):
    poll = select.epoll()
    poll.register(fd, select.EPOLLIN | select.EPOLLET)
    return lambda timeout: bool(poll.poll(timeout))


def selects(fd):
    return lambda timeout: bool(select.select([fd], [], [], timeout)[0])


@pytest.mark.parametrize("how", [polls, epolls, edge_polls, selects])
def test_it_can_be_polled(desk, how):
    begin(desk, desk.path)
    fd = os.open(desk.path / ".wait", os.O_RDONLY | os.O_NONBLOCK)
    ready = how(fd)
    assert not ready(0)
    assert "sending" in (desk.path / "status.txt").read_text()
    desk.standin.let_go()
    assert ready(LIMIT)
    assert os.read(fd, 100) == b"0001.jpg\n"
    os.close(fd)


def test_polls_are_forgotten_with_their_file(desk):
    begin(desk, desk.path)
    before = len(desk.mount.descriptors())
    for _ in range(50):
        fd = os.open(desk.path / ".wait", os.O_RDONLY)
        assert not polls(fd)(0)
        os.close(fd)
    keep = os.open(desk.path / ".prompt.wait", os.O_RDONLY)
    desk.standin.let_go()
    assert polls(keep)(LIMIT)
    os.close(keep)
    desk.mount.idle()
    most = before + 10  # the result, connections: not one for each poll
    until(lambda: len(desk.mount.descriptors()) <= most, "polls that are let go")


def test_poll_of_other_files_is_ready_at_once(desk):
    (desk.path / "a").touch()
    for path in (desk.path / "a", desk.path.parent / "README.txt"):
        fd = os.open(path, os.O_RDONLY)
        assert polls(fd)(0) and selects(fd)(0)
        os.close(fd)


# --- the end of the mount

def test_waiters_are_let_go_when_the_daemon_is_told_to_end(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    readers = [Reader(mount.top / ".wait").until_blocked() for _ in range(20)]
    mount.hurry()
    for reader in readers:
        out, _, status = reader.end()
        assert (out, status) == ("", 1)
    mount.join()


def test_waiters_are_let_go_when_the_daemon_is_killed(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    readers = [Reader(mount.top / ".wait").until_blocked() for _ in range(5)]
    mount.kill()
    for reader in readers:
        assert reader.end()[2] == 1


def test_waiters_get_their_answer_after_a_lazy_unmount(mount, standin):
    (mount.top / "prompt").write_text(HANG)
    standin.await_requests(1)
    readers = [Reader(mount.top / ".wait").until_blocked() for _ in range(20)]
    mount.unmount_lazily()
    standin.let_go()
    assert [reader.end() for reader in readers] == [("0001.jpg\n", "", 0)] * 20
    mount.join()


def test_a_workspace_is_removed_under_its_waiters(mount, standin):
    (mount.top / "low").mkdir()
    (mount.top / "low" / "prompt").write_text(HANG)
    standin.await_requests(1)
    reader = Reader(mount.top / "low" / ".wait").until_blocked()
    run(["rm", "-r", mount.top / "low"])
    out, err, status = reader.end()
    assert (out, status) == ("", 1) and "No such file" in err
    standin.let_go()
    mount.settled()


# --- nothing else blocks

@contextlib.contextmanager
def hanging(mount, standin, count):
    """That many generations under way."""
    places = [mount.top, mount.top / "w", mount.path / FLASH]
    places[1].mkdir()
    for i in range(count):
        (places[i % 3] / f"p{i}.prompt").write_text(f"{HANG} {i}")
    standin.await_requests(count)
    yield places
    mount.hurry()


def p99(action, count=200):
    took = []
    for _ in range(count):
        begun = time.monotonic()
        action()
        took.append(time.monotonic() - begun)
    return sorted(took)[count * 99 // 100]


def test_looking_is_immediate_while_a_hundred_generations_hang(make_mount, standin):
    mount = make_mount(standin.url, "-omax_in_flight=200")
    old = mount.generate("[[standin: words=]] an old result")[0]
    for i in range(50):
        (mount.top / f"file{i}").write_text("x")
    with hanging(mount, standin, 100) as places:
        readers = [Reader(place / ".wait").until_blocked() for place in places for _ in range(5)]

        def cat():
            with open(mount.top / old, "rb") as file:
                while file.read(65536):
                    pass

        looks = {
            "stat": lambda: os.stat(mount.top / old),
            "stat of none": lambda: error_of(os.stat, mount.top / "none"),
            "ls": lambda: os.listdir(mount.top),
            "ls -l": lambda: [entry.stat() for entry in os.scandir(mount.top)],
            "cat": cat,
            "status": lambda: mount.status(mount.top),
            "create": lambda: ((mount.top / "new").touch(), (mount.top / "new").unlink()),
            "save": lambda: (mount.top / "notes").write_text("x"),
        }
        slow = {name: took for name, look in looks.items() if (took := p99(look)) >= AT_ONCE}
        assert slow == {}
        for reader in readers:
            reader.process.kill()
            reader.end()


@pytest.mark.parametrize("line", ["grep -r nothing . || true", "find . -type f -exec cat {} + ",
                                  "ls -lAR . ", "du -a .", "file -r */* * > /dev/null || true",
                                  "tar cf - . | wc -c", "rsync -a ./ $out/", "cp -r . $out/copy",
                                  "md5sum * */* 2> /dev/null || true"],
                         ids=lambda line: line.split()[0])
def test_what_walks_the_tree_never_blocks_and_sends_nothing(desk, tmp_path, line):
    (desk.path / "low").mkdir()
    begin(desk, desk.path)
    shell(line, desk.path, env={**os.environ, "out": str(tmp_path)})
    assert "sending" in (desk.path / "status.txt").read_text()
    desk.standin.let_go()
    assert len(desk.requests()) == 1


def test_the_model_s_name_is_a_directory(mount):
    assert (mount.path / MODEL).is_dir()
