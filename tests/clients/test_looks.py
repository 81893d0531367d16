# SPDX-License-Identifier: MIT
"""Programs that look, on a terminal or not, send nothing; see tests/mount/test_look.py, too."""

import pytest

from clients import need, need_for, terminal
from harness import png, shell, until

LINES = {
    "less": "less prompt > $out/b; less -f *.jpg README.txt ../status.txt > $out/b || true",
    "ls -R": "ls -laRZ .. > $out/b; ls -l --color .wait > $out/b",
    "grep -r": "grep -rI one . ../status.txt > $out/b; grep -rl nothing . > $out/b || true",
    "find": "find .. -type f -exec head -c 10 {} + > $out/b; find . -name '*.prompt' -delete",
    "file": "file -i * > $out/b",
    "stat": "stat * .wait .prompt.wait > $out/b; stat -f . > $out/b; test -e prompt -a -r prompt",
    "cp out": "cp -r . $out/c; cp --preserve=all prompt *.jpg $out; cp -ru * $out",
    "rsync out": "rsync -aHAXS . $out/c; rsync -rc . $out/c; rsync -n -ai . $out/c",
    "rsync --remove-source-files": "cp *.jpg b.jpg; rsync --remove-source-files b.jpg $out",
    "tar": "tar czf $out/t .; tar df $out/t; tar --compare -f $out/t || true",
    "cpio": "find . | cpio -o --quiet > $out/c",
    "du": "du -a --apparent-size .. > $out/b; du -h prompt > $out/b",
    "touch": "touch prompt b.prompt; touch -m -t 200101010000 prompt; rm b.prompt",
    "emptied": ": > prompt; cp /dev/null prompt; truncate -s 0 prompt; dd of=prompt < /dev/null"
               " 2> $out/b; curl -s -o prompt file:///dev/null; sed -i d prompt; perl -pi -e 1 prompt",
    "curl": "curl -s file://$PWD/prompt > $out/b",
    "git": "git init -q $out/r; GIT_DIR=$out/r/.git git --work-tree=. add -A; GIT_DIR=$out/r/.git git"
           " --work-tree=. status --short > $out/b",
    "zsh": "zsh -fc 'ls **/*(.) > $out/b; print *(om[1]) > $out/b; [[ -s prompt ]]; cd ..; cd -q -'",
    "fish": "fish -c 'ls **; cat prompt; complete -C \"cat pro\"; test -s prompt' > $out/b",
    "perl": "perl -ne 1 prompt *.jpg; perl -MFile::Find -e 'find(sub { -T }, \".\")'",
    "python": "python3 -c 'import os, shutil, filecmp\nshutil.copytree(\".\", os.environ[\"out\"] +"
              " \"/c\")\nfilecmp.dircmp(\".\", os.environ[\"out\"] + \"/c\").report()' > $out/b",
    "gio": "gio cat prompt > $out/b; gio info -f . > $out/b; gio list -la . > $out/b; gio copy prompt"
           " $out/c; gio tree > $out/b; gio set prompt user::a b 2> $out/b || true",
    "node": "node -e 'const fs = require(\"fs\"); fs.cpSync(\".\", process.env.out + \"/c\","
            " { recursive: true }); fs.watch(\".\").close()'",
    "emacs": "emacs --batch -Q prompt --eval '(dired \".\")'",
}


@pytest.fixture
def looked_at(room):
    """A workspace with everything in it that there is to look at."""
    room.earlier()
    (room.path / "low").mkdir()
    (room.path / "low" / "a.png").write_bytes(png(1))
    return room


@pytest.mark.parametrize("what", sorted(LINES))
def test_looking_sends_nothing(looked_at, what):
    need_for(LINES[what])
    shell(LINES[what], looked_at.path, env=looked_at.env)
    looked_at.sent(["old"])


SCREENS = {
    "less": (["less", "prompt"], "old", "q"),
    "less and v": (["less", "--follow-name", "prompt"], "old", "/x\rq"),
    "nano": (["nano", "-I", "prompt"], "GNU nano", "\x18"),
    "nano -v": (["nano", "-I", "-v", "prompt"], "GNU nano", "\x18"),
    "vim": (["vim", "-i", "NONE", "prompt"], "prompt", ":q\r"),
    "vim on the folder": (["vim", "-i", "NONE", "."], "prompt", ":q\r"),
    "emacs": (["emacs", "-nw", "-Q", "prompt"], "Fundamental", "\x18\x03"),
    "emacs on the folder": (["emacs", "-nw", "-Q", "."], "Dired", "\x18\x03"),
}


@pytest.mark.parametrize("what", sorted(SCREENS))
def test_looking_on_a_terminal_sends_nothing(looked_at, what):
    command, shown, keys = SCREENS[what]
    need(command[0])
    with terminal(looked_at, *command) as child:
        child.expect(shown)
        child.send(keys)
    looked_at.sent(["old"])


def test_nano_that_is_left_without_a_text_makes_nothing(room):
    need("nano")
    with terminal(room, "nano", "-I", "prompt") as child:
        child.expect("GNU nano")
        child.send("\x18")
    assert not (room.path / "prompt").exists()
    room.sent([])


def test_a_tail_that_follows_sees_what_is_saved_and_sends_nothing(looked_at):
    with terminal(looked_at, "sh", "-c", "trap : INT; tail -n +1 -F prompt; true") as child:
        child.expect("old")
        (looked_at.path / "prompt").write_text("old\nnew\n", encoding="utf-8")
        child.expect("new")
        child.send("\x03")
    looked_at.sent(["old", "old\nnew"])
    until(lambda: (looked_at.path / "prompt").stat().st_size == 8, "its size")
