# SPDX-License-Identifier: MIT
"""One request for each save in an editor that runs on a terminal, and none for what is no save."""

import pytest

from clients import need, terminal
from harness import until

# Backups are not made of what lies in /tmp, or $TMPDIR, unless told so.
VIM = {
    "as Debian sets it": "",
    "backup": "set backup",
    "no backup at all": "set nobackup nowritebackup",
    "backupcopy=yes": "set backup backupcopy=yes",
    "backupcopy=no": "set backup backupcopy=no",
    "backupcopy=auto": "set backup backupcopy=auto,breakhardlink",
    "backup elsewhere": "set backup backupdir=$TMPDIR directory=$TMPDIR",
    "patchmode": "set patchmode=.orig",
    "undofile": "set undofile undodir=.",
    "no swap file": "set noswapfile nofsync",
}


@pytest.fixture
def vim(room):
    need("vim")

    def start(settings="", *options):
        return terminal(room, "vim", "-i", "NONE", "--cmd", "set backupskip=", "-c",
                        settings or "echo", *options, "prompt")
    return start


@pytest.mark.parametrize("settings", sorted(VIM))
@pytest.mark.parametrize("key", [":wq\r", ":x\r", "ZZ"], ids=[":wq", ":x", "ZZ"])
def test_vim_saves_a_new_prompt(room, vim, settings, key):
    with vim(VIM[settings]) as child:
        child.send("ione\x1b" + key)
    room.sent(["one"])


@pytest.mark.parametrize("settings", sorted(VIM))
def test_vim_saves_over_what_was_sent(room, vim, settings):
    room.earlier()
    with vim(VIM[settings]) as child:
        child.send("ccone\x1b:wq\r")
    room.sent(["old", "one"])
    assert room.text() == "one\n"


@pytest.mark.parametrize("settings", sorted(VIM))
def test_vim_saves_twice(room, vim, settings):
    with vim(VIM[settings]) as child:
        child.send("ione\x1b:w\r")
        room.sent(["one"])  # else the removal in some ways of saving would take it back
        child.send("A two\x1b:w\r:q\r")
    room.sent(["one", "one two"])


# Vim removes the prompt before it writes it anew, which takes back what was not sent.
REMOVES = {"backup elsewhere"}


@pytest.mark.parametrize("settings", sorted(VIM))
def test_vim_saves_twice_before_the_first_is_sent(room, vim, settings):
    """Both texts are sent, or only the newest where the older one was removed; never one twice."""
    with open(room.path / "notes", "w", encoding="utf-8"):  # as long as it is open, all jobs wait
        with vim(VIM[settings]) as child:
            child.send("ione\x1b:w\r")
            until(lambda: (room.path / "prompt").exists() and room.text() == "one\n", "the first")
            child.send("A two\x1b:w\r:q\r")
        assert room.desk.standin.requests()[room.desk.before:] == []
    room.sent(["one two"] if settings in REMOVES else ["one", "one two"])
    assert room.text() == "one two\n"
    assert not list(room.path.glob("*.error.txt"))
    assert len(list(room.path.glob("*.jpg"))) == (1 if settings in REMOVES else 2)


VIM_COMMANDS = {
    ":w of the same text": (":w\r:q\r", ["old", "old"]),
    ":x of the same text": (":x\r", ["old"]),
    ":update of the same text": (":update\r:q\r", ["old"]),
    ":w of a part": ("oone\x1b:2w! prompt\r:q!\r", ["old", "one"]),
    ":w >>": ("Oone\x1b:1w >> prompt\r:q!\r", ["old", "old\none"]),
    ":saveas": ("ccone\x1b:saveas b.prompt\r:q\r", ["old", "one"]),
    ":w another name": ("ccone\x1b:w b.prompt\r:q!\r", ["old", "one"]),
    ":r and :w": (":r prompt\r:w\r:q\r", ["old", "old\nold"]),
    ":q": (":q\r", ["old"]),
    ":q!": ("ccone\x1b:q!\r", ["old"]),
    ":cq": ("ccone\x1b:preserve\r:q!\r", ["old"]),
    ":view": (":view\r:sp\r:vsplit .\r:qa\r", ["old"]),
}


@pytest.mark.parametrize("command", sorted(VIM_COMMANDS))
def test_vim_commands(room, vim, command):
    room.earlier()
    keys, expected = VIM_COMMANDS[command]
    with vim("set backup") as child:
        child.send(keys)
    room.sent(expected)


@pytest.mark.parametrize("program", ["view", "vimdiff"])
def test_vim_that_only_looks(room, program):
    need("vim")
    room.earlier()
    (room.path / "draft").write_text("one\n", encoding="utf-8")
    with terminal(room, program, "-i", "NONE", "prompt", "draft") as child:
        child.send(":qa\r")
    room.sent(["old"])


def test_what_vim_recovers_is_sent_once(room, vim):
    """Killed while writing: nothing; recovered from its swap file and saved: once."""
    with terminal(room, "sh", "-c", "vim -i NONE prompt; true") as child:
        child.send("ione\x1b:preserve\r:!kill -9 $PPID\r")
    room.sent([])
    assert (room.path / ".prompt.swp").exists()
    with vim("set backup", "-r") as child:
        child.send("\r:wq\r")
    room.sent(["one"])


NANO = {
    "as it comes": [],
    "--backup": ["--backup"],
    "--locking": ["--locking"],
    "--backup --locking": ["-B", "-G"],
    "--backupdir": ["--backup", "--backupdir=.old"],
    "--nonewlines": ["--nonewlines"],
    "--saveonexit": ["--saveonexit"],
}


@pytest.fixture
def nano(room):
    need("nano")
    (room.path / ".old").mkdir()

    def start(*options):
        return terminal(room, "nano", "--ignorercfiles", *options, "prompt")
    return start


@pytest.mark.parametrize("settings", sorted(NANO))
@pytest.mark.parametrize("before", [None, "old"])
def test_nano_saves(room, nano, settings, before):
    if before:
        room.earlier()
    with nano(*NANO[settings]) as child:
        child.expect("GNU nano")
        child.send("\x0b" if before else "")  # cut the line
        child.send("one" + ("\x18" if settings == "--saveonexit" else "\x13\x18"))
    room.sent(["old", "one"] if before else ["one"])


NANO_KEYS = {
    "write out": ("one\x0f\r\x18", ["oneold", "old"]),
    "write out under another name": ("one\x0f\x15b.prompt\ry\x18", ["old", "oneold"]),
    "saved twice": ("one\x13two\x13\x18", ["old", "oneold", "onetwoold"]),
    "exit": ("\x18", ["old"]),
    "exit, not saved": ("one\x18n", ["old"]),
    "search": ("\x17one\r\x18", ["old"]),
}


@pytest.mark.parametrize("what", sorted(NANO_KEYS))
def test_nano_keys(room, nano, what):
    room.earlier()
    keys, expected = NANO_KEYS[what]
    with nano("--backup") as child:
        child.expect("GNU nano")
        child.send(keys)
    room.sent(sorted(expected))


def test_the_lock_of_nano_is_no_prompt(room, nano):
    with nano("--locking") as child:
        child.expect("GNU nano")
        until(lambda: (room.path / ".prompt.swp").exists(), "the lock")
        child.send("\x18")
    room.sent([])


EMACS = {
    "as it comes": "nil",
    "no backups": "(setq make-backup-files nil)",
    "backups by copying": "(setq backup-by-copying t)",
    "numbered backups": "(setq version-control t)",
    "backups elsewhere": "(setq backup-directory-alist `((\".\" . ,(getenv \"out\"))))",
    "precious": "(setq file-precious-flag t)",
    "no lock files": "(setq create-lockfiles nil)",
    "no fsync": "(setq write-region-inhibit-fsync t)",
    "auto-save in place": "(setq auto-save-visited-file-name t)",
}


@pytest.fixture
def emacs(room):
    need("emacs")

    def start(settings="nil"):
        return terminal(room, "emacs", "-nw", "-Q", "--eval", settings, "prompt")
    return start


@pytest.mark.parametrize("settings", sorted(EMACS))
@pytest.mark.parametrize("before", [None, "old"])
def test_emacs_saves(room, emacs, settings, before):
    if before:
        room.earlier()
    with emacs(EMACS[settings]) as child:
        child.expect("Fundamental")
        child.send("\x0b" if before else "")
        child.send("one\x18\x13\x18\x03")
    room.sent(["old", "one"] if before else ["one"])
    if before:
        assert room.text() == "one\n"


EMACS_KEYS = {
    "saved twice": ("one\x18\x13two\x18\x13\x18\x03", ["old", "oneold", "onetwoold"]),
    "saved under another name": ("one\x18\x17b.prompt\r\x18\x03", ["old", "oneold"]),
    "the same text": ("\x18\x13\x18\x03", ["old"]),
    "exit": ("\x18\x03", ["old"]),
    "exit, not saved": ("one\x18\x03nyes\r", ["old"]),
    "appended": ("\x00\x05\x1bxappend-to-file\rb.prompt\r\x18\x03", ["old", "old"]),
}


@pytest.mark.parametrize("what", sorted(EMACS_KEYS))
def test_emacs_keys(room, emacs, what):
    room.earlier()
    keys, expected = EMACS_KEYS[what]
    with emacs() as child:
        child.expect("Fundamental")
        child.send(keys)
    room.sent(sorted(expected))


def test_what_emacs_saves_by_itself_is_no_prompt(room, emacs):
    with emacs() as child:
        child.expect("Fundamental")
        child.send("one\x1bxdo-auto-save\r")
        until(lambda: (room.path / "#prompt#").exists(), "what is saved by itself")
        assert (room.path / ".#prompt").is_symlink()
        child.send("\x18\x03nyes\r")
    room.sent([])


ED = {
    "w": ("a\none\n.\nw\nq\n", ["old", "old\none"]),
    "w twice": ("a\none\n.\nw\na\ntwo\n.\nw\nq\n", ["old", "old\none", "old\none\ntwo"]),
    "W": ("1c\none\n.\nW\nq\n", ["old", "old\none"]),
    "w another name": ("w b.prompt\nq\n", ["old", "old"]),
    "q": ("q\n", ["old"]),
    "Q": ("a\none\n.\nQ\n", ["old"]),
}


@pytest.mark.parametrize("what", sorted(ED))
def test_ed(room, what):
    need("ed")
    room.earlier()
    keys, expected = ED[what]
    with terminal(room, "ed", "prompt") as child:
        child.expect("4\r\n")
        child.send(keys)
    room.sent(expected)
