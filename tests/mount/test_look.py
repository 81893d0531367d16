# SPDX-License-Identifier: MIT
"""Looking costs nothing and leaves nothing: no request, no descriptor, no trace of the key."""

import os
import subprocess

import pytest

from harness import BUILD, HELD, KEY, LIMIT, MODEL, png, run, shell, until

LOOKS = {
    "ls": "ls -laR .",
    "cat": "cat prompt README.txt status.txt 0001.jpg 0001.txt > /dev/null",
    "grep -r": "grep -rc nothing . > /dev/null || true",
    "find": "find . -newer prompt -o -size +1k -o -perm 444 > /dev/null",
    "file": "file prompt 0001.jpg README.txt status.txt low/a.png",
    "touch": "touch prompt low/prompt; touch -c none; touch -r 0001.jpg prompt",
    "empty": ": > prompt; : > low/prompt; truncate -s 0 prompt",
    "cp -r": "cp -r . $out/copy",
    "cp -a": "cp -a . $out/copy",
    "rsync": "rsync -aX . $out/copy",
    "tar": "tar cf $out/copy.tar .",
    "stat": "stat prompt 0001.jpg .wait .prompt.wait status.txt > /dev/null",
    "getfattr": "getfattr -d -m - 0001.jpg prompt . > /dev/null",
    "du": "du -a . > /dev/null; df . > /dev/null",
    "md5sum": "md5sum prompt 0001.jpg > /dev/null",
    "wait": "cat .wait .prompt.wait > /dev/null",
    "names that desktops ask for": "stat .Trash .Trash-0 .hidden .directory autorun.inf Desktop.ini"
                                   " .sh_thumbnails .xdg-volume-info 2> /dev/null || true",
    "open for writing": "exec 3>> prompt; exec 4<> prompt; exec 3>&- 4>&-",
    "rename": "mv prompt old; mv old prompt; mv low lower; mv lower low",
    "chmod": "chmod 600 prompt; chmod 644 prompt; setfattr -n user.a -v b prompt",
    "gio": "gio info 0001.jpg > /dev/null; gio list . > /dev/null",
    "inotify": "timeout 0.05 inotifywait -q -m . > /dev/null || true",
    "vim": "vim -es -u NONE -c q prompt; true",
    "trash": "gio trash low/a.png 2> /dev/null || true",
    "status": "for i in $(seq 20); do cat status.txt ../status.txt; done > /dev/null",
}


@pytest.fixture(scope="module")
def model(shared):
    """A model's directory with a result and a workspace in it."""
    shared.generate("to be looked at")
    (shared.top / "low").mkdir()
    (shared.top / "low" / "a.png").write_bytes(png(1))
    (shared.top / "low" / "prompt").touch()
    return shared.top


@pytest.mark.parametrize("what", sorted(LOOKS))
def test_looking_sends_nothing(shared, shared_standin, model, tmp_path, what):
    shell(LOOKS[what], model, env={**os.environ, "out": str(tmp_path), "HOME": str(tmp_path)})
    shared.settled()
    assert len(shared_standin.entries()) == 1


def drop_caches():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("2")


def settled_descriptors(mount):
    """The daemon's descriptors, once the kernel has forgotten every file that nobody uses."""
    os.sync()
    drop_caches()
    mount.idle()
    return mount.descriptors()


def test_no_descriptor_is_left_behind(make_mount, standin, tmp_path):
    mount = make_mount(standin.url)
    mount.generate("[[standin: pictures=2]] first")
    before = settled_descriptors(mount)
    (mount.top / "a.png").write_bytes(png(1))
    for i in range(5):
        mount.generate(f"text {i}")
    (mount.top / "bad").write_text("[[standin: status=400]] x")
    (mount.top / "bad").rename(mount.top / "bad.prompt")
    assert mount.wait()[1]
    for i in range(300):
        (mount.top / f"file{i}").write_text("x")
    run(["cp", "-r", mount.top, tmp_path / "copy"])
    for name in ("prompt", "bad.prompt"):  # no result may be in the way of the copy
        (tmp_path / "copy" / name).write_text(f"[[standin: {HELD}, status=400]] again")
    count = len(standin.requests())
    run(["cp", "-r", tmp_path / "copy", mount.top / "low"])
    standin.await_requests(count + 2)
    standin.let_go()
    mount.settled()
    run(["rm", "-r", mount.top / "low"])
    run(["bash", "-c", "rm file*; ls -lR . > /dev/null; grep -r x . > /dev/null; cat .wait;"
         " for i in 1 2 3; do timeout 0.01 cat .wait; done; true"], cwd=mount.top)
    for i in range(50):
        fd = os.open(mount.top, os.O_RDONLY)
        os.listdir(fd)
        os.close(fd)
    mount.settled()
    expected = len(before) + 40  # the kernel may keep some of the tree, but not hundreds

    def few():
        return len(settled_descriptors(mount)) <= expected
    until(few, f"at most {expected} descriptors: {mount.descriptors()}")
    mount.unmount()


@pytest.mark.skipif("thread" in BUILD.name, reason="ThreadSanitizer's own memory grows")
def test_memory_does_not_grow_with_files_that_pass(make_mount, standin):
    mount = make_mount(standin.url)
    (mount.top / "big.bin").write_bytes(b"x" * (8 << 20))
    before = mount.peak_memory_bytes()
    for i in range(12):
        run(["cp", mount.top / "big.bin", mount.top / f"copy{i}"])
        run(["cmp", mount.top / "big.bin", mount.top / f"copy{i}"])
    assert mount.peak_memory_bytes() - before < 24 << 20
    mount.unmount()


def test_the_key_is_nowhere(make_mount, standin, tmp_path):
    mount = make_mount(standin.url, "-olog_level=debug")
    mount.generate("one")
    (mount.top / "bad.prompt").write_text(f"[[standin: status=401, message=key {KEY} is wrong]] x")
    (mount.top / "worse.prompt").write_text(f"[[standin: status=400, error=text,"
                                            f" message=\"your {KEY}\"]] x")
    mount.settled()
    for name in ("cmdline", "environ"):
        with open(f"/proc/{mount.process.pid}/{name}", "rb") as file:
            assert KEY.encode() not in file.read()
    errors = mount.error_text()
    assert "key" in errors and KEY not in errors
    status = mount.status() + mount.status(mount.top)
    assert KEY not in status
    prompts = {"bad.prompt", "worse.prompt"}  # the user's own text
    for path in mount.top.rglob("*"):
        if path.is_file() and path.name not in prompts:
            assert KEY.encode() not in path.read_bytes(), path
            for name in os.listxattr(path):
                assert KEY.encode() not in os.getxattr(path, name), (path, name)
    done = subprocess.run(["getfattr", "-d", "-m", "-", mount.top / "0001.jpg"],
                          capture_output=True, check=True)
    assert KEY.encode() not in done.stdout
    (mount.top / "bad.prompt").unlink()
    (mount.top / "worse.prompt").unlink()
    mount.process.send_signal(15)
    assert mount.process.wait(LIMIT) == 0
    assert KEY not in mount.log_text()


def test_the_store_is_for_its_owner_only(mount):
    assert mount.store.stat().st_mode & 0o777 == 0o700


def test_unmounting_ends_the_daemon_with_status_zero_and_an_orderly_store(make_mount, standin):
    mount = make_mount(standin.url)
    for i in range(5):
        (mount.top / f"p{i}.prompt").write_text(f"text {i}")
    mount.settled()
    mount.unmount()
    assert mount.unfinished() == [] and mount.staged() == []
    assert sorted(record["prompt"] for record in mount.records()) == [f"text {i}" for i in
                                                                      range(5)]
    assert {record["state"] for record in mount.records()} == {"done"}
    assert {record["model"] for record in mount.records()} == {MODEL}


def test_unmounting_is_refused_while_somebody_is_inside(mount):
    with open(mount.top / "prompt", encoding="utf-8"):
        done = run(["fusermount3", "-u", mount.path], check=False, text=True)
        assert done.returncode != 0 and "busy" in done.stderr
        assert (mount.top / "README.txt").exists()
    mount.unmount()


def test_nothing_of_the_daemon_s_own_makes_unmounting_fail(mount):
    """Also right after a publication, which goes through the mount."""
    for i in range(10):
        with open(mount.top / ".wait", encoding="utf-8") as wait:
            (mount.top / f"p{i}.prompt").write_text("[[standin: size=16x16]] x")
            wait.read()
        run(["fusermount3", "-u", mount.path])
        mount.join()
        mount.start()
