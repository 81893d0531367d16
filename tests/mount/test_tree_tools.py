# SPDX-License-Identifier: MIT
"""Whole trees through the programs that people copy, pack and compare with: onto the mount, within
it, and back. Each ends with status 0, and what arrives is what went."""

import os
import shutil

import pytest

from harness import HELD, MODEL, jpeg, png, run, shell, slowed, snapshot


@pytest.fixture
def source(tmp_path):
    """A plain tree with everything that a workspace may hold but prompts."""
    tree = tmp_path / "source"
    (tree / "empty").mkdir(parents=True)
    (tree / "deep/er/still").mkdir(parents=True)
    (tree / "cat.jpg").write_bytes(jpeg(1))
    (tree / "dog 2.png").write_bytes(png(2))
    (tree / "notes.txt").write_text("notes\n")
    (tree / "nothing").touch()
    (tree / ".hidden").write_text("hidden")
    (tree / "new\nline").write_text("odd")
    (tree / os.fsdecode(b"\xff\xfe")).write_text("not UTF-8")
    (tree / "deep/er/still/big.bin").write_bytes(os.urandom(700_000))
    (tree / "deep/link").symlink_to("../cat.jpg")
    (tree / "dangling").symlink_to("/nowhere/at all")
    (tree / "script.sh").write_text("#!/bin/sh\nexit 0\n")
    (tree / "script.sh").chmod(0o755)
    (tree / "read-only").write_text("read only")
    (tree / "read-only").chmod(0o444)
    (tree / "deep/er").chmod(0o750)
    for index, path in enumerate(sorted(tree.rglob("*"))):
        os.utime(path, ns=(10**18 + index, 10**18 + 7 * index + 1), follow_symlinks=False)
    os.setxattr(tree / "cat.jpg", "user.origin", b"a camera")
    return tree


def times(directory):
    return {path.relative_to(directory): path.lstat().st_mtime_ns for path in
            directory.rglob("*")}


COPIES = {
    "cp -r": "cp -r {from} {to}",
    "cp -a": "cp -a {from} {to}",
    "cp -rp": "cp -rp {from} {to}",
    "rsync -a": "rsync -a {from}/ {to}/",
    "rsync -aXS": "rsync -aXS {from}/ {to}/",
    "rsync --inplace": "rsync -a --inplace {from}/ {to}/",
    "tar": "mkdir {to} && tar cf - -C {from} . | tar xf - -C {to}",
    "tar xattrs": "mkdir {to} && tar cf - --xattrs -C {from} . | tar xf - --xattrs -C {to}",
    "cpio": "mkdir {to} && (cd {from} && find . -print0 | cpio -0 -o --quiet) |"
            " (cd {to} && cpio -i -d -m --quiet)",
    "mv": "cp -a {from} {from}.moved && mv {from}.moved {to}",
    "python": "python3 -c \"import shutil; shutil.copytree('{from}', '{to}', symlinks=True)\"",
}
KEEPS_TIMES = {"cp -a", "cp -rp", "rsync -a", "rsync -aXS", "rsync --inplace", "mv"}
KEEPS_XATTRS = {"cp -a", "rsync -aXS", "tar xattrs", "mv", "python"}


@pytest.mark.parametrize("program", sorted(COPIES))
def test_a_tree_goes_onto_the_mount_and_back(place, source, tmp_path, program):
    if program == "cpio" and not shutil.which("cpio"):
        pytest.skip("no cpio here")
    line = COPIES[program]
    there, back = place / "copy", tmp_path / "back"
    shell(line.replace("{from}", str(source)).replace("{to}", str(there)), tmp_path)
    assert snapshot(there) == snapshot(source)
    shell(line.replace("{from}", str(there)).replace("{to}", str(back)), tmp_path)
    assert snapshot(back) == snapshot(source)
    if program in KEEPS_TIMES:
        assert times(there) == times(source) == times(back)
    if program in KEEPS_XATTRS:
        assert os.getxattr(there / "cat.jpg", "user.origin") == b"a camera"
        assert os.getxattr(back / "cat.jpg", "user.origin") == b"a camera"


@pytest.mark.parametrize("program", ["cp -r", "cp -a", "rsync -a", "tar"])
def test_a_tree_is_copied_within_the_mount(place, source, tmp_path, program):
    shell(f"cp -a {source} {place}/first", tmp_path)
    line = COPIES[program].replace("{from}", f"{place}/first").replace("{to}", f"{place}/second")
    shell(line, tmp_path)
    assert snapshot(place / "second") == snapshot(source)


def test_a_second_rsync_has_nothing_to_do(place, source, tmp_path):
    run(["rsync", "-a", f"{source}/", f"{place}/"])
    again = run(["rsync", "-a", "--itemize-changes", f"{source}/", f"{place}/"], text=True)
    assert again.stdout == ""
    (source / "notes.txt").write_text("changed\n")
    again = run(["rsync", "-a", "--itemize-changes", f"{source}/", f"{place}/"], text=True)
    assert again.stdout == ">f.st...... notes.txt\n"
    run(["rsync", "-a", "--delete", f"{tmp_path}/empty/", f"{place}/"], check=False)
    run(["rsync", "-a", "--delete", f"{source}/deep/", f"{place}/"])
    assert snapshot(place) == snapshot(source / "deep")


def test_diff_du_and_find_agree_with_the_original(place, source):
    run(["cp", "-a", source, place / "copy"])
    copy = place / "copy"
    assert run(["diff", "-r", "--no-dereference", source, copy]).stdout == b""
    for line in ("find . | LC_ALL=C sort", "find . -type f -printf '%p %s %m %l\\n' | sort",
                 "find . -empty | sort", "find . -perm 0755 | sort", "find . -newermt 2002 | sort",
                 "find . -links 1 -type f | sort", "du -a --apparent-size -b . | sort",
                 "ls -lAR --time-style=full-iso . | grep -v '^total'", "md5sum cat.jpg deep/link",
                 "sha256sum deep/er/still/big.bin", "wc -c notes.txt", "grep -r notes . | sort"):
        assert (run(["bash", "-c", line], cwd=copy).stdout
                == run(["bash", "-c", line], cwd=source).stdout), line


def test_find_prunes_and_descends_as_in_a_plain_tree(place, source):
    run(["cp", "-a", source, place / "copy"])
    for line in ("find . -mindepth 2 -maxdepth 2 | sort", "find . -depth | tail -1",
                 "find . -name deep -prune -o -print | sort", "find . -type d | sort"):
        assert (run(["bash", "-c", line], cwd=place / "copy").stdout
                == run(["bash", "-c", line], cwd=source).stdout), line


def test_rm_r_removes_a_tree(place, source):
    run(["cp", "-a", source, place / "copy"])
    run(["rm", "-r", place / "copy"])
    assert os.listdir(place) == []


def test_a_whole_top_workspace_is_copied_into_a_new_directory(shared, shared_standin):
    """The prompts that are copied in are sent, but no result is in the way of the copy."""
    count = len(shared_standin.requests())
    (shared.top / "prompt").write_text(f"[[standin: {HELD}]] before the copy")
    shared_standin.await_requests(count + 1)
    shared_standin.let_go()
    shared.settled()
    for number, line in enumerate(["cp -r . {to}", "cp -a . {to}", "rsync -a ./ {to}/",
                                   "mkdir {to} && tar cf - . | tar xf - -C {to}"]):
        outside = shared.path.parent / f"outside-{number}"
        shell(line.replace("{to}", str(outside)), shared.top)
        back = shared.top / f"restored-{number}"
        shell(f"cp -r {outside} {back}", outside)
        shared_standin.await_requests(count + 2 + number)
        shared_standin.let_go()
        shared.settled()
        for name in ("README.txt", "status.txt", "prompt"):
            assert (back / name).read_bytes() == (outside / name).read_bytes()
        shutil.rmtree(outside)
        shutil.rmtree(back)


@pytest.mark.parametrize("line", ["{slowly} cp -r source {to}",
                                  "mkdir {to} && {slowly} tar xf source.tar -C {to}"],
                         ids=["cp", "tar"])
def test_a_copy_that_is_slower_than_its_prompt_is_whole(make_mount, standin, tmp_path, line):
    """The job begins, and could have a status.txt, before the status.txt that was kept is there."""
    mount = make_mount(standin.url, settle=0)
    source = tmp_path / "source"
    source.mkdir()
    for name in ("prompt", "status.txt"):  # as they are in the archive and, mostly, read by cp
        (source / name).write_text(f"{name} as it was kept")
    shell("tar cf ../source.tar prompt status.txt", source)
    shell(line.format(slowly=" ".join(slowed("openat", 300)), to=mount.top / "restored"), tmp_path)
    mount.settled()
    assert (mount.top / "restored" / "status.txt").read_text() == "status.txt as it was kept"
    assert standin.prompts() == ["prompt as it was kept"]


def test_who_makes_a_directory_finds_no_status_in_the_way_but_others_do(mount, standin):
    low = mount.top / "low"
    low.mkdir()
    (low / "prompt").write_text(f"[[standin: {HELD}]] hangs")
    standin.await_requests(1)
    assert "sending" in (low / "status.txt").read_text()
    run(["bash", "-c", "set -C; ! : > status.txt"], cwd=low)  # O_EXCL: it is there
    opened = os.open(low / "status.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(opened, b"my own")
    os.close(opened)
    assert (low / "status.txt").read_text() == "my own"
    (low / "status.txt").unlink()
    assert "sending" in (low / "status.txt").read_text()
    (low / "status.txt").unlink()
    assert not (low / "status.txt").exists()
    assert "low/prompt" in (mount.top / "status.txt").read_text()
    mount.hurry()


def test_copying_out_what_is_under_way_copies_what_is_there(mount, standin, tmp_path):
    mount.generate("one that is done")
    (mount.top / "prompt").write_text(f"[[standin: {HELD}]] one that hangs")
    standin.await_requests(2)
    run(["cp", "-r", mount.path, tmp_path / "out"])
    assert sorted(os.listdir(tmp_path / "out" / MODEL)) == [
        "0001.jpg", "0001.txt", "README.txt", "prompt", "settings", "status.txt"]
    assert len(standin.requests()) == 2


@pytest.mark.parametrize("line", [
    "zip -qr ../out.zip . && unzip -qt ../out.zip",
    "git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm one &&"
    " git gc -q && git fsck --strict && test -z \"$(git status --porcelain)\"",
    "sqlite3 db 'create table t(x); insert into t values(1)' && test $(sqlite3 db 'select * from"
    " t') = 1",
    "split -b 100000 deep/er/still/big.bin part- && cat part-* | cmp - deep/er/still/big.bin",
    "sort -o notes.txt notes.txt && dd if=deep/er/still/big.bin of=copy bs=64K conv=fsync"
    " status=none && cmp copy deep/er/still/big.bin",
    "patch -s notes.txt <<< $'@@ -1 +1 @@\\n-notes\\n+patched' && grep -q patched notes.txt",
    "truncate -s 1M sparse && fallocate -p -o 0 -l 4096 sparse && stat -c %s sparse | grep -q"
    " 1048576",
    "mkdir m && chmod 700 m && mv notes.txt m && mv m/notes.txt . && rmdir m",
    "ln -s notes.txt l && readlink l | grep -q notes.txt && test notes.txt -ef l && rm l",
    "flock lock true && mktemp -p . && mktemp -d -p .",
], ids=lambda line: line.split()[0])
def test_everyday_programs_work_in_a_workspace(place, source, line):
    if not shutil.which(line.split()[0]):
        pytest.skip(f"no {line.split()[0]} here")
    run(["cp", "-a", source, place / "work"])
    shell(line, place / "work", env={**os.environ, "HOME": str(source.parent)})
