# SPDX-License-Identifier: MIT
"""A mount for all users: everybody has a place of the own, and what each makes is theirs. With a
daemon of root's, and with one that has no privilege at all."""

import os
import stat

import pytest

from harness import FLASH, MODEL, Standin, Watch, as_user as be, error_of, mounted, until
from shared_users import (ALICE, BOB, CAROL, ENDLESS, daemons, mode_of, owner_of)
from test_tree_users import as_user

LISTED = ["README.txt", "prompt", "settings", "status.txt"]


@pytest.fixture(scope="module", params=daemons())
def everybody(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("everybody")
    standin = Standin(directory)
    mount = request.param(directory, standin.url)
    mount.standin = standin
    yield mount
    mount.settled()
    mount.unmount()
    standin.stop()


@pytest.fixture
def names(request):
    """A name for each file of a test, which shares its mount with others."""
    return f"{abs(hash(request.node.nodeid)):x}"


def visit(everybody, *users):
    for user in users:
        be(user, lambda: os.listdir(everybody.path / MODEL / "me"))


# --- the mount itself

def test_it_is_never_without_its_options(everybody):
    words = mounted(everybody.path)
    assert {"nosuid", "nodev", "noexec"} <= set(words[5].split(","))
    assert {"default_permissions", "allow_other"} <= set(words[-1].split(","))


def test_the_root_says_where_to_go(everybody):
    text = be(ALICE, lambda: (everybody.path / "README.txt").read_text())
    assert f"cd {MODEL}/me" in text
    assert "nobody\nelse can look into it unless you let them" in text


# --- the directories of users

def test_a_place_is_made_when_its_user_first_looks(everybody):
    """Whichever way; and not by somebody else."""
    model = everybody.path / FLASH
    assert as_user(model, f"os.stat('{BOB}')", "os.stat('nobody-at-all')", user=ALICE,
                   group=ALICE) == ["ENOENT", "ENOENT"]
    assert be(ALICE, lambda: sorted(os.listdir(model))) == sorted([str(ALICE), "me"])
    assert be(BOB, lambda: mode_of(model / str(BOB))) == 0o770
    assert be(CAROL, lambda: os.readlink(model / "me")) == str(CAROL)
    everyone = sorted([str(ALICE), str(BOB), str(CAROL), "me"])
    assert be(ALICE, lambda: sorted(os.listdir(model))) == everyone
    for user in (ALICE, BOB, CAROL):
        home = model / str(user)
        assert owner_of(home) == (user, everybody.daemon_gid)
        assert mode_of(home) == 0o770
        assert be(user, lambda: sorted(os.listdir(home))) == LISTED  # pylint: disable=all
        assert be(user, lambda: (home / "prompt").read_text()) == ""  # pylint: disable=all
        assert owner_of(home / "prompt") == (user, user)
        assert owner_of(home / "settings") == (user, everybody.daemon_gid)
        assert mode_of(home / "settings") == 0o755


def test_me_leads_each_to_the_own_place(everybody):
    me = everybody.path / MODEL / "me"
    visit(everybody, ALICE, BOB, CAROL)
    for user in (ALICE, BOB, CAROL):
        be(user, lambda: (me / "whose").write_text(str(user)))  # pylint: disable=all
    for _ in range(20):
        for user in (ALICE, BOB, CAROL):
            assert be(user, lambda: (os.readlink(me), (me / "whose").read_text())) == (
                str(user), str(user))
    status = os.lstat(me)
    assert stat.S_ISLNK(status.st_mode) and status.st_size == 0


def test_me_is_read_anew_by_who_holds_it_open(everybody):
    """A descriptor of the link, handed on, leads its reader to the own place, too."""
    visit(everybody, ALICE, BOB)
    fd = os.open(everybody.path / MODEL / "me", os.O_PATH | os.O_NOFOLLOW)
    try:
        assert [be(user, lambda: os.readlink("", dir_fd=fd)) for user in (ALICE, BOB, ALICE)] == [
            str(ALICE), str(BOB), str(ALICE)]
    finally:
        os.close(fd)


def test_nothing_else_can_be_made_beside_them(everybody):
    visit(everybody, ALICE)
    model = everybody.path / MODEL
    assert owner_of(model) == (everybody.daemon_uid, everybody.daemon_gid)
    assert mode_of(model) == 0o755
    actions = ["open('new', 'x')", "os.mkdir('new')", "os.symlink('a', 'new')",
               "os.mknod('new', 0o100600)", f"os.rename('{ALICE}', 'new')", f"os.rmdir('{ALICE}')",
               "os.unlink('me')", "open('prompt', 'w')"]
    assert as_user(model, *actions, user=ALICE, group=ALICE) == ["EACCES"] * 8
    root = as_user(model, *actions, user=0, group=0)
    assert root == ["EPERM"] * 8
    assert be(ALICE, lambda: sorted(os.listdir(model / "me")))[0] == "README.txt"


def test_the_texts_of_a_place_are_the_model_s(everybody):
    text = be(ALICE, lambda: (everybody.path / MODEL / "me" / "README.txt").read_text())
    assert text.startswith(f"{MODEL}\n\nSave a text as `prompt`")
    assert "aspect_ratio: " in text


# --- ownership

def test_what_a_user_makes_is_that_user_s(everybody, names):
    assert everybody.do(ALICE, f"os.mkdir('{names}')", f"os.chdir('{names}')",
                        "open('file', 'x')", "os.mkdir('dir')", "os.symlink('file', 'link')",
                        "os.mknod('node', 0o100600)", "os.mkdir('dir/below', 0o700)",
                        "(os.umask(0o077), os.mkdir('private'), open('secret', 'x'))") == [None] * 8
    place = everybody.home(ALICE) / names
    gid = everybody.daemon_gid
    expected = {
        "file": (ALICE, 0o644), "node": (ALICE, 0o600), "secret": (ALICE, 0o600),
        "dir": (gid, 0o775), "dir/below": (gid, 0o770), "private": (gid, 0o770),
        "link": (gid, 0o777),
    }
    for name, (group, mode) in expected.items():
        assert owner_of(place / name) == (ALICE, group), name
        assert mode_of(place / name) == mode, name
    stored = everybody.store_of(ALICE) / names
    for name in expected:
        if name != "link":
            assert owner_of(stored / name) == (everybody.daemon_uid, everybody.daemon_gid), name
            assert mode_of(stored / name) == (0o700 if (stored / name).is_dir() else 0o600), name


def test_modes_are_kept_and_owners_are_not_changed(everybody, names):
    assert everybody.do(
        ALICE, f"open('{names}', 'x')", f"os.chmod('{names}', 0o640)",
        f"os.chown('{names}', {ALICE}, {ALICE})", f"os.chown('{names}', -1, {ALICE})",
        f"os.chown('{names}', {BOB}, -1)", f"os.chown('{names}', -1, {BOB})",
        f"os.chown('{names}', -1, 4242)", "os.chown('.', -1, 4242)",
        f"os.lchown('{names}', {ALICE}, 4242)", groups=[4242]) == [
            None, None, None, None, "EPERM", "EPERM", "EPERM", "EPERM", "EPERM"]
    path = everybody.home(ALICE) / names
    assert (owner_of(path), mode_of(path)) == ((ALICE, ALICE), 0o640)
    os.chown(path, BOB, 4242)  # root may
    assert owner_of(path) == (BOB, 4242)
    assert be(BOB, lambda: error_of(os.stat, path)) == "EACCES"
    os.chown(path, ALICE, ALICE)


def test_set_id_bits_go_as_on_every_file_system(everybody, names):
    for action in (f"os.write(os.open('{names}', os.O_WRONLY), b'x')", f"os.truncate('{names}', 1)",
                   f"os.open('{names}', os.O_WRONLY | os.O_TRUNC)"):
        assert everybody.do(ALICE, f"open('{names}', 'w').write('text')",
                            f"os.chmod('{names}', 0o6777)") == [None, None]
        assert mode_of(everybody.home(ALICE) / names) == 0o6777
        assert everybody.do(ALICE, action) == [None]
        assert mode_of(everybody.home(ALICE) / names) == 0o777, action
    os.chmod(everybody.home(ALICE) / names, 0o6755)
    os.chown(everybody.home(ALICE) / names, BOB, BOB)
    assert mode_of(everybody.home(ALICE) / names) == 0o755


def test_a_set_group_id_directory_hands_its_group_down(everybody, names):
    """What root has made a team's stays the team's, and is not opened to it."""
    assert everybody.do(ALICE, f"os.mkdir('{names}')") == [None]
    team = everybody.home(ALICE) / names
    os.chown(team, -1, 4242)
    os.chmod(team, 0o2770)
    assert everybody.do(ALICE, f"open('{names}/file', 'x')", f"os.mkdir('{names}/dir', 0o700)",
                        groups=[4242]) == [None, None]
    assert owner_of(team / "file") == owner_of(team / "dir") == (ALICE, 4242)
    assert mode_of(team / "dir") == 0o2700


def test_the_record_of_an_owner_is_out_of_reach(everybody, names):
    name = "'user.easelfs.owner'"
    assert everybody.do(
        ALICE, f"open('{names}', 'x')", f"os.getxattr('{names}', {name})",
        f"os.setxattr('{names}', {name}, b'0000000000:0000000000:0777')",
        f"os.removexattr('{names}', {name})", f"os.setxattr('{names}', 'user.mine', b'1')",
        f"os.listxattr('{names}') == ['user.mine'] or os.stat('none')",
        f"os.setxattr('.', {name}, b'x')") == [
            None, "ENODATA", "EPERM", "ENODATA", None, None, "EPERM"]
    path = everybody.home(ALICE) / names
    assert error_of(os.setxattr, path, "user.easelfs.owner", b"x") == "EPERM"  # nor root's
    assert os.getxattr(everybody.store_of(ALICE) / names, "user.easelfs.owner") == (
        f"{ALICE:010}:{ALICE:010}:0644".encode())


def test_a_file_that_nobody_is_recorded_for_is_nobody_s(everybody, names):
    """As a crash may leave it, between making it and recording its owner."""
    (everybody.store_of(ALICE) / names).mkdir(0o700)
    os.chown(everybody.store_of(ALICE) / names, everybody.daemon_uid, everybody.daemon_gid)
    assert everybody.do(ALICE, f"os.listdir('{names}')", f"open('{names}/x', 'x')",
                        f"os.chmod('{names}', 0o777)", f"os.rmdir('{names}')") == [
                            "EACCES", "EACCES", "EPERM", None]


def test_a_link_is_its_directory_s_owner_s_and_nobody_else_s_to_make(everybody, names):
    visit(everybody, ALICE, BOB)
    open_place = everybody.home(ALICE) / names
    assert everybody.do(ALICE, f"(os.mkdir('{names}'), os.chmod('{names}', 0o777), "
                               "os.chmod('.', 0o771))",
                        f"os.symlink('/etc', '{names}/hers')") == [None, None]
    assert everybody.do(
        BOB, f"os.symlink('/etc', '{open_place}/planted')", "os.symlink('/etc', 'own')",
        f"os.rename('own', '{open_place}/moved')", f"os.mkdir('{open_place}/of-bob')",
        f"os.symlink('/etc', '{open_place}/of-bob/link')",
        f"os.rename('own', '{open_place}/of-bob/own')",
        f"os.rename('{open_place}/hers', 'hers')") == [
            "EPERM", None, "EPERM", None, None, None, "EPERM"]
    assert owner_of(open_place / "hers")[0] == ALICE
    assert owner_of(open_place / "of-bob/own")[0] == BOB
    assert sorted(os.listdir(open_place)) == ["hers", "of-bob"]
    os.chmod(everybody.home(ALICE), 0o770)


# --- settings

def test_settings_are_the_owner_s(everybody):
    visit(everybody, ALICE, BOB)
    assert everybody.do(ALICE, "open('settings/aspect_ratio', 'w').write('16:9\\n')") == [None]
    assert be(ALICE, lambda: (everybody.home(ALICE) / "settings/aspect_ratio").read_text()) == (
        "16:9\n")
    assert be(BOB, lambda: (everybody.home(BOB) / "settings/aspect_ratio").read_text()) == ""
    assert owner_of(everybody.home(ALICE) / "settings/aspect_ratio")[0] == ALICE
    # An editor keeps the old value in a file of its own.
    assert everybody.do(
        ALICE, "os.rename('settings/aspect_ratio', 'settings/old~')",
        "open('settings/old~').read() == '16:9\\n' or os.stat('none')",
        "open('settings/old~', 'a')", "os.unlink('settings/old~')") == [None] * 4
    assert owner_of(everybody.home(ALICE) / "settings")[0] == ALICE


# --- results

def test_results_belong_to_the_owner_and_are_seen_to_come(everybody, names):
    place = everybody.home(ALICE) / names
    assert everybody.do(ALICE, f"(os.umask(0o077), os.mkdir('{names}'))") == [None]
    with Watch(place, mask=Watch.MOVED_TO) as watch:
        assert everybody.do(ALICE, f"open('{names}/prompt', 'w').write('a cat')",
                            f"open('{names}/.prompt.wait').read() == '0001.jpg\\n' or os.stat('-')",
                            f"open('{names}/0001.jpg', 'rb').read(2) == b'\\xff\\xd8' "
                            "or os.stat('-')") == [None] * 3
        assert sorted(watch.next()[1] for _ in range(2)) == ["0001.jpg", "0001.txt"]
        assert everybody.do(ALICE, f"os.write(os.open('{names}/prompt', os.O_WRONLY), b'\\xff')"
                            ) == ["EILSEQ"]
        watch.await_name("prompt.error.txt")
    for name in ("0001.jpg", "0001.txt", "prompt.error.txt"):
        assert (owner_of(place / name), mode_of(place / name)) == ((ALICE, ALICE), 0o444), name
    assert "user.easelfs.owner" not in os.listxattr(place / "0001.jpg")
    assert os.getxattr(place / "0001.jpg", "user.xdg.comment") == b"a cat"


@pytest.mark.parametrize("mode", [0o700, 0o500, 0o755, 0o000])
@pytest.mark.parametrize("cached", [True, False])
def test_results_enter_a_directory_that_its_owner_has_closed(everybody, names, mode, cached):
    place = everybody.home(ALICE) / names
    before = len(everybody.standin.requests())
    assert everybody.do(ALICE, f"(os.mkdir('{names}'), open('{names}/prompt', 'x'))") == [None]
    fd = os.open(place / "prompt", os.O_WRONLY)
    os.chmod(place, mode)
    names_before = os.listdir(place)
    assert error_of(os.stat, place / "0001.jpg") == "ENOENT"
    os.close(fd)
    if not cached:
        everybody.forget()
    os.chmod(place, 0o700)  # to write it, and closed again before anything comes
    assert everybody.do(
        ALICE, f"(open('{names}/prompt', 'w').write('{ENDLESS} a cat'), "
               f"os.chmod('{names}', 0o{mode:o}))") == [None]
    everybody.standin.await_requests(before + 1)
    everybody.standin.let_go()
    assert everybody.wait(".prompt.wait", place) == (["0001.jpg"], False)
    assert sorted(set(os.listdir(place)) - set(names_before)) == ["0001.jpg", "0001.txt"]
    assert (owner_of(place / "0001.jpg"), mode_of(place / "0001.jpg")) == ((ALICE, ALICE), 0o444)
    assert mode_of(place) == mode
    assert len(everybody.standin.requests()) == before + 1
    os.chmod(place, 0o700)
    assert everybody.do(ALICE, f"open('{names}/0001.jpg', 'rb').read(1)",
                        f"os.unlink('{names}/0001.jpg')") == [None, None]


def test_a_prompt_that_another_wrote_is_that_one_s(everybody, names):
    """Bob writes in a directory that alice has opened: his job, his picture, his use."""
    visit(everybody, ALICE, BOB)
    place = everybody.home(ALICE) / names
    assert everybody.do(ALICE, f"(os.mkdir('{names}'), os.chmod('{names}', 0o777), "
                               "os.chmod('.', 0o771))") == [None]
    before = len(everybody.standin.requests())
    assert everybody.do(
        BOB, f"open('{place}/bob.prompt', 'w').write('{ENDLESS} of bob')") == [None]
    everybody.standin.await_requests(before + 1)
    status = everybody.path / "status.txt"
    assert "bob.prompt" in be(BOB, status.read_text)
    for text in (status, everybody.home(ALICE) / "status.txt", place / "status.txt"):
        assert "bob" not in be(ALICE, text.read_text), text
    assert "bob.prompt" in be(BOB, (place / "status.txt").read_text)
    assert "bob.prompt" in status.read_text()  # root sees all
    assert be(ALICE, lambda: os.stat(status).st_size) == len(be(ALICE, status.read_bytes))
    assert be(BOB, lambda: os.stat(status).st_size) >= len("bob.prompt")
    everybody.standin.let_go()
    assert everybody.wait(".bob.prompt.wait", place) == (["bob.jpg"], False)
    assert owner_of(place / "bob.jpg") == (BOB, BOB)
    assert len(everybody.standin.requests()) == before + 1
    os.chmod(everybody.home(ALICE), 0o770)


def test_what_another_wrote_comes_to_that_one_where_it_cannot_stay(everybody, names):
    visit(everybody, ALICE, BOB)
    place = everybody.home(ALICE) / names
    assert everybody.do(ALICE, f"(os.mkdir('{names}'), os.chmod('{names}', 0o777), "
                               "os.chmod('.', 0o771))") == [None]
    before = len(everybody.standin.requests())
    assert everybody.do(
        BOB, f"open('{place}/{names}b.prompt', 'w').write('{ENDLESS} of bob')") == [None]
    assert everybody.do(
        ALICE, f"open('{place}/{names}a.prompt', 'w').write('{ENDLESS} of alice')") == [None]
    everybody.standin.await_requests(before + 2)
    assert everybody.do(ALICE, f"(os.unlink('{place}/{names}a.prompt'), "
                               f"os.unlink('{place}/{names}b.prompt'), os.rmdir('{place}'))",
                        "os.chmod('.', 0o770)") == [None, None]
    everybody.standin.let_go()
    for user, letter in ((ALICE, "a"), (BOB, "b")):
        picture = everybody.home(user) / f"{names}{letter}.jpg"
        until(picture.exists, picture)
        assert (owner_of(picture), mode_of(picture)) == ((user, user), 0o444)
    assert len(everybody.standin.requests()) == before + 2
