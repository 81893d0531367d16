# SPDX-License-Identifier: MIT
"""One request for each save, whichever program saves, and none for what is no save."""

import os
import shutil

import pytest

from harness import shell

# What is done in a workspace, with the prompts that have to be sent for it, sorted. `$out` is a
# directory on another file system.
SAVES = {
    "echo": ("echo one > prompt", ["one"]),
    "echo without a line end": ("echo -n one > prompt", ["one"]),
    "echo >>": ("echo one >> prompt", ["one"]),
    "printf": ("printf 'one two' > prompt", ["one two"]),
    "/bin/echo": ("/bin/echo one > prompt", ["one"]),
    "dash": ("dash -c 'echo one > prompt'", ["one"]),
    "here document": ("cat > prompt <<END\none\ntwo\nEND", ["one\ntwo"]),
    "here string": ("cat > prompt <<< one", ["one"]),
    "noclobber": ("set -C; echo one > prompt", ["one"]),
    "group": ("{ echo a; echo b; } > prompt", ["a\nb"]),
    "group of programs": ("{ /bin/echo a; /bin/echo b; /bin/echo c; } > prompt", ["a\nb\nc"]),
    "subshell": ("( echo a; /bin/echo b ) > prompt", ["a\nb"]),
    "loop": ("for i in 1 2 3; do echo $i; done > prompt", ["1\n2\n3"]),
    "loop of appends": ("for i in 1 2; do echo $i; done >> prompt", ["1\n2"]),
    "pipe into a loop": ("seq 3 | while read i; do /bin/echo $i; done > prompt", ["1\n2\n3"]),
    "exec": ("exec 3> prompt; echo a >&3; /bin/echo b >&3; exec 3>&-", ["a\nb"]),
    "exec, closed at exit": ("exec 3> prompt; echo a >&3; /bin/echo b >&3", ["a\nb"]),
    "background": ("(echo a; echo b) > prompt & wait", ["a\nb"]),
    "background child": ("( { echo b; } & echo a; wait ) | sort > prompt", ["a\nb"]),
    "inherited descriptor": ("exec 3> prompt; echo a >&3; (exec 3>&-; true); exec 3>&-", ["a"]),
    "stdout and stderr": ("{ echo a; echo b >&2; } > prompt 2>&1", ["a\nb"]),
    "tee": ("echo one | tee prompt > /dev/null", ["one"]),
    "tee -a": ("echo one | tee -a prompt > /dev/null", ["one"]),
    "tee to two prompts": ("echo one | tee prompt b.prompt > /dev/null", ["one", "one"]),
    "dd": ("printf one | dd of=prompt status=none", ["one"]),
    "dd bs=1": ("printf 'one by one' | dd of=prompt bs=1 status=none", ["one by one"]),
    "dd conv=notrunc": ("echo one | dd of=prompt conv=notrunc status=none", ["one"]),
    "dd conv=fsync": ("echo one | dd of=prompt conv=fsync status=none", ["one"]),
    "dd oflag=append": ("echo one | dd of=prompt oflag=append conv=notrunc status=none", ["one"]),
    "cp": ("echo one > $out/a; cp $out/a prompt", ["one"]),
    "cp -a": ("echo one > $out/a; chmod 600 $out/a; cp -a $out/a prompt", ["one"]),
    "cp -p read-only": ("echo one > $out/a; chmod 444 $out/a; cp -p $out/a prompt", ["one"]),
    "cp --remove-destination": ("touch prompt; echo one > $out/a;"
                                " cp --remove-destination $out/a prompt", ["one"]),
    "cp --sparse": ("echo one > $out/a; cp --sparse=always $out/a prompt", ["one"]),
    "cp of notes here": ("echo one > notes; cp notes prompt", ["one"]),
    "cp --reflink": ("echo one > notes; cp --reflink=auto notes prompt", ["one"]),
    "mv from elsewhere": ("echo one > $out/a; mv $out/a prompt", ["one"]),
    "mv from elsewhere, over": ("touch prompt; echo one > $out/a; mv -f $out/a prompt", ["one"]),
    "mv within": ("echo one > draft; mv draft prompt", ["one"]),
    "mv within, over": ("touch prompt; echo one > draft; mv draft prompt", ["one"]),
    "mv -n": ("echo one > draft; mv -n draft prompt", ["one"]),
    "mv from below": ("mkdir low; echo one > low/draft; mv low/draft prompt", ["one"]),
    "install": ("echo one > $out/a; install $out/a prompt", ["one"]),
    "install -m 444": ("echo one > $out/a; install -m 444 $out/a prompt", ["one"]),
    "sed -i": ("echo one > draft; mv draft prompt; cat .wait; sed -i s/one/two/ prompt",
               ["one", "two"]),
    "sed -i.bak": ("echo one > draft; sed -i.bak s/one/two/ draft; mv draft prompt", ["two"]),
    "sed -i.bak of a prompt": ("echo one > prompt; cat .wait; sed -i.bak s/one/two/ prompt",
                               ["one", "two"]),
    "sed w": ("echo one | sed 'w prompt' > /dev/null", ["one"]),
    "perl -i": ("echo one > prompt; cat .wait; perl -pi -e s/one/two/ prompt", ["one", "two"]),
    "perl -i.bak": ("echo one > prompt; cat .wait; perl -pi.bak -e s/one/two/ prompt",
                    ["one", "two"]),
    "perl": ("perl -e 'open F, \">prompt\"; print F \"one\"; close F'", ["one"]),
    "awk": ("awk 'BEGIN { print \"one\" > \"prompt\" }'", ["one"]),
    "sort -o": ("printf 'b\\na\\n' > prompt; cat .wait; sort -o prompt prompt", ["a\nb", "b\na"]),
    "split": ("echo one | split -b 100 --additional-suffix=.prompt - x", ["one"]),
    "csplit": ("printf 'a\\nb\\n' > text; csplit -s -b %d.prompt text 2", ["a", "b"]),
    "tar": ("echo one > $out/prompt; tar cf - -C $out prompt | tar xf -", ["one"]),
    "tar over": ("touch prompt; echo one > $out/prompt; tar cf - -C $out prompt | tar xf -",
                 ["one"]),
    "rsync": ("echo one > $out/prompt; rsync $out/prompt .", ["one"]),
    "rsync -a": ("echo one > $out/prompt; rsync -a $out/prompt .", ["one"]),
    "rsync -a twice": ("echo one > $out/prompt; rsync -a $out/prompt .; cat .wait;"
                       " rsync -a $out/prompt .", ["one"]),
    "rsync --inplace": ("echo one > $out/prompt; rsync --inplace $out/prompt .", ["one"]),
    "rsync --partial-dir": ("echo one > $out/prompt; rsync --partial-dir=.part $out/prompt .",
                            ["one"]),
    "rsync --delay-updates": ("echo one > $out/prompt; rsync --delay-updates $out/prompt .",
                              ["one"]),
    "curl -o": ("echo one > $out/a; curl -s -o prompt file://$out/a", ["one"]),
    "python write": ("python3 -c \"open('prompt', 'w').write('one')\"", ["one"]),
    "python with": ("python3 -c \"with open('prompt', 'w') as f:\n f.write('one\\n')\n f.flush()\n"
                    " f.write('two')\"", ["one\ntwo"]),
    "python fsync": ("python3 -c \"import os\nwith open('prompt', 'w') as f:\n f.write('one')\n"
                     " f.flush()\n os.fsync(f.fileno())\"", ["one"]),
    "python r+": ("echo 'one long' > prompt; cat .wait; python3 -c \"with open('prompt', 'r+') as"
                  " f:\n f.write('two')\n f.truncate()\"", ["one long", "two"]),
    "python replace": ("python3 -c \"import os\nopen('tmp', 'w').write('one')\n"
                       "os.replace('tmp', 'prompt')\"", ["one"]),
    "python tempfile": ("python3 -c \"import os, tempfile\n"
                        "f = tempfile.NamedTemporaryFile('w', dir='.', delete=False)\n"
                        "f.write('one')\nf.close()\nos.rename(f.name, 'prompt')\"", ["one"]),
    "python renames while open": ("python3 -c \"import os\nf = open('tmp', 'w')\nf.write('one')\n"
                                  "f.flush()\nos.rename('tmp', 'prompt')\nf.close()\"", ["one"]),
    "python writes after renaming": ("python3 -c \"import os\nf = open('tmp', 'w')\n"
                                     "f.write('one ')\nf.flush()\nos.rename('tmp', 'prompt')\n"
                                     "f.write('two')\nf.close()\"", ["one two"]),
    "python appends by descriptor": ("python3 -c \"import os\nfd = os.open('prompt', os.O_WRONLY |"
                                     " os.O_CREAT | os.O_APPEND)\nos.write(fd, b'one ')\n"
                                     "os.write(fd, b'two')\"", ["one two"]),
    "python subprocess": ("python3 -c \"import subprocess\nwith open('prompt', 'w') as f:\n"
                          " subprocess.run(['/bin/echo', 'a'], stdout=f)\n"
                          " subprocess.run(['/bin/echo', 'b'], stdout=f)\"", ["a\nb"]),
    # They open it close-on-exec: execve closes it in the child, and waits there for our answer.
    "python executes": ("python3 -c \"import os\nf = open('prompt', 'w')\nf.write('one')\n"
                        "f.flush()\nif os.fork() == 0:\n os.execv('/bin/true', ['true'])\n"
                        "os.wait()\"", ["one"]),
    "python becomes another": ("python3 -c \"import os\nf = open('prompt', 'w')\n"
                               "f.write('one')\nf.flush()\nos.execv('/bin/true', ['true'])\"",
                               ["one"]),
    "perl executes": ("perl -e 'open F, \">prompt\"; syswrite F, \"a\"; system \"/bin/true\";"
                      " syswrite F, \"b\"; `/bin/true`; close F'", ["ab"]),
    "python maps": ("python3 -c \"import mmap\nwith open('prompt', 'w+b') as f:\n"
                    " f.write(b'...')\n f.flush()\n m = mmap.mmap(f.fileno(), 3)\n"
                    " f.close()\n m[:] = b'one'\n m.close()\"", ["one"]),
    "python positions": ("python3 -c \"import os\nfd = os.open('prompt', os.O_RDWR | os.O_CREAT)\n"
                         "os.pwrite(fd, b'two', 4)\nos.pwrite(fd, b'one ', 0)\"", ["one two"]),
    "python sendfile": ("echo one > notes; python3 -c \"import os\na = os.open('notes', 0)\n"
                        "b = os.open('prompt', os.O_WRONLY | os.O_CREAT)\n"
                        "os.sendfile(b, a, 0, 100)\"", ["one"]),
    "python copy_file_range": ("echo one > notes; python3 -c \"import os\n"
                               "a = os.open('notes', 0)\n"
                               "b = os.open('prompt', os.O_WRONLY | os.O_CREAT)\n"
                               "os.copy_file_range(a, b, 100)\"", ["one"]),
    "node": ("node -e \"require('fs').writeFileSync('prompt', 'one')\"", ["one"]),
    "node appends": ("node -e \"require('fs').appendFileSync('prompt', 'one')\"", ["one"]),
    "vim": ("vim -es -u NONE -c 'normal aone' -c wq prompt; true", ["one"]),
    "vim twice": ("vim -es -u NONE -c 'normal aone' -c w -c 'normal a two' -c wq prompt; true",
                  ["one", "one two"]),
    "vim with a backup": ("touch prompt; vim -es -u NONE -c 'set backup backupcopy=no'"
                          " -c 'normal aone' -c wq prompt; true", ["one"]),
    "vim with a copy": ("touch prompt; vim -es -u NONE -c 'set backup backupcopy=yes'"
                        " -c 'normal aone' -c wq prompt; true", ["one"]),
    "vim with undo": ("touch prompt; vim -es -u NONE -c 'set undofile undodir=.'"
                      " -c 'normal aone' -c wq prompt; true", ["one"]),
    "ex": ("printf 'a\\none\\n.\\nwq\\n' | ex -s -u NONE prompt; true", ["one"]),
    "ed": ("printf 'a\\none\\n.\\nw\\nq\\n' | ed -s prompt", ["one"]),
    "gio copy": ("echo one > $out/a; gio copy $out/a prompt", ["one"]),
    "gio copy over": ("touch prompt; echo one > $out/a; gio copy $out/a prompt", ["one"]),
    "gio move": ("echo one > $out/a; gio move $out/a prompt", ["one"]),
    "gio save": ("echo one | gio save prompt", ["one"]),
    "gio save over": ("echo one > prompt; cat .wait; echo two | gio save prompt", ["one", "two"]),
    "gio save -b": ("echo one > prompt; cat .wait; echo two | gio save -b prompt",
                    ["one", "two"]),
    "patch": ("echo one > prompt; cat .wait; printf '%s\\n' '--- prompt' '+++ prompt' '@@ -1 +1 @@'"
              " '-one' '+two' | patch -s prompt", ["one", "two"]),
    "unzip": ("echo one > $out/prompt; (cd $out && zip -q a.zip prompt); unzip -q $out/a.zip",
              ["one"]),
    "git checkout": ("git init -q $out/r && echo one > $out/r/prompt && git -C $out/r add . &&"
                     " git -C $out/r --work-tree=$PWD checkout-index -a", ["one"]),
    "busybox": ("busybox sh -c 'echo one > prompt'", ["one"]),
    "xxd": ("printf 6f6e65 | xxd -r -p - prompt", ["one"]),
    "script": ("script -qc 'echo one > prompt' /dev/null > /dev/null", ["one"]),
    # Again and again
    "rsync of a tree": ("mkdir -p $out/t/low; echo one > $out/t/prompt; echo two > $out/t/low/prompt;"
                        " rsync -r --delay-updates $out/t/ .", ["one", "two"]),
    "the same text again": ("echo one > prompt; cat .wait; echo one > prompt", ["one", "one"]),
    "another text": ("echo one > prompt; cat .wait; echo two > prompt", ["one", "two"]),
    "an append to what was sent": ("echo one > prompt; cat .wait; echo two >> prompt",
                                   ["one", "one\ntwo"]),
    "two appends": ("echo one >> prompt; echo two >> prompt", ["one", "one\ntwo"]),
    "two prompts": ("echo one > prompt; echo two > cat.prompt", ["one", "two"]),
    "save, move away, save": ("echo one > prompt; mv prompt old; echo two > prompt",
                              ["one", "two"]),
    "emptied, then written": (": > prompt; echo one > prompt", ["one"]),
    "emptied after it was sent": ("echo one > prompt; cat .wait; : > prompt; : > prompt", ["one"]),
    "written, then emptied at once": ("echo one > prompt; : > prompt", ["one"]),
    "cut shorter": ("printf one-two > prompt; cat .wait; truncate -s 3 prompt",
                    ["one", "one-two"]),
}


@pytest.mark.parametrize("program", sorted(SAVES))
def test_a_save_is_one_request(desk, tmp_path, program):
    line, expected = SAVES[program]
    if not shutil.which(program.split()[0]) and line.startswith(program.split()[0] + " "):
        pytest.skip(f"no {program.split()[0]} here")
    for needed in ("gio", "vim", "zip", "busybox", "xxd", "node", "ed", "git"):
        if f"{needed} " in line and not shutil.which(needed):
            pytest.skip(f"no {needed} here")
    shell(line, desk.path, env={**os.environ, "out": str(tmp_path), "HOME": str(tmp_path)})
    assert desk.prompts() == expected


NO_SAVES = {
    "nothing": "true",
    "touch": "touch prompt; touch prompt; touch a.prompt",
    "emptying": ": > prompt; printf '' > prompt; : >> prompt",
    "truncate": "truncate -s 0 prompt",
    "cp of nothing": "cp /dev/null prompt",
    "blanks": "printf ' \\t\\r\\n\\n ' > prompt; echo > a.prompt",
    "a rename of blanks": "echo > draft; mv draft prompt",
    "opening": "exec 3>> prompt; exec 4<> prompt; exec 5< prompt; exec 3>&- 4>&- 5>&-",
    "attributes": "touch prompt; chmod 600 prompt; touch -d 2001-01-01 prompt;"
                  " setfattr -n user.a -v b prompt; chown 1:1 prompt; sync prompt",
    "vim :q": "touch prompt; vim -es -u NONE -c q prompt; true",
    "a link": "echo one > notes; ln -s notes prompt; echo two > prompt; ln -s nowhere b.prompt",
    "directories": "mkdir prompt a.prompt; echo one > prompt/notes; mv a.prompt b.prompt",
    "references": "printf x > a.png; cp a.png b.png; mv a.png c.png; rm b.png",
    "temporary names": "for n in prompt~ .prompt .prompt.swp '#prompt#' prompt.bak prompt.part"
                       " prompt.tmp Prompt PROMPT prompt.md prompt.txt~ prompt.txt.bak xprompt"
                       " a.prompt~ .a.prompt a.prompt.txt a.Prompt .goutputstream-ABCDEF 4913"
                       " prompts prompt.prompt~; do echo one > $n; done",
    "hidden directories": "mkdir -p .history/deep; echo one > .history/prompt;"
                          " echo one > .history/deep/a.prompt; mv .history/prompt .history/b.prompt",
    "a removal": "echo > prompt; rm prompt",
    "a rename away": "printf '' > prompt; mv prompt old; mv old notes",
    "reading": "echo one > notes; cat notes prompt 2> /dev/null; grep -r one . > /dev/null; true",
}


@pytest.mark.parametrize("what", sorted(NO_SAVES))
def test_what_is_no_save_is_no_request(shared, desk, what):
    shell(NO_SAVES[what], desk.path)
    assert desk.prompts() == []
    assert shared.status() .endswith("Nothing is unfinished.\n")


@pytest.mark.parametrize("name", ["prompt", "prompt.txt", "cat.prompt", "a b.prompt", "ü.prompt",
                                  "-x.prompt", "a.b.c.prompt", "prompt.prompt", "prompt.txt.prompt",
                                  "n" * 248 + ".prompt", os.fsdecode(b"\xff.prompt"),
                                  "new\nline.prompt"], ids=ascii)
def test_these_names_are_prompts(desk, name):
    (desk.path / name).write_text("one")
    assert desk.prompts() == ["one"]


AFTERWARDS = {
    "renamed": "mv prompt other.prompt; mv other.prompt prompt.txt; mv prompt.txt prompt",
    "renamed and back": "mv prompt away; mv away prompt",
    "moved to another directory": "mkdir low; mv prompt low/; mv low/prompt low/b.prompt",
    "moved with its directory": "mkdir low; mv prompt low/; mv low lower; mv lower/prompt .",
    "touched": "touch prompt; chmod 444 prompt; mv prompt b.prompt; touch b.prompt",
    "opened for writing": "exec 3>> prompt; exec 3>&-; exec 4<> prompt; exec 4>&-",
    "read": "cat prompt; cp prompt notes; diff prompt notes; tail -c 1 prompt; md5sum prompt",
    "exchanged": "mkdir low; for i in 1 2; do python3 -c \"import ctypes; assert ctypes.CDLL(None)"
                 ".renameat2(-100, b'prompt', -100, b'low', 2) == 0\"; done",
    "hidden and shown": "mv prompt .prompt; mv .prompt prompt",
}


@pytest.mark.parametrize("what", sorted(AFTERWARDS))
def test_a_sent_prompt_may_be_handled_without_being_sent_again(desk, what):
    (desk.path / "prompt").write_text("one")
    assert desk.prompts() == ["one"]
    shell(AFTERWARDS[what], desk.path)
    assert desk.prompts() == ["one"]


EXCHANGES = ["draft", "a.prompt", "low/draft"]


@pytest.mark.parametrize("other", EXCHANGES)
def test_a_draft_that_is_exchanged_with_a_prompt_is_sent(desk, other):
    (desk.path / "low").mkdir()
    (desk.path / "prompt").write_text("one")
    assert desk.prompts() == ["one"]
    (desk.path / "draft").write_text("two")
    (desk.path / "draft").rename(desk.path / "low" / "draft")
    if other == "low/draft":
        line = "renameat2(-100, b'low/draft', -100, b'prompt', 2)"
    else:
        shell("mv low/draft draft", desk.path)
        line = f"renameat2(-100, b'prompt', -100, b'draft', 2)"
    shell(f"python3 -c \"import ctypes; assert ctypes.CDLL(None).{line} == 0\"", desk.path)
    assert desk.prompts() == ["one", "two"]
    assert (desk.path / "prompt").read_text() == "two"
