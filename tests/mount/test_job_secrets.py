# SPDX-License-Identifier: MIT
"""The key goes to the API's address and nowhere else, and stands in nothing that is kept or told."""

import base64
import os
import socket

import pytest

from harness import KEY, TRACES
from job_play import SMALL, directed, play


class Listener:
    """A port where nobody may ever connect."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def is_untouched(self):
        try:
            self.socket.accept()
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.socket.close()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_call_is_not_followed(desk, listener, code):
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f'redirect="{code}:{listener.url}"'))
    assert outcome.told().split("\n")[0] == f"The base URL redirects to {listener.url}."
    assert (len(outcome.requests), outcome.state, outcome.charge) == (1, "failed", "none")
    assert listener.is_untouched()


@pytest.mark.parametrize("form", ["url", "file_data", "part_url", "markdown_url", "openai_url"])
def test_a_picture_elsewhere_on_this_machine_is_not_fetched(desk, listener, form):
    for directives in (f"url=external:{listener.url}", f"url=redirect_to:{listener.url}"):
        outcome = play(desk.mount, desk.standin, desk.path,
                       directed("A cat", f"form={form}, {directives}"))
        assert "which is not on the public network" in outcome.error
        assert outcome.state == "failed"
    assert listener.is_untouched()


def test_pictures_are_fetched_without_credentials(desk):
    before = len(desk.standin.entries())
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", f"{SMALL}, form=url"))
    assert outcome.state == "done"
    post, get = desk.standin.entries()[before:]
    assert (post["method"], post["key"]) == ("POST", "bearer")
    assert (get["method"], get["key"]) == ("GET", "none")
    names = {name.lower() for name, _ in get["headers"]}
    assert not names & {"authorization", "x-goog-api-key", "cookie", "idempotency-key", "referer"}


def everything_below(path):
    for root, folders, files in os.walk(os.fsencode(path)):
        for name in folders + files:
            full = os.path.join(root, name)
            yield full, name
            yield full, os.fsencode(os.readlink(full)) if os.path.islink(full) else b""
            if os.path.isfile(full) and not os.path.islink(full):
                with open(full, "rb") as file:
                    yield full, file.read()
                for attribute in os.listxattr(full, follow_symlinks=False):
                    yield full, os.getxattr(full, attribute, follow_symlinks=False)


def is_kept_answer(path):
    """What the API sent, byte for byte, where it could not be understood."""
    return b"/done/" in path and os.path.basename(path) != b"record.json"


def test_the_key_is_nowhere(make_standin, make_mount, tmp_path):
    """A server that repeats it wherever it can, and a daemon that logs all it can."""
    script = tmp_path / "script"
    ways = ["status=500", "status=401, error=gateway", "status=400, error=text",
            "status=502, error=html", "status=429, quota=perday", "status=400, request_id=" + KEY,
            f'redirect="302:http://{KEY}:{KEY}@127.0.0.1:1/{KEY}?k={KEY}"', "error_in_200",
            "blocked", "safety", f"finish={KEY}", f'words_only, words="{KEY}"',
            f"form=url, url=external:http://127.0.0.1:9/{KEY}", "not_json", "fault=garbage",
            f'header="x-goog-request-id: {KEY}", status=500', "size=16x16"]
    written = " ".join([KEY, base64.b64encode(KEY.encode()).decode(),
                        base64.b64encode(f"Bearer {KEY}".encode()).decode(), KEY.encode().hex(),
                        "".join(f"%{byte:02x}" for byte in KEY.encode())])
    ways += [f'words_only, words="{written}"', f'finish="{written}"',
             f'form=url, url="external:http://{KEY.encode().hex()}.example/x"']
    lines = [f'{way}, message="it was {written}"' for way in ways]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    standin = make_standin("--script", script)
    mount = make_mount(standin.url, "-olog_level=debug")
    for number, way in enumerate(ways):
        (mount.top / f"{number:02}.prompt").write_text("A cat")
        mount.wait()
    assert len(standin.requests()) == len(ways)
    status = mount.status() + mount.status(mount.top)
    seen = [("status", status.encode()), ("log", mount.log_text().encode())]
    for name in ("cmdline", "environ"):
        with open(f"/proc/{mount.process.pid}/{name}", "rb") as file:
            seen.append((name, file.read()))
    seen += list(everything_below(mount.path)) + list(everything_below(mount.store))
    assert len(seen) > 100
    for path, content in seen:
        assert not TRACES.search(content) or is_kept_answer(os.fsencode(path)), path
    shown = (mount.top / "11.error.txt").read_text(encoding="utf-8")
    assert f"The model said:\n{'*' * len(KEY)}\n" in shown
    for kept in mount.store.glob("done/*/answer"):
        kept.unlink()
    mount.unmount()
