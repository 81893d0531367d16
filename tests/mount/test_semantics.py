# SPDX-License-Identifier: MIT
"""The table in easelfs(7), walked: every operation on every kind of node, as root and as a user who
has a mount of their own, with exactly the errno and the number of pictures that the page says."""

import collections
import contextlib
import os
import shutil
import socket
from pathlib import Path

from harness import FLASH, NOBODY, as_user, error_of, run
from operations import OPERATIONS, Aid

PAGE = Path(__file__).resolve().parents[2] / "man" / "easelfs.7"
PICTURE = "[[standin: size=16x16]]"
FIRST, NEXT = "first", "next"
JOBS = "jobs"  # the column that no node stands in
FOLLOWS = "-"  # a cell: the call follows symbolic links
MODE_FIRST = "*"  # at the end of a cell: the mode refuses it to everybody but root
BELOW = "+"  # the same: in a workspace below a model's own it succeeds


def read_table():
    """The two parts of the table: {operation: {kind of node, or JOBS: cell}}."""
    table, titles = {}, None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line == ".TS":
            titles = []
        elif line == ".TE":
            titles = None
        elif titles is not None and "\t" in line:
            first, *cells = line.split("\t")
            if titles:
                table.setdefault(first, {}).update(zip(titles, cells, strict=True))
            else:
                titles = cells
    return table


def workspace(spot, make=Path.mkdir):
    path = spot.top / spot.name
    make(path)
    return path


def filled(path, content):
    path.write_bytes(content)
    return path


class Spot:
    """Where one operation is done on one node."""

    def __init__(self, walk, number):
        self.root, self.top, self.result = walk.root, walk.top, walk.result
        self.number = number  # no other has it
        self.name = str(number)

    def text(self, word):
        """A prompt; from what was sent one sees of which spot, and when."""
        return f"{PICTURE} {word} {self.name}\n".encode()


def nested(spot):
    path = workspace(spot) / "below"
    path.mkdir()
    return path


def own_settings(spot):
    return workspace(spot) / "settings"


def set_value(spot):
    return filled(own_settings(spot) / "seed", b"7\n")


kept = []  # a pair of sockets while a walk goes on


def keep(path):
    """Have the kernel remember a directory, and so the daemon that it had a job, whoever has the
    caches emptied meanwhile: a descriptor under way to another process is an open one."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
    socket.send_fds(kept[0], [b"-"], [fd])
    os.close(fd)


@contextlib.contextmanager
def keeping():
    kept[:] = socket.socketpair()
    try:
        yield
    finally:
        for end in kept:
            end.close()


def own_status(spot):
    """Of a directory that somebody else made, who would not find it in the way."""
    path = workspace(spot, lambda path: run(["mkdir", path]))
    keep(path)
    (path / "prompt").write_bytes(spot.text(FIRST))
    return path / "status.txt"


def make_prompt(name):
    return lambda spot: filled(workspace(spot) / name, spot.text(FIRST))


def copied_result(spot):
    path = workspace(spot) / spot.result.name
    shutil.copy2(spot.result, path)
    return path


def linked(spot):
    path = workspace(spot) / "link"
    path.symlink_to("nowhere")
    return path


# {column: [how to make a node of that kind]}
NODES = {
    "root": [lambda spot: spot.root],
    "model": [lambda spot: spot.top],
    "workspace": [workspace, nested],
    "settings": [lambda spot: spot.top / "settings", own_settings],
    "value": [lambda spot: spot.top / "settings" / "seed", set_value,
              lambda spot: own_settings(spot) / "seed"],
    "prompt": [make_prompt("prompt"), make_prompt("prompt.txt"), make_prompt("cat.prompt")],
    "file": [lambda spot: filled(workspace(spot) / "notes.txt", b"some text"),
             lambda spot: filled(workspace(spot) / "cat.png", b"\x89PNG\r\n\x1a\n" + bytes(20)),
             lambda spot: filled(spot.top / f"{spot.name}.txt", b"some text")],
    "result": [copied_result],
    "link": [linked],
    "about": [lambda spot: spot.root / "README.txt", lambda spot: spot.root / "status.txt"],
    "text": [lambda spot: spot.top / "README.txt", lambda spot: spot.top / "status.txt", own_status,
             lambda spot: spot.top / ".wait", lambda spot: workspace(spot) / ".prompt.wait",
             lambda spot: spot.top / ".cat.prompt.wait"],
}


OWN_STATUS = ("text", 2)
# What is virtual in a workspace below a model's own.
LOW = {("settings", 1), OWN_STATUS}
ONCE_BEFORE = collections.Counter({"0": 1})


class Walk:
    """All the operations on all the nodes of one mount."""

    def __init__(self, mount, result):
        self.root, self.top, self.result = mount.path, mount.top, mount.top / result
        self.ground = mount.path / FLASH / "ground"
        self.spots = {}  # {(operation, kind, which): (spot, path of the node)}

    def prepare(self):
        self.ground.mkdir()
        for operation in OPERATIONS:
            for kind, makers in NODES.items():
                for which, maker in enumerate(makers):
                    spot = Spot(self, len(self.spots) + 1)
                    self.spots[operation, kind, which] = (spot, maker(spot))
        return self.spots

    def do(self):
        return {key: self.do_one(key) for key in self.spots}

    def do_one(self, key):
        spot, path = self.spots[key]
        text = b"9\n" if key[1] == "value" else spot.text(NEXT)
        aid = Aid(self.ground, spot.number, text, os.lstat(path).st_size)
        return error_of(OPERATIONS[key[0]], path, aid)


def expected(cell, key, is_root):
    """What the cell says of this user and this node."""
    if cell.endswith(BELOW):
        cell = "ok" if key[1:] in LOW else cell[:-1]
    if cell.endswith(MODE_FIRST):
        cell = cell[:-1] if is_root else "ACCES"
    if cell == "ok":
        return None
    return "EOPNOTSUPP" if cell == "NOTSUP" else f"E{cell}"


def wrong_cells(table, done, is_root):
    found = []
    for key, error in done.items():
        cell = table[key[0]][key[1]]
        if cell != FOLLOWS and error != expected(cell, key, is_root):
            found.append((*key, f"the page: {cell}", f"it is: {error}"))
    return found


def requests_expected(table, spots):
    """{number of a spot: pictures of its prompt}: the first one, and what the page says."""
    counts = collections.Counter()
    for (operation, kind, which), (spot, _) in spots.items():
        if kind == "prompt":
            counts[spot.name] = 1 + int(table[operation][JOBS])
        elif (kind, which) == OWN_STATUS:
            counts[spot.name] = 1
    return counts


def requests_made(standin):
    return collections.Counter(prompt.split()[-1] for prompt in standin.prompts())


def walk_through(mount, standin, run_as, is_root):
    """Do everything on a fresh mount; run_as() calls a function as the user whose mount it is."""
    table = read_table()
    result, = run_as(lambda: mount.generate(f"{PICTURE} made before: 0"))
    walk = Walk(mount, result)
    with keeping():
        walk.spots = run_as(walk.prepare)
        mount.idle()
        run_as(mount.wait)
        done = run_as(walk.do)
        mount.idle()
        run_as(mount.wait)
    assert wrong_cells(table, done, is_root) == []
    assert requests_made(standin) == requests_expected(table, walk.spots) + ONCE_BEFORE


def test_the_table_has_every_operation_and_every_kind_of_node():
    table = read_table()
    assert list(table) == list(OPERATIONS)
    for row in table.values():
        assert sorted(row) == sorted([*NODES, JOBS])


def test_root_finds_what_the_table_says(mount, standin):
    walk_through(mount, standin, lambda function: function(), True)


def test_a_plain_user_finds_what_the_table_says(own, standin):
    walk_through(own, standin, lambda function: as_user(NOBODY, function), False)
