# SPDX-License-Identifier: MIT
"""The commit rule where time matters: descriptors that stay open, writers that are killed, saves
that overtake each other, restarts, and what is taken back before it was sent."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from conftest import Desk, mounts
from harness import HELD, LIMIT, children, end, error_of, png, run, sha256, shell, until


def bash(line, cwd):
    """A shell with a line to run, which talks through pipes."""
    return subprocess.Popen(["bash", "-c", line], cwd=cwd, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def finish(child):
    child.stdin.close()
    assert child.wait(LIMIT) == 0
    child.stdout.close()


@contextlib.contextmanager
def held_open(directory):
    """No job of the directory begins meanwhile: a file in it is open for writing."""
    with open(directory / "held-open", "w", encoding="utf-8"):
        yield
    (directory / "held-open").unlink()


# --- descriptors that stay open

GROUPS = {
    "a group": "{ /bin/echo a; echo said; read go; /bin/echo b; } > prompt",
    "exec": "exec 4> prompt; /bin/echo a >&4; echo said >&5; read go; /bin/echo b >&4; exec 4>&-",
    "a forked child": "( /bin/echo a; echo said >&5; read go; /bin/echo b ) > prompt",
    "appending": "{ /bin/echo a; echo said >&5; read go; /bin/echo b; } >> prompt",
}


@pytest.mark.parametrize("how", sorted(GROUPS))
def test_half_a_text_is_not_sent(desk, how):
    line = GROUPS[how].replace("echo said;", "echo said >&5;")
    child = bash("exec 5>&1; " + line, desk.path)
    assert child.stdout.readline() == "said\n"
    desk.mount.idle()
    assert "still open for writing" in (desk.path.parent / "status.txt").read_text()
    assert desk.standin.prompts()[desk.before:] == []
    child.stdin.write("go\n")
    child.stdin.flush()
    finish(child)
    assert desk.prompts() == ["a\nb"]


def test_a_child_that_keeps_the_descriptor_delays_the_commit(desk):
    child = bash("( read go <&5 & /bin/echo a ) 5<&0 > prompt; echo said", desk.path)
    assert child.stdout.readline() == "said\n"
    desk.mount.idle()
    assert desk.standin.prompts()[desk.before:] == []
    child.stdin.write("go\n")
    child.stdin.flush()
    finish(child)
    until(lambda: desk.standin.prompts()[desk.before:], "the request")
    assert desk.prompts() == ["a"]


def test_two_writers_commit_when_the_second_closes(desk):
    first = open(desk.path / "prompt", "w", encoding="utf-8")
    second = open(desk.path / "prompt", "a", encoding="utf-8")
    first.write("one ")
    first.flush()
    second.write("two")
    second.close()
    desk.mount.idle()
    assert desk.standin.prompts()[desk.before:] == []
    first.close()
    assert desk.prompts() == ["one two"]


def test_who_opens_and_writes_nothing_commits_nothing_of_anybody(desk):
    writer = open(desk.path / "prompt", "w", encoding="utf-8")
    writer.write("one ")
    writer.flush()
    shell("touch prompt; exec 3>> prompt; exec 3>&-", desk.path)
    desk.mount.idle()
    assert desk.standin.prompts()[desk.before:] == []
    writer.write("two")
    writer.close()
    assert desk.prompts() == ["one two"]


def test_a_reader_delays_nothing(desk):
    (desk.path / "prompt").touch()
    with open(desk.path / "prompt", encoding="utf-8"):
        (desk.path / "prompt").write_text("one")
        assert desk.prompts() == ["one"]


def test_emacs_saves_once_and_its_second_look_sends_nothing(desk):
    path = desk.path
    (path / "prompt").write_text("old")
    assert desk.prompts() == ["old"]
    os.symlink("user@host.1:1", path / ".#prompt")
    (path / "#prompt#").write_text("auto-saved")
    (path / "prompt").rename(path / "prompt~")
    fd = os.open(path / "prompt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(fd, b"new ")
    os.write(fd, b"text")
    os.fsync(fd)
    os.close(fd)
    os.close(os.open(path / "prompt", os.O_WRONLY))
    (path / "#prompt#").unlink()
    (path / ".#prompt").unlink()
    assert desk.prompts() == ["new text", "old"]


def test_nano_saves_in_place(desk):
    path = desk.path
    (path / "prompt").write_text("old")
    assert desk.prompts() == ["old"]
    (path / ".prompt.swp").write_bytes(b"b0VIM 8.0")
    fd = os.open(path / "prompt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.write(fd, b"new\n")
    os.fsync(fd)
    os.close(fd)
    (path / ".prompt.swp").unlink()
    assert desk.prompts() == ["new", "old"]


def test_vim_saves_through_a_rename_and_a_probe(desk):
    path = desk.path
    (path / "prompt").write_text("old")
    assert desk.prompts() == ["old"]
    swap = os.open(path / ".prompt.swp", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    probe = os.open(path / "4913", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o100644)
    os.fchown(probe, 0, 0)
    os.close(probe)
    (path / "4913").unlink()
    (path / "prompt").rename(path / "prompt~")
    fd = os.open(path / "prompt", os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(fd, 0)
    os.write(fd, b"new\n")
    os.fsync(fd)
    os.fchmod(fd, 0o644)
    os.close(fd)
    (path / "prompt~").unlink()
    assert desk.prompts() == ["new", "old"]  # with the swap file still open
    os.close(swap)
    (path / ".prompt.swp").unlink()


def test_a_file_manager_renames_over_while_it_still_has_the_file_open(desk):
    path = desk.path
    (path / "prompt").write_text("old")
    assert desk.prompts() == ["old"]
    target = os.open(path / "prompt", os.O_WRONLY | os.O_NOFOLLOW)
    draft = os.open(path / ".goutputstream-ABC123", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    os.write(draft, b"new\n")
    os.fsync(draft)
    os.rename(path / ".goutputstream-ABC123", path / "prompt")
    os.close(target)
    desk.mount.idle()
    assert desk.standin.prompts()[desk.before:] == ["old"]
    os.close(draft)
    os.chmod(path / "prompt", 0o644)
    os.utime(path / "prompt")
    assert desk.prompts() == ["new", "old"]


def test_samba_truncates_writes_and_sets_times(desk):
    fd = os.open(desk.path / "prompt", os.O_RDWR | os.O_CREAT, 0o744)
    os.ftruncate(fd, 0)
    os.setxattr(desk.path / "prompt", "user.DOSATTRIB", b"\0")
    os.pwrite(fd, b"one", 0)
    os.utime(fd, (1, 1))
    os.close(fd)
    assert desk.prompts() == ["one"]


# --- writers that are killed

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT]


def killed_writer(directory, how, number, text="half a text"):
    """A `cat` that has written something to the prompt and is then killed."""
    child = subprocess.Popen(["bash", "-c", "ulimit -c 0; exec cat " + how], cwd=directory,
                             stdin=subprocess.PIPE)
    child.stdin.write(text.encode())
    child.stdin.flush()
    until(lambda: (directory / "prompt").exists()
          and (directory / "prompt").read_text().endswith(text), "the text")
    child.send_signal(number)
    assert child.wait(LIMIT) == -number
    child.stdin.close()


def interrupt(shell_):
    """Ctrl-C: a shell goes on where what it has waited for had just ended by itself."""
    end(shell_, lambda: os.killpg(shell_.pid, signal.SIGINT))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("how", ["> prompt", ">> prompt"])
def test_a_killed_writer_commits_nothing(desk, how, number):
    killed_writer(desk.path, how, number)
    assert desk.prompts() == []
    shell("touch prompt; exec 3>> prompt; exec 3>&-; mv prompt a.prompt; mv a.prompt prompt",
          desk.path)
    assert desk.prompts() == []
    shell("echo ', and more' >> prompt", desk.path)
    assert desk.prompts() == ["half a text, and more"]


def test_ctrl_c_in_a_group_of_writers_commits_nothing(desk):
    child = subprocess.Popen(["bash", "-c", "{ /bin/echo a; echo b; cat; } > prompt"],
                             cwd=desk.path, stdin=subprocess.PIPE, start_new_session=True)
    until(lambda: (desk.path / "prompt").exists()
          and (desk.path / "prompt").read_text() == "a\nb\n", "the text")
    interrupt(child)
    child.stdin.close()
    assert desk.prompts() == []


def test_ctrl_c_in_a_loop_whose_children_write_commits_nothing(desk):
    """Each child closes the prompt as it ends; only then the shell, which is killed, does."""
    child = subprocess.Popen(["bash", "-c", "while read -r l; do /bin/echo \"$l\"; done > prompt"],
                             cwd=desk.path, stdin=subprocess.PIPE, start_new_session=True)
    child.stdin.write(b"half a text\n")
    child.stdin.flush()
    until(lambda: (desk.path / "prompt").exists()
          and (desk.path / "prompt").read_text() == "half a text\n", "the text")
    until(lambda: not children(child.pid), "the end of what has written it")
    interrupt(child)
    child.stdin.close()
    assert desk.prompts() == []


def test_a_killed_writer_takes_back_nothing_that_was_saved_before(desk):
    with held_open(desk.path):
        (desk.path / "prompt").write_text("saved")
        killed_writer(desk.path, "> prompt", signal.SIGKILL)
    assert desk.prompts() == ["saved"]


def test_a_writer_that_fails_by_itself_has_ended_normally(desk):
    run([sys.executable, "-c", "f = open('prompt', 'w'); f.write('one'); f.flush(); 1 / 0"],
        cwd=desk.path, check=False)
    assert desk.prompts() == ["one"]


# --- saves that follow each other at once

def test_each_of_many_quick_saves_is_sent(desk):
    shell("for i in $(seq 60); do echo text $i > prompt; done", desk.path)
    assert desk.prompts() == sorted(f"text {i}" for i in range(1, 61))


def test_each_of_many_quick_saves_by_renaming_is_sent(desk):
    shell("for i in $(seq 60); do echo text $i > draft; mv draft prompt; done", desk.path)
    assert desk.prompts() == sorted(f"text {i}" for i in range(1, 61))


def test_each_of_many_quick_saves_that_are_moved_away_is_sent(desk):
    shell("for i in $(seq 60); do echo text $i > prompt; mv prompt old-$i; done", desk.path)
    assert desk.prompts() == sorted(f"text {i}" for i in range(1, 61))


def test_each_of_many_quick_appends_is_sent(desk):
    shell("for i in $(seq 20); do echo $i >> prompt; done", desk.path)
    expected = ["\n".join(str(i) for i in range(1, end + 1)) for end in range(1, 21)]
    assert desk.prompts() == sorted(expected)


def test_a_draft_that_is_renamed_twice_at_once_is_sent_once(desk):
    shell("for i in $(seq 40); do echo text $i > draft; mv draft a.prompt; mv a.prompt $i.prompt;"
          " done", desk.path)
    assert desk.prompts() == sorted(f"text {i}" for i in range(1, 41))


def test_writers_in_many_processes_are_each_heard(desk):
    code = ("import sys\nfor i in range(10): open(f'{sys.argv[1]}-{i}.prompt', 'w')"
            ".write(f'{sys.argv[1]} {i}')")
    children = [subprocess.Popen([sys.executable, "-c", code, name], cwd=desk.path)
                for name in "abcd"]
    assert [child.wait(60) for child in children] == [0] * 4
    assert desk.prompts() == sorted(f"{name} {i}" for name in "abcd" for i in range(10))


def test_the_same_text_twice_before_the_start_is_one_picture(desk):
    with held_open(desk.path):
        (desk.path / "prompt").write_text("one")
        (desk.path / "prompt").write_text("one")
        (desk.path / "draft").write_text("one")
        (desk.path / "draft").rename(desk.path / "prompt")
    assert desk.prompts() == ["one"]
    (desk.path / "prompt").write_text("one")
    assert desk.prompts() == ["one", "one"]


def test_different_texts_before_the_start_are_each_a_picture(desk):
    with held_open(desk.path):
        for text in ("one", "two", "three", "two"):
            (desk.path / "prompt").write_text(text)
        (desk.path / "draft").write_text("four")
        (desk.path / "draft").rename(desk.path / "prompt")
    assert desk.prompts() == ["four", "one", "three", "two"]


# --- what is taken back

def test_a_prompt_that_is_removed_before_it_was_sent_is_cancelled(desk):
    with held_open(desk.path):
        (desk.path / "prompt").write_text("one")
        (desk.path / "a.prompt").write_text("two")
        (desk.path / "prompt").unlink()
    assert desk.prompts() == ["two"]
    assert sorted(os.listdir(desk.path)) == ["a.jpg", "a.prompt", "a.txt"]


def test_a_removal_cancels_what_was_saved_by_renaming_and_by_the_same_text(desk):
    with held_open(desk.path):
        (desk.path / "prompt").write_text("one")
        (desk.path / "draft").write_text("one")
        (desk.path / "draft").rename(desk.path / "prompt")
        (desk.path / "prompt").unlink()
    assert desk.prompts() == []


def test_a_workspace_that_is_removed_before_it_was_quiet_sends_nothing(desk):
    (desk.path / "low").mkdir()
    keep = os.open(desk.path / "low" / "held-open", os.O_CREAT | os.O_WRONLY)
    (desk.path / "low" / "prompt").write_text("one")
    run(["rm", "-r", desk.path / "low"])
    os.close(keep)
    assert desk.prompts() == []


def test_a_prompt_that_is_removed_after_it_was_sent_goes_on(desk):
    (desk.path / "prompt").write_text(f"[[standin: {HELD}]] paid for")
    until(lambda: desk.standin.prompts()[desk.before:], "the request")
    (desk.path / "prompt").unlink()
    desk.standin.let_go()
    assert len(desk.prompts()) == 1
    assert "0001.jpg" in os.listdir(desk.path)


def test_a_prompt_in_the_queue_can_be_taken_back(make_mount, standin):
    mount = make_mount(standin.url, "-omax_in_flight=1")
    (mount.top / "prompt").write_text(f"[[standin: {HELD}]] first")
    standin.await_requests(1)
    (mount.top / "a.prompt").write_text("second")
    until(lambda: "waits for its turn" in mount.status(), "the queue")
    (mount.top / "a.prompt").unlink()
    standin.let_go()
    mount.settled()
    assert len(standin.requests()) == 1


# --- restarts

def restarted(mount):
    mount.unmount()
    mount.start()
    return mount


def test_an_old_prompt_is_not_sent_again_after_a_restart(mount, standin):
    mount.generate("one")
    restarted(mount)
    shell("mv prompt a.prompt; mv a.prompt prompt; touch prompt; exec 3>> prompt; exec 3>&-;"
          " mkdir low; mv prompt low; mv low/prompt .", mount.top)
    mount.settled()
    assert standin.prompts() == ["one"]


def test_a_draft_of_before_a_restart_is_sent_when_it_is_renamed(mount, standin):
    (mount.top / "draft").write_text("one")
    restarted(mount)
    (mount.top / "draft").rename(mount.top / "prompt")
    mount.settled()
    assert standin.prompts() == ["one"]
    restarted(mount)
    (mount.top / "prompt").rename(mount.top / "again.prompt")
    mount.settled()
    assert standin.prompts() == ["one"]


def test_what_a_killed_writer_left_is_not_sent_after_a_restart(mount, standin):
    killed_writer(mount.top, "> prompt", signal.SIGINT)
    mount.idle()
    restarted(mount)
    (mount.top / "prompt").rename(mount.top / "a.prompt")
    mount.settled()
    assert standin.prompts() == []


def test_a_prompt_that_was_closed_is_sent_even_if_the_daemon_is_killed_at_once(mount, standin):
    holder = os.open(mount.top / "held-open", os.O_CREAT | os.O_WRONLY)
    (mount.top / "prompt").write_text("closed with success")
    mount.kill()
    assert error_of(os.close, holder) == "ENOTCONN"
    assert standin.prompts() == []
    mount.start()
    mount.settled()
    assert standin.prompts() == ["closed with success"]


# --- settling

SETTLE_MS = 6000  # waited for once for all orders, and once for all programs


@pytest.fixture(scope="module")
def patient(tmp_path_factory, shared_standin):
    """A mount that gives slow copying programs time, also where they get none from the machine."""
    with mounts(tmp_path_factory.mktemp("patient")) as make:
        mount = make(shared_standin.url, settle=SETTLE_MS)
        yield mount
        mount.unmount()


@pytest.fixture
def patient_desk(patient, shared_standin, request):
    path = patient.top / request.node.name
    path.mkdir()
    return Desk(patient, shared_standin, path)


# Of references, the content is not as the names say.
REFERENCES = {"cat10.png": png(10), "cat2.jpg": png(2), "cat1.webp": b"\xff\xd8\xff\xe0\0\x10JFIF"
              + bytes(range(200)), "cat3.txt": png(3), "notes.txt": b"no picture", ".hidden.png":
              png(4), "Cat.png": png(5)}
SENT = ["Cat.png", "cat1.webp", "cat2.jpg", "cat3.txt", "cat10.png"]
LABELS = ["image/png", "image/jpeg", "image/png", "image/png", "image/png"]
ORDERS = {"prompt first": ["prompt", *REFERENCES], "prompt last": [*REFERENCES, "prompt"],
          "prompt amid": ["cat10.png", "notes.txt", "prompt", "cat2.jpg", "cat1.webp", "cat3.txt",
                          "Cat.png", ".hidden.png"]}


def test_a_folder_with_prompt_and_references_is_one_request(patient_desk):
    for order, names in ORDERS.items():
        target = patient_desk.path / order
        target.mkdir()
        for name in names:
            (target / name).write_bytes(REFERENCES.get(name, order.encode()))
    check_requests(patient_desk, ORDERS)


COPIES = {"cp": "cp -r {0} {1}", "cp -a": "cp -a {0} {1}", "rsync": "rsync -a {0}/ {1}/",
          "tar": "mkdir {1}; tar cf - -C {0} . | tar xf - -C {1}", "mv": "mv {0} {1}",
          "gio": "mkdir {1}; gio copy {0}/* {1}"}


def test_a_folder_that_is_copied_whole_is_one_request(patient_desk, tmp_path):
    for name, line in COPIES.items():
        folder = tmp_path / name.replace(" ", "")
        folder.mkdir()
        for file in ["prompt", *REFERENCES]:
            (folder / file).write_bytes(REFERENCES.get(file, name.encode()))
        shell(line.format(folder, f"copy-{folder.name}"), patient_desk.path)
    check_requests(patient_desk, COPIES)


def check_requests(desk, prompts):
    """One for each prompt, with all the references."""
    requests = desk.requests()
    assert sorted(request["prompt"] for request in requests) == sorted(prompts)
    for request in requests:
        assert request["parts"] == ["text"] + ["inlineData"] * len(SENT), request["prompt"]
        assert [r["mime"] for r in request["references"]] == LABELS, request["prompt"]
        assert ([r["sha256"] for r in request["references"]]
                == [sha256(REFERENCES[name]) for name in SENT]), request["prompt"]


def test_a_file_that_is_still_being_written_is_waited_for(desk):
    data = png(7, 64)
    with open(desk.path / "late.png", "wb") as late:
        late.write(data[:50])
        late.flush()
        (desk.path / "prompt").write_text("with what is late")
        desk.mount.idle()
        until(lambda: "waits until late.png is closed"
              in (desk.path.parent / "status.txt").read_text(), "the reason")
        assert desk.standin.prompts()[desk.before:] == []
        late.write(data[50:])
    requests = desk.requests()
    assert [r["bytes"] for r in requests[0]["references"]] == [len(data)]


def test_hidden_files_are_not_waited_for(desk):
    with open(desk.path / ".prompt.swp", "wb") as swap, open(desk.path / ".x.png", "wb"):
        swap.write(b"b0VIM")
        swap.flush()
        (desk.path / "prompt").write_text("one")
        assert desk.prompts() == ["one"]


def test_a_file_open_in_another_directory_is_not_waited_for(desk):
    (desk.path / "low").mkdir()
    with open(desk.path / "low" / "late.png", "wb"):
        (desk.path / "prompt").write_text("one")
        assert desk.prompts() == ["one"]


def test_what_changes_after_the_start_is_for_the_next_job(desk):
    (desk.path / "a.png").write_bytes(png(1))
    first = f"[[standin: {HELD}]] first"
    (desk.path / "prompt").write_text(first)
    until(lambda: desk.standin.prompts()[desk.before:], "the request")
    (desk.path / "a.png").write_bytes(png(2, 16))
    (desk.path / "b.png").write_bytes(png(3))
    (desk.path / "prompt").write_text("second")
    desk.standin.let_go()
    sizes = {r["prompt"]: [e["bytes"] for e in r["references"]] for r in desk.requests()}
    assert sizes == {first: [len(png(1))],
                     "second": [len(png(2, 16)), len(png(3))]}


def test_results_are_no_references_until_they_are_copied(desk):
    (desk.path / "prompt").write_text("one")
    assert len(desk.requests()) == 1
    shell("cat .wait; mv 0001.jpg renamed.jpg; cp -a renamed.jpg still.jpg;"
          " rsync -aX renamed.jpg too.jpg", desk.path)
    (desk.path / "prompt").write_text("two")
    assert desk.requests()[-1]["references"] == []
    shell("cp renamed.jpg mine.jpg", desk.path)
    data = (desk.path / "mine.jpg").read_bytes()
    (desk.path / "prompt").write_text("three")
    last = desk.requests()[-1]
    assert last["prompt"] == "three"
    assert [r["bytes"] for r in last["references"]] == [len(data)]


def test_the_models_words_may_be_used_as_a_prompt(desk):
    (desk.path / "a.prompt").write_text("[[standin: words=\"a better prompt\"]] x")
    assert len(desk.requests()) == 1
    (desk.path / "a.txt").rename(desk.path / "prompt")
    assert "a better prompt" in desk.prompts()


def test_the_same_commit_is_made_with_one_thread(make_mount, standin):
    mount = make_mount(standin.url, "-s")
    shell("for i in 1 2 3 4 5; do echo text $i > prompt; echo file $i > d; mv d $i.prompt; done;"
          " { /bin/echo a; /bin/echo b; } > group.prompt", mount.top)
    mount.settled()
    assert sorted(standin.prompts()) == sorted(
        ["a\nb"] + [f"text {i}" for i in range(1, 6)] + [f"file {i}" for i in range(1, 6)])


def test_settle_zero_starts_at_once(make_mount, standin):
    mount = make_mount(standin.url, settle=0)
    shell("for i in $(seq 30); do echo text $i > prompt; done", mount.top)
    mount.settled()
    assert sorted(standin.prompts()) == sorted(f"text {i}" for i in range(1, 31))
