# SPDX-License-Identifier: MIT
"""One prompt with directives for the stand-in, and all that came of it.

What has to be delivered is asked of an oracle: a stand-in of its own, so that its requests are not
counted with the daemon's. Equal texts with equal `variant` give equal pictures in every stand-in.
"""

import base64
import errno
import hashlib
import json
import os
import re
import signal
import urllib.request

from harness import KEY, MODEL, until

SMALL = "variant=0, size=64x64"
NOT_SENT_AGAIN = ("It was not sent again, so that nothing is paid for twice. "
                  "Save the prompt again to try once more.")
NOT_ASKED_AGAIN = NOT_SENT_AGAIN.replace("sent", "asked", 1)
FREE, PERHAPS, PAID = "It was not charged.", "It may have been charged.", "It was charged."
ASK_AGAIN = "Save the prompt again to ask once more."
KEPT = f"What arrived is kept. {ASK_AGAIN}"


def directed(text, directives):
    return f"{text} [[standin: {directives}]]" if directives else text


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Oracle:
    """A stand-in that is asked directly."""

    def __init__(self, standin):
        self.standin = standin

    def pictures(self, text, directives=SMALL, model=MODEL):
        """The pictures of an answer in the usual form, without drafts."""
        body = {"contents": [{"role": "user", "parts": [{"text": directed(text, directives)}]}],
                "generationConfig": {"responseModalities": ["IMAGE", "TEXT"], "imageConfig": {}}}
        request = urllib.request.Request(
            f"{self.standin.url}/v1beta/models/{model}:generateContent",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"})
        with urllib.request.urlopen(request) as answer:
            parts = json.load(answer)["candidates"][0]["content"]["parts"]
        return [base64.b64decode(part["inlineData"]["data"]) for part in parts
                if "inlineData" in part and not part.get("thought")]

    def sums(self, text, directives=SMALL, model=MODEL):
        return [sha256(picture) for picture in self.pictures(text, directives, model)]


class Outcome:
    """What there is of a prompt once it is over."""

    def __init__(self, mount, standin, directory, name="prompt", before=0):
        self.results, self.failed = mount.wait(f".{name}.wait", directory)
        self.directory, self.name = directory, name
        self.requests = standin.requests()[before:]
        self.sums = [sha256((directory / result).read_bytes()) for result in self.results]
        self.names = sorted(entry.name for entry in os.scandir(directory))
        stem = name.removesuffix(".txt").removesuffix(".prompt")
        self.error = self._text(f"{stem}.error.txt")
        self.words = self._text(f"{self.results[0].rsplit('.', 1)[0]}.txt" if self.results else "-")
        found = [record for record in mount.records() if record["prompt_name"] == name
                 and f"/{record['workspace']}".endswith(f"/{directory.name}")]
        self.record = found[-1]
        self.state = self.record["state"]
        self.attempts = self.record.get("attempts", 0)
        self.charge = self.record.get("failure", {}).get("charge")

    def _text(self, name):
        path = self.directory / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def told(self, url=None):
        """What the error file says before its first empty line, HOST for the API's address."""
        head = self.error.split("\n\n")[0]
        return head.replace(url.removeprefix("http://"), "HOST") if url else head


def play(mount, standin, directory, text, name="prompt"):
    """Save a prompt and wait for its end."""
    before = len(standin.requests())
    (directory / name).write_text(text, encoding="utf-8")
    return Outcome(mount, standin, directory, name, before)


def check_over(mount, outcome):
    """Nothing of the job is left where unfinished things are, and nothing odd is said of it."""
    job = outcome.record["id"]
    assert job not in os.listdir(mount.store / "jobs")
    assert not [name for name in os.listdir(mount.store / "staging") if name.startswith(job)]
    assert mount.status(outcome.directory) == "Nothing is unfinished.\n"
    assert outcome.failed == (outcome.error is not None)
    if outcome.error is not None:
        check_readable(outcome.error)
        assert f"\njob:    {job}\n" in outcome.error


def check_readable(text):
    """A text for people: no markup, no JSON, no key, no control characters."""
    assert KEY not in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), repr(text)
    assert not re.search(r"</?\w+>|<!DOCTYPE|\{\"|\"\}", text), text


def kill(mount):
    """SIGKILL, and the mountpoint free for the next daemon."""
    mount.process.send_signal(signal.SIGKILL)
    mount.process.wait()
    mount.kill()


def is_over(directory):
    """Whether nothing of a directory is unfinished, also of what a start has not yet looked at."""
    fd = os.open(directory / ".wait", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.read(fd, 1)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EIO):
            raise
        return error.errno == errno.EIO
    finally:
        os.close(fd)
    return True


def answer_all(standin, directory, limit=None):
    """Let go of whatever is HELD, until nothing is unfinished."""
    def done():
        standin.let_go()
        return is_over(directory)
    until(done, "the end of all that is held", limit)


def on_record(mount, count=1, **members):
    """Wait until the store has `count` unfinished jobs whose records say that."""
    def found():
        records = []
        for path in (mount.store / "jobs").iterdir():
            try:
                record = json.loads((path / "record.json").read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            if all(record.get(member) == value for member, value in members.items()):
                records.append(record)
        return records if len(records) >= count else None
    return until(found, f"{count} records with {members}")
