# SPDX-License-Identifier: MIT
"""Several users on one mount: the kernel checks by mode bits, and what somebody makes is theirs."""

import json
import os
import stat
import subprocess
import sys

import pytest

from harness import LIMIT, MODEL, NOBODY, STRANGER, Standin, Mount, run

SCRIPT = """
import errno, json, os, sys
def error_of(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return None
os.umask(0o022)
os.chdir(sys.argv[1])
print(json.dumps([error_of(action) for action in (%s)]))
"""


def as_user(directory, *actions, user=STRANGER, group=STRANGER, groups=()):
    """The errno, or None, of each action (python expressions) done by somebody in a directory."""
    code = SCRIPT % "".join(f"lambda: {action}, " for action in actions)
    done = subprocess.run([sys.executable, "-c", code, directory], capture_output=True, user=user,
                          group=group, extra_groups=list(groups), timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def open_mount(tmp_path_factory):
    """A mount of root's that others may enter."""
    directory = tmp_path_factory.mktemp("users")
    for path in (directory, *directory.parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    standin = Standin(directory)
    mount = Mount(directory, standin.url, "-oallow_other", path=directory / "mnt")
    yield mount
    mount.settled()
    mount.unmount()
    standin.stop()


@pytest.fixture
def open_place(open_mount, request):
    path = open_mount.top / f"{abs(hash(request.node.nodeid)):016x}"
    path.mkdir()
    path.chmod(0o1777)
    return path


def test_without_allow_other_nobody_else_enters(shared):
    assert as_user("/", f"os.listdir({str(shared.path)!r})") == ["EACCES"]


def test_others_read_what_the_mode_bits_let_them(open_place):
    for mode in (0o644, 0o600, 0o640, 0o604, 0o000):
        (open_place / f"{mode:o}").write_text("x")
        (open_place / f"{mode:o}").chmod(mode)
    assert as_user(open_place, "open('644')", "open('600')", "open('640')", "open('604')",
                   "open('0')", "open('644', 'a')") == [None, "EACCES", "EACCES", None, "EACCES",
                                                        "EACCES"]


def test_groups_count_supplementary_ones_too(open_place):
    (open_place / "a").write_text("x")
    os.chown(open_place / "a", 0, 777)
    (open_place / "a").chmod(0o060)
    assert as_user(open_place, "open('a', 'r+')") == ["EACCES"]
    assert as_user(open_place, "open('a', 'r+')", group=777) == [None]
    assert as_user(open_place, "open('a', 'r+')", groups=[778, 777]) == [None]


def test_what_somebody_makes_belongs_to_them(open_place):
    assert as_user(open_place, "open('file', 'w').write('x')", "os.mkdir('dir')",
                   "os.symlink('x', 'link')", "os.mknod('node', 0o100600)",
                   "open('dir/below', 'x')") == [None] * 5
    for name in ("file", "dir", "link", "node", "dir/below"):
        status = (open_place / name).lstat()
        assert (status.st_uid, status.st_gid) == (STRANGER, STRANGER), name
    assert stat.S_IMODE((open_place / "file").stat().st_mode) == 0o644
    assert stat.S_IMODE((open_place / "dir").stat().st_mode) == 0o755


def test_a_file_is_made_with_its_set_id_bits(open_place):
    assert as_user(open_place, "os.mknod('node', 0o104755)",
                   "os.open('file', os.O_CREAT | os.O_WRONLY, 0o6711)",
                   "os.umask(0)", "os.mkdir('dir', 0o2770)") == [None] * 4
    for name, mode in (("node", 0o4755), ("file", 0o6711), ("dir", 0o770)):
        assert stat.S_IMODE((open_place / name).stat().st_mode) == mode, name


def test_a_set_group_id_directory_hands_its_group_down(open_place):
    (open_place / "team").mkdir()
    os.chown(open_place / "team", 0, 777)
    (open_place / "team").chmod(0o2777)
    assert as_user(open_place / "team", "open('file', 'x')", "os.mkdir('dir')") == [None, None]
    assert (open_place / "team/file").stat().st_gid == 777
    assert (open_place / "team/dir").stat().st_gid == 777
    assert (open_place / "team/dir").stat().st_mode & stat.S_ISGID


def test_a_directory_that_is_not_writable_takes_nothing(open_place):
    (open_place / "closed").mkdir()
    (open_place / "closed/file").write_text("x")
    assert as_user(open_place / "closed", "open('new', 'x')", "os.mkdir('new')",
                   "os.unlink('file')", "os.rename('file', 'other')", "os.symlink('a', 'b')",
                   "os.listdir('.')") == ["EACCES"] * 5 + [None]
    (open_place / "closed").chmod(0o700)
    assert as_user("/", f"os.listdir({str(open_place / 'closed')!r})",
                   f"os.stat({str(open_place / 'closed' / 'file')!r})") == ["EACCES"] * 2


def test_the_sticky_bit_keeps_others_files(open_place):
    (open_place / "root-s").write_text("x")
    (open_place / "root-s").chmod(0o666)
    assert as_user(open_place, "os.unlink('root-s')", "os.rename('root-s', 'x')",
                   "open('mine', 'x')", "os.rename('mine', 'still mine')",
                   "os.unlink('still mine')") == ["EPERM", "EPERM", None, None, None]


def test_only_the_owner_changes_attributes(open_place):
    (open_place / "a").write_text("x")
    (open_place / "a").chmod(0o666)
    assert as_user(open_place, "os.chmod('a', 0o777)", "os.chown('a', 12345, -1)",
                   "os.utime('a', (0, 0))", "os.utime('a')",
                   "os.setxattr('a', 'user.a', b'1')") == ["EPERM", "EPERM", "EPERM", None, None]
    assert as_user(open_place, "open('b', 'x')", "os.chmod('b', 0o600)", "os.utime('b', (0, 0))",
                   "os.chown('b', 0, -1)") == [None, None, None, "EPERM"]


def test_a_read_only_file_can_be_written_by_who_creates_it(open_place):
    assert as_user(open_place, "os.write(os.open('a', os.O_CREAT | os.O_WRONLY, 0o444), b'x')",
                   "open('a', 'w')") == [None, "EACCES"]
    assert (open_place / "a").read_text() == "x"
    assert stat.S_IMODE((open_place / "a").stat().st_mode) == 0o444


def test_the_set_user_id_bit_goes_when_its_content_is_changed(open_place):
    for action in ("os.write(os.open('tool', os.O_WRONLY), b'x')", "os.truncate('tool', 1)",
                   "os.open('tool', os.O_WRONLY | os.O_TRUNC)",
                   "os.posix_fallocate(os.open('tool', os.O_WRONLY), 0, 100)"):
        (open_place / "tool").write_text("#!/bin/sh\n")
        os.chmod(open_place / "tool", 0o6777)
        assert as_user(open_place, action) == [None]
        assert stat.S_IMODE((open_place / "tool").stat().st_mode) == 0o777, action


def test_the_root_and_its_texts_are_for_all_to_read(open_mount):
    assert as_user(open_mount.path, "os.listdir('.')", "open('README.txt').read()",
                   "open('status.txt').read()", f"open('{MODEL}/README.txt').read()",
                   "open('new', 'x')", f"open('{MODEL}/new', 'x')",
                   f"open('{MODEL}/README.txt', 'w')") == [None] * 4 + ["EACCES"] * 3


def test_somebody_else_s_prompt_makes_a_picture(open_mount, open_place):
    assert as_user(open_place, "open('prompt', 'w').write('of a stranger')") == [None]
    assert open_mount.wait(".prompt.wait", open_place) == (["0001.jpg"], False)
    assert as_user(open_place, "open('0001.jpg').close", "open('0001.jpg', 'rb').read()") == [
        None, None]


def test_a_refused_prompt_of_somebody_else_is_explained(open_mount, open_place):
    assert as_user(open_place, "os.write(os.open('prompt', os.O_CREAT | os.O_WRONLY), b'\\xff')"
                   ) == ["EILSEQ"]
    open_mount.idle()  # RELEASE refuses it
    assert open_mount.wait(".prompt.wait", open_place) == ([], True)
    assert "not UTF-8" in (open_place / "prompt.error.txt").read_text()
    assert as_user(open_place, "open('prompt.error.txt').read()") == [None]


def test_the_users_of_the_system_are_enough(open_place):
    run(["runuser", "-u", "nobody", "--", "touch", open_place / "of-nobody"])
    assert (open_place / "of-nobody").stat().st_uid == 65534


def as_nobody(directory, *actions):
    return as_user(directory, *actions, user=NOBODY, group=NOBODY)


def test_a_user_sets_and_resets_values_on_a_mount_of_their_own(own):
    value = "os.path.getsize('ws/settings/seed') - {} and 1 / 0"
    assert as_nobody(own.top, "os.mkdir('ws')", "open('ws/settings/seed', 'w').write('7')",
                     "open('settings/seed', 'w').write('888')", value.format(len("7\n")),
                     "open('ws/settings/seed', 'w').close()") == [None] * 5
    own.idle()
    assert as_nobody(own.top, value.format(len("888\n"))) == [None]


def test_who_makes_a_workspace_and_cannot_be_looked_at_finds_it_empty(own):
    hide = "__import__('ctypes').CDLL(None).prctl(4, 0)"
    assert as_nobody(own.top, hide, "os.mkdir('ws')", "os.stat('ws/settings')",
                     "os.mkdir('ws/settings')", "open('ws/settings/seed', 'x')") == [
                         None, None, "ENOENT", None, None]


def test_a_plain_user_s_new_file_keeps_its_set_id_bits(own):
    assert as_nobody(own.top, "os.open('a', os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o6755)",
                     "os.stat('a').st_mode & 0o7777 == 0o6755 or 1 / 0",
                     "os.open('a', os.O_CREAT | os.O_TRUNC | os.O_WRONLY)",
                     "os.stat('a').st_mode & 0o7777 == 0o755 or 1 / 0") == [None] * 4


def test_a_directory_that_may_be_read_but_not_entered_is_made_durable(own):
    assert as_nobody(own.top, "os.mkdir('d')", "os.chmod('d', 0o600)",
                     "os.fsync(os.open('d', os.O_RDONLY | os.O_DIRECTORY))") == [None] * 3
