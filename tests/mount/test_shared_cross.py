# SPDX-License-Identifier: MIT
"""What users may not do to one another in a shared mount: the kernel refuses it, from what it has
in memory and from what it has to ask for, and nothing of it reaches the API."""

import os

import pytest

from harness import MODEL, Standin, as_user as be, png, until
from shared_users import ALICE, BOB, CAROL, ENDLESS, daemons, mode_of, owner_of
from test_tree_users import as_user

PRIVATE = "a secret of alice's"


@pytest.fixture(scope="module", params=daemons())
def everybody(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("cross")
    standin = Standin(directory)
    mount = request.param(directory, standin.url)
    mount.standin = standin
    home = mount.home(ALICE)
    for user in (ALICE, BOB, CAROL):
        be(user, lambda: os.listdir(mount.path / MODEL / "me"))
    assert mount.do(
        ALICE, "os.mkdir('work')", "open('work/notes.txt', 'w').write('secret')",
        "os.setxattr('work/notes.txt', 'user.mine', b'1')", "os.symlink('notes.txt', 'work/link')",
        "open('settings/aspect_ratio', 'w').write('16:9')",
        f"open('prompt', 'w').write({PRIVATE!r})",
        "open('.prompt.wait').read() == '0001.jpg\\n' or os.stat('-')") == [None] * 7
    assert (home / "0001.jpg").exists()
    yield mount
    mount.settled()
    mount.unmount()
    standin.stop()


# Each of bob's tries, {0} is alice's place. None of it may be seen, changed, waited for or spent.
READ = [
    "os.listdir('{0}')", "os.scandir('{0}')", "os.chdir('{0}')", "open('{0}/prompt')",
    "open('{0}/0001.jpg', 'rb')", "open('{0}/work/notes.txt')", "os.stat('{0}/prompt')",
    "os.lstat('{0}/0001.jpg')", "os.stat('{0}/none')", "os.stat('{0}/work/notes.txt')",
    "os.listdir('{0}/work')", "os.readlink('{0}/work/link')", "open('{0}/status.txt')",
    "open('{0}/README.txt')", "open('{0}/settings/aspect_ratio')", "os.listdir('{0}/settings')",
    "os.stat('{0}/settings/aspect_ratio')", "os.getxattr('{0}/0001.jpg', 'user.easelfs.prompt')",
    "os.listxattr('{0}/0001.jpg')", "os.getxattr('{0}', 'user.a')",
]
WAIT = ["open('{0}/.wait')", "open('{0}/.prompt.wait')", "open('{0}/work/.wait')",
        "os.stat('{0}/.prompt.wait')"]
WRITE = [
    "open('{0}/new', 'x')", "open('{0}/prompt', 'w')", "open('{0}/prompt', 'a')",
    "os.truncate('{0}/prompt', 0)", "os.mkdir('{0}/new')", "os.mknod('{0}/new', 0o100600)",
    "os.symlink('/etc/passwd', '{0}/new')", "os.symlink('/etc', '{0}/work/new')",
    "os.link('mine', '{0}/new')", "os.rename('mine', '{0}/new')",
    "os.rename('mine', '{0}/prompt')", "os.rename('mine', '{0}/work/b.prompt')",
    "open('{0}/settings/aspect_ratio', 'w')", "os.setxattr('{0}/prompt', 'user.a', b'1')",
    "os.utime('{0}/prompt')", "os.chmod('{0}/prompt', 0o666)", "os.chown('{0}/prompt', {1}, -1)",
]
SPEND = ["open('{0}/bob.prompt', 'w')", "open('{0}/work/prompt', 'x')",
         "os.rename('draft', '{0}/b.prompt')"]
CANCEL = ["os.unlink('{0}/prompt')", "os.rename('{0}/prompt', 'stolen')",
          "os.rename('{0}/prompt', '{0}/other')", "os.unlink('{0}/0001.jpg')",
          "os.rmdir('{0}/work')", "os.rename('{0}/work', 'work')",
          "os.unlink('{0}/settings/aspect_ratio')"]
# Of the directory itself it is known that it is there, as of /home: it cannot be changed.
OUTSIDE = ["os.chmod('{0}', 0o777)", "os.chown('{0}', {1}, -1)", "os.utime('{0}', (0, 0))",
           "os.chmod('{0}/', 0o777)"]


@pytest.mark.parametrize("cached", ["cached", "uncached"])
@pytest.mark.parametrize("tries", ["READ", "WAIT", "WRITE", "SPEND", "CANCEL"])
def test_nobody_gets_into_another_s_place(everybody, tries, cached):
    home = everybody.home(ALICE)
    before = len(everybody.standin.requests())
    assert everybody.do(BOB, "open('mine', 'w').write('mine')",
                        "open('draft', 'w').write('to be paid by alice')") == [None, None]
    known = be(ALICE, lambda: sorted(
        os.path.join(path, name) for path, folders, files in os.walk(home)
        for name in folders + files if os.lstat(os.path.join(path, name))))
    if cached == "uncached":
        everybody.forget()
    actions = [action.format(home, BOB) for action in globals()[tries]]
    assert list(zip(actions, everybody.do(BOB, *actions))) == [(a, "EACCES") for a in actions]
    assert be(ALICE, lambda: sorted(
        os.path.join(path, name) for path, folders, files in os.walk(home)
        for name in folders + files)) == known
    assert be(ALICE, (home / "prompt").read_text) == PRIVATE
    assert len(everybody.standin.requests()) == before


@pytest.mark.parametrize("cached", ["cached", "uncached"])
def test_another_s_place_is_not_opened_from_outside(everybody, cached):
    home = everybody.home(ALICE)
    be(ALICE, lambda: os.stat(home))
    if cached == "uncached":
        everybody.forget()
    assert everybody.do(BOB, *(action.format(home, BOB) for action in OUTSIDE)) == ["EPERM"] * 4
    assert owner_of(home)[0] == ALICE and mode_of(home) == 0o770


def test_a_supplementary_group_of_the_daemon_s_is_the_only_way_in(everybody):
    """Why that group should have no members."""
    home = everybody.home(ALICE)
    assert as_user("/", f"os.listdir('{home}')", user=BOB, group=BOB,
                   groups=[everybody.daemon_gid]) == [None]
    assert as_user("/", f"os.listdir('{home}')", user=BOB, group=BOB, groups=[ALICE]) == ["EACCES"]


def test_what_an_owner_opens_is_open_and_what_is_closed_again_is_closed(everybody):
    """Also for who has looked meanwhile, and so has all of it in the kernel's memory."""
    home = everybody.home(ALICE)
    look = [f"open('{home}/work/notes.txt').read()", f"os.listdir('{home}/work')",
            f"os.stat('{home}/work/notes.txt')", f"open('{home}/work/new', 'x')"]
    for _ in range(3):
        os.chmod(home, 0o771)
        os.chmod(home / "work", 0o755)
        assert everybody.do(BOB, *look) == [None, None, None, "EACCES"]
        os.chmod(home, 0o770)
        assert everybody.do(BOB, *look) == ["EACCES"] * 4
        os.chmod(home, 0o771)
        assert everybody.do(BOB, *look) == [None, None, None, "EACCES"]
        assert be(ALICE, lambda: os.chmod(home / "work", 0o750)) is None
        assert everybody.do(BOB, *look) == ["EACCES"] * 4
    os.chmod(home, 0o770)
    os.chmod(home / "work", 0o770)


def test_in_a_place_for_all_the_sticky_bit_keeps_what_is_each_one_s(everybody):
    home = everybody.home(ALICE)
    before = len(everybody.standin.requests())
    assert everybody.do(ALICE, "os.mkdir('all')", "os.chmod('all', 0o1777)", "os.chmod('.', 0o771)",
                        f"open('all/prompt', 'w').write('{ENDLESS} hers')") == [None] * 4
    everybody.standin.await_requests(before + 1)
    assert everybody.do(
        BOB, f"os.unlink('{home}/all/prompt')", f"os.rename('{home}/all/prompt', 'b')",
        "open('mine', 'w').write('mine')", f"os.rename('mine', '{home}/all/prompt')",
        f"open('{home}/all/prompt', 'w')", f"os.symlink('/etc', '{home}/all/.lock')",
        f"os.symlink('/etc', '{home}/all/.hidden')") == [
            "EPERM", "EPERM", None, "EPERM", "EACCES", "EPERM", "EPERM"]
    everybody.standin.let_go()
    assert everybody.wait(".prompt.wait", home / "all") == (["0001.jpg"], False)
    assert everybody.do(BOB, f"os.unlink('{home}/all/0001.jpg')",
                        f"open('{home}/all/0001.jpg', 'rb').read(1)") == ["EPERM", None]
    assert len(everybody.standin.requests()) == before + 1
    os.chmod(home, 0o770)


def test_what_is_queued_is_cancelled_by_its_own_user_only(everybody):
    home = everybody.home(ALICE)
    assert everybody.do(ALICE, "os.mkdir('slow')",
                        "open('slow/ref.txt', 'w').write('kept open')") == [None, None]
    hold = os.open(home / "slow/ref.txt", os.O_WRONLY)  # its job waits until that is closed
    before = len(everybody.standin.requests())
    assert everybody.do(ALICE, "open('slow/prompt', 'w').write('waits')") == [None]
    assert everybody.do(BOB, f"os.unlink('{home}/slow/prompt')",
                        f"os.rename('{home}/slow/prompt', 'x')",
                        f"open('{home}/slow/prompt', 'w')") == ["EACCES"] * 3
    assert "slow/prompt" in be(ALICE, (everybody.path / "status.txt").read_text)
    assert "slow/prompt" not in be(BOB, (everybody.path / "status.txt").read_text)
    assert everybody.do(ALICE, "os.unlink('slow/prompt')") == [None]
    os.close(hold)
    until(lambda: "slow/prompt" not in be(ALICE, (everybody.path / "status.txt").read_text),
          "its end")
    assert everybody.wait(directory=home / "slow")[0] == []
    assert len(everybody.standin.requests()) == before
    assert not (home / "slow/0001.jpg").exists()


@pytest.fixture
def open_for_all(everybody, request):
    """A directory of alice's in which everybody may do everything."""
    name = f"{abs(hash(request.node.nodeid)):x}"
    assert everybody.do(ALICE, f"(os.mkdir('{name}'), os.chmod('{name}', 0o777), "
                               "os.chmod('.', 0o771))") == [None]
    yield everybody.home(ALICE) / name
    os.chmod(everybody.home(ALICE), 0o770)


def test_what_one_may_not_read_one_cannot_have_painted(everybody, open_for_all):
    """A private file that stands where bob may rename it is no prompt of his."""
    before = len(everybody.standin.requests())
    assert everybody.do(
        ALICE, f"(os.umask(0o077), open('{open_for_all}/diary', 'w').write('dear diary'))",
        f"open('{open_for_all}/for-all', 'w').write('dear all')",
        f"os.chmod('{open_for_all}/for-all', 0o644)",
        f"(open('{open_for_all}/drop', 'w').write('dear drop'), "
        f"os.chmod('{open_for_all}/drop', 0o622))") == [None] * 4
    assert everybody.do(
        BOB, f"open('{open_for_all}/diary')",
        f"os.rename('{open_for_all}/diary', '{open_for_all}/prompt')",
        f"os.rename('{open_for_all}/diary', 'own.prompt')",
        f"os.rename('{open_for_all}/drop', '{open_for_all}/mine')",
        f"open('{open_for_all}/mine', 'ab', 0).write(b'more')",
        f"os.rename('{open_for_all}/mine', '{open_for_all}/mine.prompt')",
        f"os.rename('{open_for_all}/for-all', '{open_for_all}/b.prompt')") == [
            "EACCES", "EACCES", "EACCES", None, None, "EACCES", None]
    assert everybody.wait(".b.prompt.wait", open_for_all) == (["b.jpg"], False)
    everybody.idle()
    everybody.wait(directory=open_for_all)
    assert everybody.standin.prompts()[before:] == ["dear all"]
    for name in os.listdir(open_for_all):
        if name not in ("diary", "mine"):
            assert b"diary" not in (open_for_all / name).read_bytes(), name


def test_what_one_may_not_read_is_no_reference(everybody, open_for_all):
    before = len(everybody.standin.requests())
    for name, seed, mode in (("a.png", 1, 0o644), ("b.png", 2, 0o600), ("c.png", 3, 0o604)):
        (open_for_all / name).write_bytes(png(seed))
        os.chown(open_for_all / name, ALICE, ALICE)
        (open_for_all / name).chmod(mode)
    assert everybody.do(BOB, f"open('{open_for_all}/bob.prompt', 'w').write('with two')") == [None]
    assert everybody.wait(".bob.prompt.wait", open_for_all) == (["bob.jpg"], False)
    assert everybody.do(ALICE, f"open('{open_for_all}/alice.prompt', 'w').write('with three')"
                        ) == [None]
    assert everybody.wait(".alice.prompt.wait", open_for_all) == (["alice.jpg"], False)
    requests = everybody.standin.requests()[before:]
    assert [len(request["references"]) for request in requests] == [2, 3]
    assert everybody.do(
        BOB, f"open('{open_for_all}/bob.prompt', 'w').write('---\\nreferences: b.png\\n---\\nmine')"
        ) == [None]
    assert everybody.wait(".bob.prompt.wait", open_for_all)[1] is True
    assert "b.png: Permission denied" in (open_for_all / "bob.error.txt").read_text()
    assert len(everybody.standin.requests()) == before + 2


def test_a_wait_file_tells_nothing_of_a_closed_directory(everybody, open_for_all):
    assert everybody.do(
        BOB, f"(os.mkdir('{open_for_all}/bob'), os.mkdir('{open_for_all}/all'))",
        f"open('{open_for_all}/bob/secret.prompt', 'w').write('a secret')",
        f"open('{open_for_all}/all/shown.prompt', 'w').write('no secret')",
        f"open('{open_for_all}/.wait').read() == 'all/shown.jpg\\nbob/secret.jpg\\n' or os.stat('-')",
        f"os.chmod('{open_for_all}/bob', 0o700)") == [None] * 5
    assert be(ALICE, (open_for_all / ".wait").read_text) == "all/shown.jpg\n"
    assert be(BOB, (open_for_all / ".wait").read_text) == "all/shown.jpg\nbob/secret.jpg\n"


def test_each_reads_of_the_own_use_only(everybody):
    """And a new user has used nothing."""
    newcomer = CAROL + 1
    status = everybody.path / "status.txt"
    assert "Pictures today: 0" in be(newcomer, status.read_text)
    assert "Pictures today: 0" not in be(ALICE, status.read_text)
    for user in (newcomer, CAROL):
        assert str(ALICE) not in be(user, status.read_text)
        assert "alice" not in be(user, status.read_text)
