# SPDX-License-Identifier: MIT
"""The shells complete what the table of options has: asked of the shells themselves.

bash is asked through its function, as Readline calls it; fish by `complete -C`; zsh at a terminal,
with the key that completes. What is not installed is left out, but for bash.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("EASELFS_BUILD", "build")).resolve()
MADE = BUILD / "src"
LIMIT = 60
# What Readline takes for ends of words where nobody has changed it.
WORDBREAKS = " \t\n\"'><=;|&(:"


def table():
    """The long options of --help: {name: what its value is called, or None}."""
    text = subprocess.run([BUILD / "src" / "easelfs", "--help"], check=True, capture_output=True,
                          text=True, timeout=LIMIT).stdout
    found = re.findall(r"^  (?:-., |    )--([a-z-]+)(?:=([A-Z]+))?", text, re.MULTILINE)
    assert len(found) > 25
    return {name: value or None for name, value in found}


def bash(line, wordbreaks=WORDBREAKS, cwd=None):
    script = ('source "$1"; COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$3; _easelfs;'
              ' printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", MADE / "easelfs.bash", line,
                           wordbreaks], check=True, capture_output=True, text=True, timeout=LIMIT,
                          cwd=cwd)
    assert done.stderr == ""
    return done.stdout.split()


def fish(line, cwd=None):
    with tempfile.TemporaryDirectory() as home:  # it makes directories there
        done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]',
                               MADE / "easelfs.fish", line], check=True, capture_output=True,
                              text=True, timeout=LIMIT, cwd=cwd, env=dict(os.environ, HOME=home))
    assert done.stderr == ""
    return [row.split("\t")[0] for row in done.stdout.splitlines()]


class Terminal:
    """zsh at a terminal, with nothing but its completion system and ours."""

    SETUP = r"""
        PROMPT=; RPROMPT=; unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste
        fpath=($FUNCTIONS $fpath)
        autoload -U compinit; compinit -u -D
        show() { print -r -- "$BUFFER" >$RESULT; BUFFER=; zle redisplay; print -n READY }
        zle -N show; bindkey '^X' show; bindkey '^I' complete-word; print READY
    """

    def __init__(self, directory):
        functions = directory / "functions"
        functions.mkdir()
        shutil.copy(MADE / "easelfs.zsh", functions / "_easelfs")
        self.result = directory / "result"
        (directory / "setup").write_text(self.SETUP, encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(directory),
                       "FUNCTIONS": str(functions), "RESULT": str(self.result), "LC_ALL": "C.UTF-8"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        self.send(". ./setup\n")
        self.read_until("READY\r\n")

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, word):
        text, end = "", time.monotonic() + LIMIT
        while word not in text:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"{word} does not come: {text!r}"
            text += os.read(self.fd, 65536).decode(errors="replace")
        return text

    def complete(self, line):
        """What the line is after the key; what was shown meanwhile is in `shown`."""
        self.send(f"{line}\t\x18")
        self.shown = self.read_until("READY")
        return self.result.read_text(encoding="utf-8").rstrip("\n")

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(name="zsh")
def zsh_fixture(tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


needs_fish = pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")


def test_bash_has_every_option():
    names = {f"--{name}{'=' if value else ''}" for name, value in table().items()}
    assert {word for word in bash("easelfs --") if word.startswith("--")} == names
    assert {"-o", "-f", "-d", "-s", "-h", "-V"} <= set(bash("easelfs -"))


@pytest.mark.parametrize("wordbreaks,cut", [(WORDBREAKS, ""), (" \t\n", "--auth=")])
def test_bash_values(wordbreaks, cut):
    assert bash("easelfs --auth=", wordbreaks) == [f"{cut}bearer", f"{cut}goog"]
    assert bash("easelfs --auth=b", wordbreaks) == [f"{cut}bearer"]
    assert bash("easelfs --auth g", wordbreaks) == ["goog"]
    assert bash("easelfs --demo --resend a", wordbreaks) == ["ask", "always"]


def test_bash_lists():
    assert bash("easelfs --models=auto,gemini-3-") == ["auto,gemini-3-pro-image-preview"]
    assert bash("easelfs -o ro,log_l") == ["ro,log_level="]
    assert bash("easelfs -o ro,log_level=de", " ") == ["ro,log_level=debug"]
    assert bash("easelfs -o ro,log_level=de") == ["debug"]
    assert bash("easelfs -oro,noat") == ["-oro,noatime"]
    keys = {name.replace("-", "_") for name in table()}
    assert keys - {word.rstrip("=") for word in bash("easelfs -o ")} == {
        "help", "version", "check", "print_config", "config", "fuse_options"}


def test_bash_paths(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pearls.txt").touch()
    assert bash("easelfs p", cwd=tmp_path) == ["pictures"]
    assert bash("easelfs --store=p", cwd=tmp_path) == ["pictures"]
    assert sorted(bash("easelfs --ca-file p", cwd=tmp_path)) == ["pearls.txt", "pictures"]
    assert bash("easelfs -o ro,api_key_file=pe", cwd=tmp_path) == ["pearls.txt"]


@needs_fish
def test_fish_has_every_option():
    assert {f"--{name}" for name in table()} <= {word.rstrip("=") for word in fish("easelfs --")}


@needs_fish
def test_fish_values(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pearls.txt").touch()
    assert fish("easelfs --auth=") == ["--auth=bearer", "--auth=goog"]
    assert fish("easelfs --auth b") == ["bearer"]
    assert fish("easelfs --models=auto,gemini-3-") == [
        "--models=auto,gemini-3-pro-image-preview"]
    assert fish("easelfs -o ro,log_level=de") == ["ro,log_level=debug"]
    assert fish("easelfs -o ro,noat") == ["ro,noatime"]
    assert fish("easelfs p", cwd=tmp_path) == ["pictures/"]
    assert fish("easelfs --store p", cwd=tmp_path) == ["pictures/"]
    assert sorted(fish("easelfs --ca-file p", cwd=tmp_path)) == ["pearls.txt", "pictures/"]


def test_zsh_has_every_option(zsh):
    names = table()
    for name, value in names.items():
        if any(other.startswith(name) for other in names if other != name):
            continue  # not to be completed: the longer ones begin with it
        line = zsh.complete(f"easelfs --{name[:-1]}")
        assert line.rstrip(" ,") == f"easelfs --{name}{'=' if value else ''}", zsh.shown


def test_zsh_values(zsh, tmp_path):
    (tmp_path / "pictures").mkdir()
    assert zsh.complete("easelfs --auth=b") == "easelfs --auth=bearer "
    assert zsh.complete("easelfs --models=auto,gemini-3-p").rstrip(" ,") == (
        "easelfs --models=auto,gemini-3-pro-image-preview")
    assert zsh.complete("easelfs -o ro,log_l").rstrip(" ,") == "easelfs -o ro,log_level="
    assert zsh.complete("easelfs -o ro,log_level=de").rstrip(" ,") == "easelfs -o ro,log_level=debug"
    assert zsh.complete("easelfs pict").rstrip(" ,") == "easelfs pictures/"
    zsh.complete("easelfs --res")
    assert "how" not in zsh.shown and "what a crash cut off: ask" in zsh.shown
