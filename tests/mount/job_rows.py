# SPDX-License-Identifier: MIT
"""Rows of the tables of variants: many prompts saved together, and what came of each.

The rows of test_variants*.py are played by the stand-in, where directives say how (fixture `desk`),
or by a teller, where the table has the bytes of the answer (fixture `hall`).
"""

import collections
import json
import re

import pytest

from conftest import Desk, mounts, standins
from harness import png, sha256
from job_play import FREE, PAID, PERHAPS, Oracle, Outcome, directed
from teller import Teller

# What there is to compare of a row: the requests that were read whole for it, the state of its
# record, what it may have cost ("none", "possible", "certain"; None where nothing went wrong), and
# the sha256 of its pictures, or what its error file says before the first empty line.
Row = collections.namedtuple("Row", "requests state charge told")

CHARGES = {FREE: "none", PERHAPS: "possible", PAID: "certain"}
LINK_KEPT = "Its link is kept in the store, in done/JOB/answer."

ONE, TWO = png(1), png(2)
LONG = png(3) + bytes(range(256)) * 40  # its base64 leaves for a part of its own
SUM, SUM_TWO = sha256(ONE), sha256(TWO)


def told(what, cost, advice="", state="failed", requests=1):
    """A row with an error file."""
    text = "\n".join(filter(None, [what, cost, advice]))
    return Row(requests, state, CHARGES[cost], text)


def pictures(*sums, requests=1):
    """A row with pictures."""
    return Row(requests, "done", None, list(sums))


class Ledger:
    """A mount whose records are read once: a record that is done does not change."""

    def __init__(self, mount):
        self.mount = mount
        self.known = {}

    def __getattr__(self, name):
        return getattr(self.mount, name)

    def records(self):
        for file in (self.mount.store / "done").glob("*/record*"):
            if file not in self.known:
                self.known[file] = json.loads(file.read_text(encoding="utf-8"))
        return [self.known[file] for file in sorted(self.known)]


class Hall(Desk):
    """A desk whose API is a teller."""

    def __init__(self, mount, teller, path):
        super().__init__(mount, teller, path)
        self.noted = len(teller.noted)

    def fetches(self):
        """The paths of the pictures that were asked for since the test began."""
        return [note["path"] for note in self.standin.noted[self.noted:] if note["method"] == "GET"]


def play_all(desk, prompts):
    """Save {name: text}; {name: Outcome} once all are over."""
    names = {name: f"r{number}.prompt" for number, name in enumerate(prompts)}
    for name, text in prompts.items():
        (desk.path / names[name]).write_text(text, encoding="utf-8")
    return {name: Outcome(desk.mount, desk.standin, desk.path, names[name]) for name in prompts}


def row_of(outcome, requests, url):
    job = outcome.record["id"]
    text = outcome.sums
    if outcome.error is not None:
        text = outcome.told().replace(url.split("//")[1], "HOST").replace(job, "JOB")
    sent = sum(request["idempotency_key"] == job for request in requests)
    return Row(sent, outcome.state, outcome.charge, text)


def rows_of(desk, outcomes):
    """{name: Row}"""
    requests = desk.standin.requests()
    return {name: row_of(outcome, requests, desk.standin.url)
            for name, outcome in outcomes.items()}


def normal(row):
    """How long the stand-in's answers are is its own affair."""
    if isinstance(row.told, str):
        return row._replace(told=re.sub(r"\d+ of \d+ bytes", "N of M bytes", row.told))
    return row


def compare(rows, expected):
    """Say of each row that is not as expected what it is."""
    wrong = [f"{name}\n  is     {rows[name]}\n  not    {expected[name]}"
             for name in expected if rows[name] != expected[name]]
    assert not wrong, "\n".join(wrong)


def check(desk, table):
    """Play {name: (directives, Row)}, all of it at once. @return {name: Outcome}"""
    outcomes = play_all(desk, {name: directed("A cat", row[0]) for name, row in table.items()})
    rows = {name: normal(row) for name, row in rows_of(desk, outcomes).items()}
    compare(rows, {name: row for name, (_, row) in table.items()})
    return outcomes


def check_told(hall, table):
    """Play {name: (body of the answer, Row)}, all of it at once. @return {name: Outcome}"""
    for name, (body, _) in table.items():
        hall.standin.tell(name, body if isinstance(body, bytes) else json.dumps(body).encode())
    outcomes = play_all(hall, {name: name for name in table})
    compare(rows_of(hall, outcomes), {name: row for name, (_, row) in table.items()})
    return outcomes


# Fixtures, for who imports them.

@pytest.fixture(scope="module")
def ledger(shared):
    return Ledger(shared)


@pytest.fixture
def desk(ledger, shared_standin, place):
    return Desk(ledger, shared_standin, place)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    with standins(tmp_path_factory.mktemp("oracle")) as make:
        yield Oracle(make())


@pytest.fixture(scope="module")
def teller():
    teller = Teller()
    yield teller
    teller.close()


@pytest.fixture(scope="module")
def told_mount(tmp_path_factory, teller):
    with mounts(tmp_path_factory.mktemp("told")) as make:
        mount = make(teller.url)
        yield Ledger(mount)
        mount.settled()
        mount.unmount()


@pytest.fixture
def hall(told_mount, teller, request):
    path = told_mount.top / f"{abs(hash(request.node.nodeid)):016x}"
    path.mkdir()
    return Hall(told_mount, teller, path)
