# SPDX-License-Identifier: MIT
"""One request for each save by a shell: its redirections, appends, groups, and what it forks.

Those of bash are in tests/mount/test_commit_programs.py, as every line there is run by it.
"""

import pytest

from clients import need, terminal
from harness import shell, until

# What each shell of the POSIX kind does in a workspace, and the prompts to be sent, sorted.
LINES = {
    ">": ("echo one > prompt", ["one"]),
    "> over what was sent": ("echo one > prompt; cat .wait; echo two > prompt", ["one", "two"]),
    ">> of nothing": ("echo one >> prompt", ["one"]),
    ">> of what was sent": ("echo one > prompt; cat .wait; echo two >> prompt",
                            ["one", "one\ntwo"]),
    ">|": ("set -C; : > prompt; echo one >| prompt", ["one"]),
    "<>": ("echo one 1<> prompt", ["one"]),
    "exec": ("exec 3> prompt; echo a >&3; /bin/echo b >&3; echo c >&3; exec 3>&-", ["a\nb\nc"]),
    "exec >>": ("exec 3>> prompt; echo a >&3; echo b >&3; exec 3>&-", ["a\nb"]),
    "exec of its own output": ("exec > prompt; echo a; /bin/echo b", ["a\nb"]),
    "group": ("{ echo a; /bin/echo b; echo c; } > prompt", ["a\nb\nc"]),
    "group of appends": ("{ echo a; /bin/echo b; } >> prompt", ["a\nb"]),
    "subshell": ("( echo a; /bin/echo b ) > prompt", ["a\nb"]),
    "nested": ("{ echo a; ( echo b; { /bin/echo c; } ); } > prompt", ["a\nb\nc"]),
    "function": ("f() { echo a; /bin/echo b; }; f > prompt", ["a\nb"]),
    "loop": ("for i in 1 2 3; do echo $i; done > prompt", ["1\n2\n3"]),
    "loop of forks": ("for i in 1 2 3; do /bin/echo $i; done > prompt", ["1\n2\n3"]),
    "pipe into a loop": ("seq 3 | while read i; do /bin/echo $i; done > prompt", ["1\n2\n3"]),
    "forked": ("{ echo a; { sleep 0.05; echo b; } & } > prompt; wait", ["a\nb"]),
    "forked, and not waited for": ("{ echo a; { sleep 0.05; echo b; } & } > prompt", ["a\nb"]),
    "group that takes its time": ("{ /bin/echo a; sleep 0.2; /bin/echo b; } > prompt", ["a\nb"]),
    "exec that takes its time": ("exec 3> prompt; echo a >&3; sleep 0.2; echo b >&3; exec 3>&-",
                                 ["a\nb"]),
    "a child that stays": ("( sleep 0.2 & echo one ) > prompt", ["one"]),
    "here document": ("cat > prompt <<END\none\n$((1 + 1))\nEND", ["one\n2"]),
    "pipe": ("echo one | tr o 0 > prompt", ["0ne"]),
    "command substitution": ("echo \"$(echo a; echo b)\" > prompt", ["a\nb"]),
    "output and errors": ("{ echo a; echo b >&2; } > prompt 2>&1", ["a\nb"]),
    "errors": ("echo one 2> b.prompt >&2", ["one"]),
    "two prompts": ("echo one > prompt 2> b.prompt", ["one"]),
    "saved descriptors": ("exec 3>&1; exec > prompt; echo one; exec >&3; echo two", ["one"]),
    "eval": ("eval 'echo one > prompt'", ["one"]),
    "trap": ("trap 'echo one > prompt' EXIT", ["one"]),
    "emptied": (": > prompt; printf '' > prompt; : >> prompt; touch prompt", []),
    "emptied after it was sent": ("echo one > prompt; cat .wait; : > prompt", ["one"]),
    "opened": ("exec 3>> prompt; exec 3>&-; exec 3<> prompt; exec 3>&-", []),
}
POSIX = ["dash", "zsh", "mksh", "busybox sh"]

ZSH = {
    "multios": ("echo one > prompt > b.prompt", ["one", "one"]),
    "multios into a pipe": ("echo one > prompt | cat > b.prompt", ["one", "one"]),
    ">!": ("setopt noclobber; : > prompt; echo one >! prompt", ["one"]),
    "print": ("print -r -- one > prompt; wait", ["one"]),
    "=(...)": ("mv =(echo one) prompt", ["one"]),
    ">(...)": ("echo one | tee >(cat > prompt) > $out/a; wait", ["one"]),
    "zf_mv": ("zmodload zsh/files; echo one > draft; zf_mv draft prompt", ["one"]),
    "mapfile": ("zmodload zsh/mapfile; mapfile[prompt]=one", ["one"]),
    "sysopen": ("zmodload zsh/system; sysopen -w -o creat -u 3 prompt; syswrite -o 3 one", ["one"]),
    "a descriptor by name": ("exec {fd}> prompt; print -u $fd one; exec {fd}>&-", ["one"]),
}

FISH = {
    ">": ("echo one > prompt", ["one"]),
    ">>": ("echo one >> prompt", ["one"]),
    ">> of what was sent": ("echo one > prompt; cat .wait; echo two >> prompt",
                            ["one", "one\ntwo"]),
    ">?": ("echo one >? prompt; echo two >? prompt; true", ["one"]),
    "printf": ("printf '%s' 'one two' > prompt", ["one two"]),
    "block": ("begin; echo a; echo b; end > prompt", ["a\nb"]),
    "loop": ("for i in 1 2 3; echo $i; end > prompt", ["1\n2\n3"]),
    "loop of appends": ("for i in 1 2 3; echo $i; end >> prompt", ["1\n2\n3"]),
    "function": ("function f; echo a; echo b; end; f > prompt", ["a\nb"]),
    "pipe": ("echo one | string replace o 0 > prompt", ["0ne"]),
    "psub": ("cp (echo one | psub) prompt", ["one"]),
    "output and errors": ("begin; echo a; echo b >&2; end &> prompt", ["a\nb"]),
    "string": ("string join \\n a b > prompt", ["a\nb"]),
    "emptied": ("echo -n > prompt; true > prompt; touch prompt", []),
}

BUSYBOX = {
    "cp": ("busybox cp $out/a prompt", ["one"]),
    "cp over": ("touch prompt; busybox cp $out/a prompt", ["one"]),
    "mv": ("busybox mv $out/a prompt", ["one"]),
    "tee": ("busybox tee prompt < $out/a > $out/b", ["one"]),
    "dd": ("busybox dd if=$out/a of=prompt 2> $out/b", ["one"]),
    "sed -i": ("busybox cp $out/a prompt; cat .wait; busybox sed -i s/one/two/ prompt",
               ["one", "two"]),
    "sort -o": ("printf 'b\\na\\n' > prompt; cat .wait; busybox sort -o prompt prompt",
                ["a\nb", "b\na"]),
    "emptied": (": > prompt; busybox touch prompt; busybox truncate -s 0 prompt", []),
}


@pytest.mark.parametrize("what", sorted(LINES))
@pytest.mark.parametrize("program", POSIX)
def test_a_shell(room, program, what):
    need(program.split()[0])
    line, expected = LINES[what]
    shell(f"exec {program} -c \"$line\"", room.path, env={**room.env, "line": line})
    room.sent(expected)


@pytest.mark.parametrize("what", sorted(ZSH))
def test_zsh(room, what):
    need("zsh")
    line, expected = ZSH[what]
    shell(line, room.path, "zsh", env=room.env)
    room.sent(expected)


@pytest.mark.parametrize("what", sorted(FISH))
def test_fish(room, what):
    need("fish")
    line, expected = FISH[what]
    shell(line, room.path, "fish", env=room.env)
    room.sent(expected)


@pytest.mark.parametrize("what", sorted(BUSYBOX))
def test_busybox(room, what):
    need("busybox")
    line, expected = BUSYBOX[what]
    (room.out / "a").write_text("one\n", encoding="utf-8")
    shell(line, room.path, env=room.env)
    room.sent(expected)


INTERACTIVE = {"bash": ["--norc", "-i"], "dash": ["-i"], "zsh": ["-f", "-i"],
               "fish": ["--no-config", "-i"], "mksh": ["-i"], "busybox": ["sh", "-i"]}


@pytest.mark.parametrize("program", sorted(INTERACTIVE))
def test_typed_at_a_shell(room, program):
    """With line editing, and completion of the names that the shell looks up for it."""
    if program != "bash":
        need(program)
    if program == "fish":
        room.env["fish_greeting"] = ""
    (room.path / "draft").write_text("two\n", encoding="utf-8")
    with terminal(room, program, *INTERACTIVE[program]) as child:
        child.send("echo one > prompt\r")
        until(lambda: (room.path / "prompt").exists(), "the prompt")
        child.send("cat dra\t >> prompt\r" if program != "dash" else "cat draft >> prompt\r")
        until(lambda: room.text() == "one\ntwo\n", "the line that is appended")
        child.send("ls -l pro\t > /dev/null; exit\r" if program != "dash" else "exit\r")
    room.sent(["one", "one\ntwo"])


WRITERS = {
    "cat": "cat > prompt",
    "cat >>": "cat >> prompt",
    "tee": "tee prompt",
    "sed": "sed -u w\\ prompt",
    "a loop": "while read -r line; do echo \"$line\"; done > prompt",
    "a loop of forks": "while read -r line; do /bin/echo \"$line\"; done > prompt",
    "a group": "{ cat; } > prompt",
    "exec": "exec > prompt; cat",
}


@pytest.mark.parametrize("what", sorted(WRITERS))
@pytest.mark.parametrize("program", ["bash", "dash", "zsh", "mksh"])
def test_control_c_while_typing_sends_nothing(room, program, what):
    """The terminal sends the signal, as it does for a person."""
    if program != "bash":
        need(program)
    if program == "mksh" and what.startswith("a loop"):
        pytest.skip("mksh catches the signal, and closes the file as after any loop")
    with terminal(room, "sh", "-c", "trap : INT; \"$0\" -c \"$1\"; true", program,
                  WRITERS[what]) as child:
        child.sendline("half a text")
        until(lambda: (room.path / "prompt").exists()
              and room.text() == "half a text\n", "what was typed")
        child.send("\x03")
    room.sent([])


def test_control_d_while_typing_sends_once(room):
    with terminal(room, "sh", "-c", "cat > prompt") as child:
        child.send("a\rb\r")
        until(lambda: (room.path / "prompt").exists() and room.text() == "a\nb\n", "two lines")
        child.send("\x04")
    room.sent(["a\nb"])


def test_control_c_of_a_program_that_catches_it_and_closes_its_file_sends(room):
    """Its close is like any other: dd writes its figures, and what it has read stands."""
    with terminal(room, "sh", "-c", "trap : INT; dd of=prompt bs=1; true") as child:
        child.sendline("one")
        until(lambda: (room.path / "prompt").exists() and room.text() == "one\n", "what was typed")
        child.send("\x03")
    room.sent(["one"])
