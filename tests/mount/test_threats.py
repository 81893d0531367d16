# SPDX-License-Identifier: MIT
"""Who may do harm, and what stops them: a test for each threat that concerns a file system whose
answers come from somebody else's server. Those that other files have:

    the key goes to another host            test_job_secrets, test_variants_links, unit transport_tls
    a link leads into the own network       test_ssrf, unit guard, unit picture
    an answer that is too long, or bursts   unit transport_limits (gzip, too), unit lift_limits
    JSON that harms its parser              fuzz answer, fault, lift, model_list; unit lift_limits
    symbolic links, devices                 test_tree_files; a server makes regular files only
    users of one mount                      test_tree_users
    the key where others may look           test_job_secrets, test_hardening, harness.check_secrecy
    TLS                                     test_variants_links, unit transport_tls
    a user who takes all there is           test_references, test_job_limits, test_room, test_job_many
    configuration, store and key file       unit config, unit store_memory, unit key

Here are the rest, and what has to be seen on a real mount.
"""

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import threading
import zlib
from pathlib import Path

import pytest

from conftest import mounts
from harness import BUILD, KEY, SANITIZED, environment, mounted, png, run
from job_play import SMALL, directed, play
from teller import Teller, google, inline

USAGE, CONFIG, STORE = 2, 3, 5  # the exit statuses of easelfs(1)


# --- an API that talks without end

class Torrent:
    """Answers each request with what `pour` sends, until the client has enough of it."""

    def __init__(self, pour):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.pour, self.poured = pour, 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # closed
                return
            with connection:
                try:
                    data = b""
                    while b"\r\n\r\n" not in data:
                        piece = connection.recv(65536)
                        if not piece:
                            raise ConnectionError("gone before it asked")
                        data += piece
                    self.pour(self, connection)
                except OSError:
                    pass

    def send(self, connection, data):
        connection.sendall(data)
        self.poured += len(data)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def endless_headers(torrent, connection):
    torrent.send(connection, b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        torrent.send(connection, b"X-Header-%d: x\r\n" % number)


def endless_body(torrent, connection):
    torrent.send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
                             b'{"candidates":[{"content":{"parts":[{"inlineData":{"data":"')
    while True:
        torrent.send(connection, b"QUJD" * 16384)


def endless_nesting(torrent, connection):
    torrent.send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        torrent.send(connection, b'{"a":[' * 8192)


def gzip_bomb(torrent, connection):
    """A kilobyte on the wire is a megabyte for who unpacks it."""
    torrent.send(connection, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    while True:
        torrent.send(connection, packer.compress(b" " * (1 << 24)))


MIB = 1 << 20


@pytest.mark.parametrize("pour", [endless_headers, endless_body, endless_nesting, gzip_bomb])
def test_an_answer_without_end_is_given_up(tmp_path, pour):
    """Neither memory nor disk grow with it, and the next prompt is served."""
    torrent = Torrent(pour)
    try:
        with mounts(tmp_path) as make:
            mount = make(torrent.url, "-omax_response=16M", "-oanswer_room=0")
            (mount.top / "prompt").write_text("A cat")
            assert mount.wait() == ([], True)
            assert (mount.top / "prompt.error.txt").exists()
            assert torrent.poured < 40 * MIB
            if not SANITIZED:
                assert mount.peak_memory_bytes() < 64 * MIB
            assert os.listdir(mount.store / "jobs") == []
            mount.unmount()
            used = sum(file.stat().st_blocks * 512 for file in mount.store.rglob("*")
                       if file.is_file())
            assert used < 40 * MIB
    finally:
        torrent.close()


# --- names from a server

EVIL = ["..", ".", "../../evil", "models/../../evil", "/etc/evil", "evil/evil", "-rf", ".evil",
        "evil\x1b[2J", "evil\n", "evil\u202egnp", "%2e%2e%2fevil", "e" * 300, "", "evil\0", "~",
        "evil "]


def test_a_listed_name_is_a_model_or_nothing(tmp_path):
    """Of a list with names that mean something to a path only the good one is mounted."""
    body = json.dumps({"models": [
        {"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]}
        for name in [*EVIL, "good-image"]]})

    def list_them(torrent, connection):
        torrent.send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                 b"Connection: close\r\n\r\n" + body.encode())

    torrent = Torrent(list_them)
    before = sorted(tmp_path.parent.iterdir())
    try:
        with mounts(tmp_path) as make:
            mount = make(torrent.url, "-omodels=auto")
            assert [path.name for path in mount.path.iterdir() if path.is_dir()] == ["good-image"]
            assert os.listdir(mount.store / "tree") == ["good-image"]
            mount.unmount()
    finally:
        torrent.close()
    assert sorted(tmp_path.parent.iterdir()) == before


@pytest.mark.parametrize("directives", [
    'label="image/../../../evil"', 'label="../evil"', 'label="/etc/evil"', 'finish=../../evil, keep_picture',
    'form=url, url_type="image/../../evil"', 'content_type="application/../../evil"',
    'request_id=../../evil', 'words="../../evil"', 'form=file_data',
    'header="Content-Disposition: attachment; filename=../../evil.png"',
    'form=url, header="Location: ../../evil"',
])
def test_what_a_server_calls_a_picture_is_not_its_name(desk, directives):
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", f"{SMALL}, {directives}"))
    assert outcome.results == ["0001.jpg"]
    assert set(outcome.names) <= {"prompt", "0001.jpg", "0001.txt"}
    store = [name for _, folders, files in os.walk(desk.mount.store) for name in folders + files]
    assert not [name for name in store if "evil" in name]


def test_a_link_does_not_name_its_picture(tmp_path):
    teller = Teller()
    paths = ["/..%2f..%2fevil.png", "/evil%00.png", "/-rf", "/%2e%2e", "/evil.html", "/a%0ab.png"]
    try:
        with mounts(tmp_path) as make:
            mount = make(teller.url)
            for number, path in enumerate(paths):
                url = teller.hang(path, png(number))
                part = {"fileData": {"mimeType": "image/png", "fileUri": url}}
                teller.tell(f"p{number}", json.dumps(google(part)).encode())
                (mount.top / f"{number}.prompt").write_text(f"p{number}")
            mount.wait()
            names = sorted(path.name for path in mount.top.iterdir() if path.suffix != ".prompt")
            assert [name for name in names if name.endswith(".png")] == [
                f"{number}.png" for number in range(len(paths))], mount.error_text()
            mount.unmount()
    finally:
        teller.close()


# --- texts that reach a terminal

CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")


def test_no_control_character_reaches_a_terminal(make_standin, make_mount, tmp_path):
    """Neither from a prompt's text, nor its name, nor the API's words, nor its errors."""
    escape = "\x1b]0;evil\x07\x1b[2J\x9b31m\x7f\x08"
    script = tmp_path / "script"
    script.write_text(f'status=500, message="{escape}"\nwords="{escape} words"\n'
                      f'finish="{escape}"\nok\n', encoding="utf-8")
    standin = make_standin("--script", script)
    mount = make_mount(standin.url, "-olog_level=debug")
    for number in range(4):
        name = f"{number}{escape}.prompt" if number == 3 else f"{number}.prompt"
        (mount.top / name).write_text(f"{escape} A cat {number}")
        mount.wait()
    seen = [mount.log.read_bytes(), mount.status().encode(), mount.status(mount.top).encode()]
    seen += [file.read_bytes() for file in mount.top.glob("*.txt")]
    assert len(seen) > 5
    for text in seen:
        assert not CONTROL.search(text), CONTROL.search(text)


# --- pictures that are made to burst who opens them

def jpeg_of(width, height):
    return (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08"
            + struct.pack(">HH", height, width) + b"\3\1\x22\0\2\x11\1\3\x11\1\xff\xd9")


def gif_of(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff;"


def webp_of(width, height):
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + b"VP8L\x0d\0\0\0\x2f\0\0\0\x10\7\x10\x11\x11"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def png_of(width, height):
    data = bytearray(png(1))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


# Too large: called .bin. The largest that are not: called what they are.
PICTURES = {
    "png": (png_of(65535, 65535), "bin"), "png-wide": (png_of(16385, 1), "bin"),
    "png-area": (png_of(16001, 16000), "bin"), "png-largest": (png_of(16000, 16000), "png"),
    "png-edge": (png_of(16384, 15625), "png"),
    "jpeg": (jpeg_of(65535, 65535), "bin"), "jpeg-edge": (jpeg_of(16384, 100), "jpg"),
    "gif": (gif_of(65535, 65535), "bin"), "gif-edge": (gif_of(16384, 100), "gif"),
    "webp": (webp_of(16777216, 255), "bin"), "webp-edge": (webp_of(100, 16384), "webp"),
}


def test_a_picture_that_would_burst_is_not_called_one(tmp_path):
    teller = Teller()
    try:
        with mounts(tmp_path) as make:
            mount = make(teller.url)
            for name, (data, _) in PICTURES.items():
                teller.tell(name, json.dumps(google(inline(data))).encode())
                (mount.top / f"{name}.prompt").write_text(name)
            mount.wait()
            records = {record["prompt_name"]: record for record in mount.records()}
            for name, (data, extension) in PICTURES.items():
                file = mount.top / f"{name}.{extension}"
                assert file.read_bytes() == data, (name, mount.error_text())
                notes = records[f"{name}.prompt"].get("notes") or ""
                mime = os.getxattr(file, "user.mime_type")
                if extension == "bin":
                    assert re.search(r"A picture came that says it has \d+ x \d+ pixels: it is "
                                     r"called \.bin\.\n", notes), name
                    assert mime == b"application/octet-stream"
                else:
                    assert "called .bin" not in notes
                    assert mime.startswith(b"image/")
            mount.unmount()
    finally:
        teller.close()


def test_the_stand_ins_bomb(desk):
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", "picture=bomb"))
    assert (outcome.state, outcome.results, outcome.failed) == ("done", ["0001.bin"], False)


# --- plain text on the way

@pytest.mark.parametrize("url", ["http://api.example", "http://192.0.2.1", "http://[2001:db8::1]",
                                 "http://127.0.0.1.api.example", "http://localhost.api.example"])
def test_plain_http_is_for_this_machine(tmp_path, url):
    command = [BUILD / "src" / "easelfs", "--check", f"-ostore={tmp_path / 'store'}", url]
    env = environment(HOME=str(tmp_path), EASELFS_API_KEY=KEY)
    done = run(command, env=env, check=False)
    assert done.returncode == USAGE
    assert b"plain http to another machine: anyone on the way could read the key." in done.stderr
    assert not (tmp_path / "store").exists()


# --- nobody can connect to it

def listening(pid):
    """The sockets of a process that wait for connections, and those with a name."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # it has just been closed
            link = os.readlink(f"/proc/{pid}/fd/{name}")
            inodes |= {link[8:-1]} if link.startswith("socket:[") else set()
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[9] in inodes and (words[3] == "0A" or table.startswith("udp")):
                found.append((table, words[1]))
    for line in Path(f"/proc/{pid}/net/unix").read_text(encoding="utf-8").splitlines()[1:]:
        words = line.split()
        if words[6] in inodes and len(words) > 7:
            found.append(("unix", words[7]))
    return found


def test_there_is_no_port_and_no_socket_to_connect_to(mount):
    mount.generate("A cat")
    assert listening(mount.process.pid) == []


# --- files that somebody else may have changed

def refused(tmp_path, status, *options, config=None):
    """Start easelfs: it ends with that status, and mounts nothing. @return what it says."""
    path = tmp_path / "mnt"
    path.mkdir(exist_ok=True)
    command = [BUILD / "src" / "easelfs", "-f", *([f"--config={config}"] if config else []),
               f"-ostore={tmp_path / 'store'}", *options, "http://127.0.0.1:9", path]
    done = run(command, env=environment(HOME=str(tmp_path)), check=False,
               stdin=subprocess.DEVNULL)
    assert not mounted(path)
    assert done.returncode == status, done.stderr
    return done.stderr.decode()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_configuration_that_others_can_write_is_refused(tmp_path, mode):
    config = tmp_path / "easelfs.conf"
    config.write_text("images_per_day = 1\n", encoding="utf-8")
    config.chmod(mode)
    told = refused(tmp_path, CONFIG, config=config)
    assert f"{config} can be written by others (mode {mode:04o})" in told


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_store_that_others_can_write_is_refused(tmp_path, mode):
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(mode)
    assert f"The store {store} can be written by others" in refused(tmp_path, STORE)
    assert os.listdir(store) == []


def test_a_store_of_somebody_else_is_refused(tmp_path):
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    os.chown(store, 12345, 12345)
    assert f"The store {store} belongs to another user" in refused(tmp_path, STORE)


def test_a_store_whose_files_were_swapped_for_links_is_refused(tmp_path):
    """The lock is opened for writing: not what a link leads to."""
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    (store / "lock").symlink_to(victim)
    refused(tmp_path, STORE)
    assert victim.read_text(encoding="utf-8") == "precious"
