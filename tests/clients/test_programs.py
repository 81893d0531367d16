# SPDX-License-Identifier: MIT
"""One request for each save by downloaders, rsync, archivers, languages, GLib and KIO."""

import functools
import http.server
import threading

import pytest

from clients import need, need_for, terminal
from harness import shell, until

# `$out/a` is "one"; `$url/a` serves it. What is done, and the prompts to be sent, sorted.
LINES = {
    "curl -o": ("curl -s -o prompt $url/a", ["one"]),
    "curl -o over": ("touch prompt; curl -s -o prompt $url/a", ["one"]),
    "curl -O": ("curl -s -O $url/prompt", ["one"]),
    "curl -C": ("curl -s -C - -o prompt $url/a", ["one"]),
    "curl >": ("curl -s $url/a > prompt", ["one"]),
    "curl --no-buffer": ("curl -s -N -R --create-dirs -o low/prompt $url/a", ["one"]),
    "wget -O": ("wget -q -O prompt $url/a", ["one"]),
    "wget": ("wget -q $url/prompt", ["one"]),
    "wget -O over": ("echo old > prompt; cat .wait; wget -q -O prompt $url/a", ["old", "one"]),
    "wget -O -": ("wget -q -O - $url/a > prompt", ["one"]),
    "wget -N": ("wget -q -N $url/prompt; cat .wait; wget -q -N $url/prompt", ["one"]),
    "rsync --inplace over": ("echo old > prompt; cat .wait; rsync -I --inplace --no-whole-file"
                             " $out/prompt .", ["old", "one"]),
    "rsync over": ("echo old > prompt; cat .wait; rsync -I $out/prompt .", ["old", "one"]),
    "rsync -b": ("echo old > prompt; cat .wait; rsync -I -b $out/prompt .", ["old", "one"]),
    "rsync -aHAX": ("rsync -aHAX $out/prompt .", ["one"]),
    "rsync --temp-dir": ("rsync --temp-dir=$TMPDIR $out/prompt .", ["one"]),
    "rsync --append": ("printf o > prompt; cat .wait; rsync --append $out/prompt .",
                       ["o", "one"]),
    "rsync --sparse --preallocate": ("rsync --sparse $out/prompt .", ["one"]),
    "tee over": ("echo old > prompt; cat .wait; tee prompt < $out/a > $out/b", ["old", "one"]),
    "dd over": ("echo old > prompt; cat .wait; dd if=$out/a of=prompt 2> $out/b", ["old", "one"]),
    "dd conv=notrunc over": ("printf old > prompt; cat .wait;"
                             " dd if=$out/a of=prompt conv=notrunc 2> $out/b", ["old", "one"]),
    "cp over": ("echo old > prompt; cat .wait; cp $out/a prompt", ["old", "one"]),
    "cp -p over": ("echo old > prompt; cat .wait; cp -p $out/a prompt", ["old", "one"]),
    "cp -a over": ("echo old > prompt; cat .wait; cp -a $out/a prompt", ["old", "one"]),
    "cp --remove-destination over": ("echo old > prompt; cat .wait;"
                                     " cp --remove-destination $out/a prompt", ["old", "one"]),
    "mv over": ("echo old > prompt; cat .wait; mv $out/a prompt", ["old", "one"]),
    "install over": ("echo old > prompt; cat .wait; install $out/a prompt", ["old", "one"]),
    "cp -b over": ("echo old > prompt; cat .wait; cp -b $out/a prompt", ["old", "one"]),
    "cp -u over": ("touch -d 2001-01-01 prompt; cp -u $out/a prompt", ["one"]),
    "mv -b over": ("echo old > prompt; cat .wait; mv -b $out/a prompt", ["old", "one"]),
    "mv of a tree": ("mkdir $out/low; mv $out/prompt $out/low; mv $out/low .", ["one"]),
    "install -D": ("install -D $out/a low/prompt", ["one"]),
    "install -b over": ("echo old > prompt; cat .wait; install -b $out/a prompt", ["old", "one"]),
    "install -C": ("install -C $out/a prompt; cat .wait; install -C $out/a prompt", ["one"]),
    "sed -i of two": ("echo a > prompt; echo b > b.prompt; cat .wait; sed -i s/$/x/ *prompt",
                      ["a", "ax", "b", "bx"]),
    "gawk -i inplace": ("echo a > prompt; cat .wait; gawk -i inplace '{ print $0 1 }' prompt",
                        ["a", "a1"]),
    "gawk": ("gawk '{ print > \"prompt\" }' $out/a", ["one"]),
    "gawk appends": ("echo old > prompt; cat .wait; gawk '{ print >> \"prompt\" }' $out/a",
                     ["old", "old\none"]),
    "mawk": ("mawk '{ print > \"prompt\" }' $out/a", ["one"]),
    "sponge": ("echo a > prompt; cat .wait; rev prompt | sponge prompt", ["a", "a"]),
    "sponge -a": ("echo a > prompt; cat .wait; echo b | sponge -a prompt", ["a", "a\nb"]),
    "socat": ("socat -u OPEN:$out/a CREATE:prompt", ["one"]),
    "socat, appending": ("socat -u OPEN:$out/a OPEN:prompt,creat,append", ["one"]),
    "gunzip": ("gzip $out/prompt; cp $out/prompt.gz .; gunzip prompt.gz", ["one"]),
    "gunzip -c": ("gzip $out/prompt; gunzip -c $out/prompt.gz > prompt", ["one"]),
    "bunzip2": ("bzip2 $out/prompt; cp $out/prompt.bz2 .; bzip2 -d prompt.bz2", ["one"]),
    "unzstd": ("zstd -q $out/a -o $out/z; zstd -q -d $out/z -o prompt", ["one"]),
    "cpio": ("(cd $out; echo prompt | cpio -o --quiet) | cpio -i --quiet", ["one"]),
    "iconv -o": ("iconv -f latin1 -t utf8 -o prompt $out/a", ["one"]),
    "perl append": ("perl -e 'open F, \">>prompt\"; print F \"one\"; close F'", ["one"]),
    "perl +<": ("echo old > prompt; cat .wait; perl -e 'open F, \"+<prompt\"; print F \"one\"'",
                ["old", "one"]),
    "perl File::Copy": ("perl -MFile::Copy -e 'copy(\"$ENV{out}/a\", \"prompt\")'", ["one"]),
    "perl File::Copy move": ("perl -MFile::Copy -e 'move(\"$ENV{out}/a\", \"prompt\")'", ["one"]),
    "perl, forked": ("perl -e 'open STDOUT, \">prompt\"; $| = 1; print \"a\\n\"; system \"echo b\"'",
                     ["a\nb"]),
    "python pathlib": ("python3 -c 'import pathlib\npathlib.Path(\"prompt\").write_text(\"one\")'",
                       ["one"]),
    "python shutil.move": ("python3 -c 'import os, shutil\n"
                           "shutil.move(os.environ[\"out\"] + \"/a\", \"prompt\")'", ["one"]),
    "python shutil.copy2": ("python3 -c 'import os, shutil\n"
                            "shutil.copy2(os.environ[\"out\"] + \"/a\", \"prompt\")'", ["one"]),
    "python os.replace over": ("echo old > prompt; cat .wait; cp $out/a new; python3 -c 'import os\n"
                               "os.replace(\"new\", \"prompt\")'", ["old", "one"]),
    "python fileinput": ("echo a > prompt; cat .wait; python3 -c 'import fileinput\n"
                         "for line in fileinput.input(\"prompt\", inplace=True):\n"
                         " print(line.strip() + \"1\")'", ["a", "a1"]),
    "node stream": ("node -e 'require(\"fs\").createWriteStream(\"prompt\").end(\"one\")'", ["one"]),
    "node promises": ("node -e 'require(\"fs/promises\").writeFile(\"prompt\", \"one\")'", ["one"]),
    "node copyFile": ("node -e 'require(\"fs\").copyFileSync(process.env.out + \"/a\", \"prompt\")'",
                      ["one"]),
    "node rename": ("node -e 'const fs = require(\"fs\"); fs.writeFileSync(\"t\", \"one\");"
                    " fs.renameSync(\"t\", \"prompt\")'", ["one"]),
    "gio copy -b": ("echo old > prompt; cat .wait; gio copy -b $out/a prompt", ["old", "one"]),
    "gio copy -p": ("gio copy -p $out/a prompt", ["one"]),
    "gio move over": ("echo old > prompt; cat .wait; gio move $out/a prompt", ["old", "one"]),
    "gio save -a": ("echo old > prompt; cat .wait; echo one | gio save -a prompt",
                    ["old", "old\none"]),
    "gio trash": ("echo one > prompt; cat .wait; gio trash prompt 2> $out/b || true", ["one"]),
    "gio rename": ("echo one > draft; gio rename draft prompt > $out/b", ["one"]),
}

# As programs save that no Debian 12 brings, or that need a screen
SEQUENCES = {
    "Thunar, with partial names": ("cp $out/a prompt.partial~; mv prompt.partial~ prompt"),
    "QSaveFile": ("cp $out/a prompt.AbCdEf; mv prompt.AbCdEf prompt"),
    "JetBrains": ("cp $out/a prompt___jb_tmp___; mv prompt prompt___jb_old___;"
                  " mv prompt___jb_tmp___ prompt; rm prompt___jb_old___"),
    "Syncthing": ("cp $out/a .syncthing.prompt.tmp; touch -r $out/a .syncthing.prompt.tmp;"
                  " mv .syncthing.prompt.tmp prompt"),
    "LibreOffice": ("echo me > .~lock.prompt#; cp $out/a lu1.tmp; mv lu1.tmp prompt;"
                    " rm .~lock.prompt#"),
    "a browser": (": > prompt; cp $out/a prompt.crdownload; mv prompt.crdownload prompt"),
    "macOS": ("echo x > ._prompt; echo x > .DS_Store; cat $out/a > prompt"),
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        if self.path != "/half":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "20")
        self.end_headers()
        self.wfile.write(b"half a text")
        self.wfile.flush()
        self.connection.recv(1)  # until the caller has gone

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@pytest.fixture
def url(room):
    """A server of the files in `out`."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(room.out)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("what", sorted(LINES))
def test_a_program(room, url, what):
    line, expected = LINES[what]
    need_for(line)
    for name in ("a", "prompt"):
        (room.out / name).write_text("one\n", encoding="utf-8")
    shell(line, room.path, env={**room.env, "url": url, "no_proxy": "*"})
    room.sent(expected)


@pytest.mark.parametrize("before", [None, "old"])
@pytest.mark.parametrize("what", sorted(SEQUENCES))
def test_a_sequence(room, what, before):
    (room.out / "a").write_text("one\n", encoding="utf-8")
    if before or what == "JetBrains":
        room.earlier()
    shell(SEQUENCES[what], room.path, env=room.env)
    room.sent(["old", "one"] if before or what == "JetBrains" else ["one"])
    assert room.text() == "one\n"


LOADS = {
    "curl -o": "curl -s -N -o prompt $url/half",
    "curl >": "curl -s -N $url/half > prompt",
    "wget -O": "wget -q -O prompt $url/half",
    "wget of a temporary name": "wget -q -O prompt.part $url/half && mv prompt.part prompt",
}


@pytest.mark.parametrize("what", sorted(LOADS))
def test_control_c_of_a_download_sends_nothing(room, url, what):
    need_for(LOADS[what])
    room.env.update(url=url, no_proxy="*")
    with terminal(room, "sh", "-c", f"trap : INT; ({LOADS[what]}); true") as child:
        until(lambda: any(file.stat().st_size for file in room.path.glob("prompt*")), "the half")
        child.send("\x03")
    room.sent([])


# As editors and file managers call GLib, with "old" in the prompt, or none
GLIB = {
    "g_file_set_contents": "GLib.file_set_contents('prompt', b'one')",
    "consistent": "GLib.file_set_contents_full('prompt', b'one', flags.CONSISTENT, 0o666)",
    "durable": "GLib.file_set_contents_full('prompt', b'one',"
               " flags.CONSISTENT | flags.DURABLE, 0o666)",
    "in place": "GLib.file_set_contents_full('prompt', b'one', flags.NONE, 0o666)",
    "replace_contents": "file.replace_contents(b'one', None, False, Gio.FileCreateFlags.NONE, None)",
    "replace_contents with a backup":
        "file.replace_contents(b'one', None, True, Gio.FileCreateFlags.NONE, None)",
    "replace_contents of a new file": "file.replace_contents(b'one', None, False,"
                                      " Gio.FileCreateFlags.REPLACE_DESTINATION, None)",
    "replace": "s = file.replace(None, False, Gio.FileCreateFlags.NONE, None)\n"
               "s.write_all(b'on', None)\ns.write_all(b'e', None)\ns.close(None)",
    "replace_readwrite": "s = file.replace_readwrite(None, False, Gio.FileCreateFlags.NONE, None)\n"
                         "s.get_output_stream().write_all(b'one', None)\ns.close(None)",
    "copy": "Gio.File.new_for_path(out + '/a').copy(file, Gio.FileCopyFlags.OVERWRITE, None, None)",
    "copy with all its metadata": "Gio.File.new_for_path(out + '/a').copy(file,"
                                  " Gio.FileCopyFlags.OVERWRITE | Gio.FileCopyFlags.ALL_METADATA,"
                                  " None, None)",
    "move": "Gio.File.new_for_path(out + '/a').move(file, Gio.FileCopyFlags.OVERWRITE, None, None)",
}


@pytest.mark.parametrize("what", sorted(GLIB))
@pytest.mark.parametrize("before", [None, "old"])
def test_glib(room, what, before):
    need("python3:gi")
    (room.out / "a").write_text("one", encoding="utf-8")
    if before:
        room.earlier(before)  # GLib in place cuts nothing off: a text as long as the new one
    head = ("import os\nfrom gi.repository import Gio, GLib\nflags = GLib.FileSetContentsFlags\n"
            "file, out = Gio.File.new_for_path('prompt'), os.environ['out']\n")
    shell("python3 -c \"$script\"", room.path, env={**room.env, "script": head + GLIB[what]})
    room.sent(["old", "one"] if before else ["one"])
    assert room.text() == "one"


KIO = {
    "copy": ("kioclient5 --noninteractive copy $out/a $PWD/prompt", ["one"]),
    "copy over": ("echo old > prompt; cat .wait;"
                  " kioclient5 --noninteractive --overwrite copy $out/a $PWD/prompt", ["old", "one"]),
    "move": ("kioclient5 --noninteractive move $out/a $PWD/prompt", ["one"]),
    "move within": ("echo one > draft; kioclient5 --noninteractive move draft $PWD/prompt", ["one"]),
    "cat": ("echo one > prompt; kioclient5 --noninteractive cat prompt > $out/b", ["one"]),
    "ls": ("touch prompt; kioclient5 --noninteractive ls . > $out/b", []),
    "stat": ("touch prompt; kioclient5 --noninteractive stat prompt > $out/b", []),
    "copy out": ("echo one > prompt; kioclient5 --noninteractive copy prompt $out/c", ["one"]),
}


@pytest.mark.parametrize("what", sorted(KIO))
def test_kio(room, what):
    need("kioclient5", "dbus-run-session")
    (room.out / "a").write_text("one\n", encoding="utf-8")
    line, expected = KIO[what]
    env = {**room.env, "QT_QPA_PLATFORM": "offscreen", "KDE_FORK_SLAVES": "1"}
    shell("dbus-run-session -- sh -c \"$line\"", room.path, env={**env, "line": line})
    room.sent(expected)
