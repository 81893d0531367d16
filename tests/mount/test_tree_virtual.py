# SPDX-License-Identifier: MIT
"""The root, and the virtual files: what is there, and that nobody can change it."""

import os
import stat
import tarfile

import pytest

from harness import FLASH, HELD, MODEL, RENAME_EXCHANGE, error_of, renameat2, run, until

MODELS = [FLASH, "gemini-3.1-flash-image-preview", MODEL]
READ_ONLY = ["README.txt", "status.txt"]
WAITS = [".wait", ".prompt.wait", ".prompt.txt.wait", ".cat.prompt.wait"]


@pytest.fixture
def root(shared):
    return shared.path


def test_the_root_holds_the_models_and_two_texts(root):
    assert sorted(os.listdir(root)) == sorted(MODELS + READ_ONLY)
    for entry in os.scandir(root):
        assert entry.is_dir() == (entry.name in MODELS)
    assert stat.S_IMODE(root.stat().st_mode) == 0o555
    assert root.stat().st_nlink == 2 + len(MODELS)


def test_a_model_begins_with_an_empty_prompt_and_two_texts(root):
    assert sorted(os.listdir(root / FLASH)) == ["README.txt", "prompt", "settings",
                                                "status.txt"]
    assert (root / FLASH / "prompt").stat().st_size == 0
    assert stat.S_IMODE((root / FLASH / "prompt").stat().st_mode) == 0o644


def test_a_workspace_below_is_empty_and_can_be_removed(root):
    (root / MODEL / "new").mkdir()
    assert os.listdir(root / MODEL / "new") == []
    for name in WAITS:
        assert (root / MODEL / "new" / name).is_file()
    assert os.listdir(root / MODEL / "new") == []
    (root / MODEL / "new").rmdir()


@pytest.mark.parametrize("name", READ_ONLY)
def test_virtual_files_are_files_with_their_real_size(root, name):
    for path in (root / name, root / MODEL / name):
        status = path.stat()
        assert stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o444
        assert status.st_nlink == 1
        assert 0 < status.st_size == len(path.read_bytes())


READERS = {
    "cat": "cat README.txt",
    "cp": "cp README.txt {out} && cat {out}",
    "cp -a": "cp -a README.txt {out} && cat {out}",
    "rsync": "rsync -a README.txt {out} && cat {out}",
    "rsync --inplace": "rsync --inplace README.txt {out} && cat {out}",
    "tar": "tar cf - README.txt | tar xOf -",
    "head": "head -c 1000000 README.txt",
    "tail": "tail -c +1 README.txt",
    "dd": "dd if=README.txt bs=100 status=none",
    "dd direct": "dd if=README.txt bs=4096 iflag=direct status=none",
    "sed": "sed -n p README.txt",
    "read": "while IFS= read -r line; do printf '%s\\n' \"$line\"; done < README.txt",
    "gio": "gio cat README.txt",
    "python": "python3 -c \"import sys; sys.stdout.write(open('README.txt').read())\"",
    "python copy": "python3 -c \"import shutil; shutil.copy2('README.txt', '{out}')\" && cat {out}",
}


@pytest.mark.parametrize("program", sorted(READERS))
def test_every_program_reads_the_whole_text(root, tmp_path, program):
    expected = (root / MODEL / "README.txt").read_bytes()
    line = READERS[program].replace("{out}", str(tmp_path / "copy"))
    assert run(["bash", "-c", "set -o pipefail; " + line], cwd=root / MODEL).stdout == expected


def test_a_text_can_be_read_in_pieces_and_mapped(root):
    with open(root / "README.txt", "rb") as file:
        whole = file.read()
        assert os.pread(file.fileno(), 10, 20) == whole[20:30]
        assert os.pread(file.fileno(), 10, len(whole)) == b""
    assert len(whole.splitlines()) <= 30


@pytest.mark.parametrize("name", READ_ONLY)
def test_nobody_changes_a_virtual_file(root, name):
    for path in (root / name, root / MODEL / name):
        table = [
            ("EACCES", lambda: os.open(path, os.O_WRONLY)),
            ("EACCES", lambda: os.open(path, os.O_RDWR)),
            ("EACCES", lambda: os.open(path, os.O_WRONLY | os.O_TRUNC)),
            ("EACCES", lambda: os.open(path, os.O_WRONLY | os.O_CREAT)),
            ("EEXIST", lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)),
            ("EPERM", lambda: os.truncate(path, 0)),
            ("EPERM", lambda: os.chmod(path, 0o777)),
            ("EPERM", lambda: os.chown(path, 1, 1)),
            ("EPERM", lambda: os.utime(path, (0, 0))),
            ("EPERM", lambda: os.unlink(path)),
            ("ENOTDIR", lambda: os.rmdir(path)),
            ("EEXIST", lambda: os.mkdir(path)),
            ("EEXIST", lambda: os.symlink("x", path)),
            ("EPERM", lambda: os.link(path, root / MODEL / "link")),
            ("EPERM", lambda: os.rename(path, root / MODEL / "other")),
        ]
        assert [error_of(action) for _, action in table] == [name for name, _ in table]


def test_nothing_is_renamed_onto_a_virtual_file(root):
    source = root / MODEL / "source"
    source.touch()
    for name in READ_ONLY + WAITS:
        target = root / MODEL / name
        assert error_of(os.rename, source, target) == "EPERM"
        assert error_of(renameat2, source, target, RENAME_EXCHANGE) == "EPERM"
        assert error_of(renameat2, target, source, RENAME_EXCHANGE) == "EPERM"
    source.unlink()


def test_a_wait_file_is_read_only_and_stays(root):
    for name in WAITS:
        for directory in (root / MODEL, root / FLASH):
            path = directory / name
            assert stat.S_IMODE(path.stat().st_mode) == 0o444
            table = [
                ("EACCES", lambda: os.open(path, os.O_WRONLY)),
                ("EACCES", lambda: os.open(path, os.O_RDWR | os.O_CREAT)),
                ("EEXIST", lambda: os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
                ("EEXIST", lambda: os.mkdir(path)),
                ("EPERM", lambda: os.unlink(path)),
                ("EPERM", lambda: os.chmod(path, 0o666)),
                ("EPERM", lambda: os.rename(path, directory / "x")),
            ]
            assert [error_of(action) for _, action in table] == [name for name, _ in table]


def test_nothing_is_made_removed_or_renamed_at_the_root(root):
    source = root / MODEL / "source"
    source.touch()
    table = [
        ("EPERM", lambda: os.open(root / "new", os.O_CREAT | os.O_WRONLY)),
        ("EPERM", lambda: os.mkdir(root / "new")),
        ("EPERM", lambda: os.mkdir(root / ".Trash-0")),
        ("EPERM", lambda: os.symlink("x", root / "new")),
        ("EPERM", lambda: os.mknod(root / "new")),
        ("EPERM", lambda: os.rename(source, root / "new")),
        ("EPERM", lambda: os.rename(root / MODEL, root / "new")),
        ("EPERM", lambda: os.rename(root / FLASH, root / MODEL / "below")),
        ("EPERM", lambda: renameat2(root / FLASH, root / MODEL, RENAME_EXCHANGE)),
        ("EPERM", lambda: os.rmdir(root / MODEL)),
        ("EISDIR", lambda: os.unlink(root / MODEL)),
        ("EPERM", lambda: os.chmod(root, 0o777)),
        ("EPERM", lambda: os.utime(root, (0, 0))),
        ("EOPNOTSUPP", lambda: os.setxattr(root, "user.a", b"1")),
        ("ENOENT", lambda: os.stat(root / "another-model")),
        ("ENOENT", lambda: os.stat(root / ".wait")),
    ]
    assert [error_of(action) for _, action in table] == [name for name, _ in table]
    assert sorted(os.listdir(root)) == sorted(MODELS + READ_ONLY)
    source.unlink()


def test_a_model_s_directory_itself_may_be_opened_to_others(root):
    os.chmod(root / FLASH, 0o1777)
    assert stat.S_IMODE((root / FLASH).stat().st_mode) == 0o1777
    os.chmod(root / FLASH, 0o755)


def test_workspaces_can_be_moved_from_model_to_model(root):
    (root / MODEL / "travels").mkdir()
    (root / MODEL / "travels" / "notes").write_text("x")
    (root / MODEL / "travels").rename(root / FLASH / "arrived")
    assert (root / FLASH / "arrived" / "notes").read_text() == "x"
    run(["rm", "-r", root / FLASH / "arrived"])


def test_below_the_top_the_virtual_names_are_free(root):
    (root / MODEL / "low").mkdir()
    for name in READ_ONLY:
        (root / MODEL / "low" / name).write_text("my own")
        assert (root / MODEL / "low" / name).read_text() == "my own"
    assert sorted(os.listdir(root / MODEL / "low")) == READ_ONLY
    run(["rm", "-r", root / MODEL / "low"])


def test_a_workspace_with_jobs_has_a_status_by_name_only(shared, place):
    assert error_of(os.stat, place / "status.txt") == "ENOENT"
    shared.generate("something", directory=place)
    assert (place / "status.txt").read_text() == "Nothing is unfinished.\n"
    assert "status.txt" not in os.listdir(place)
    (place / "mine").write_text("my own")
    (place / "mine").rename(place / "status.txt")
    assert (place / "status.txt").read_text() == "my own"
    assert "status.txt" in os.listdir(place)


def test_the_status_tells_what_is_under_way(mount, standin):
    workspace = mount.top / "here"
    workspace.mkdir()
    (workspace / "slow.prompt").write_text(f"[[standin: {HELD}]] slow")
    standin.await_requests(1)
    line = (workspace / "status.txt").read_text()
    assert line.startswith("sending ") and "slow.prompt" in line
    assert "here/slow.prompt" in (mount.top / "status.txt").read_text()
    assert f"{MODEL}/here/slow.prompt" in mount.status()
    assert (mount.path / FLASH / "status.txt").read_text() == "Nothing is unfinished.\n"
    assert f"API: {mount.url}" in mount.status()


def test_the_status_is_rendered_at_open(mount, standin):
    with open(mount.top / "status.txt", encoding="utf-8") as before:
        (mount.top / "prompt").write_text(f"[[standin: {HELD}]] slow")
        standin.await_requests(1)
        assert before.read() == "Nothing is unfinished.\n"
    path = mount.top / "status.txt"
    assert "prompt" in path.read_text()
    until(lambda: path.stat().st_size == len(path.read_bytes()), "the size of now")


def test_an_archive_of_the_top_has_every_file_whole(root, tmp_path):
    run(["tar", "cf", tmp_path / "all.tar", "-C", root, "."])
    with tarfile.open(tmp_path / "all.tar") as archive:
        names = archive.getnames()
        size = archive.getmember(f"./{MODEL}/README.txt").size
    assert f"./{FLASH}/prompt" in names
    assert size == (root / MODEL / "README.txt").stat().st_size
    assert not [name for name in names if "wait" in name or "staging" in name]
