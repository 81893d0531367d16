# SPDX-License-Identifier: MIT
"""A workspace behaves as a plain directory does, whatever is done in it. tests/posix/sequences.py
is the same with more sequences, and shortens the one that differs."""

import os
import sys
from pathlib import Path

from harness import NOBODY, SANITIZED, as_user

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "posix"))
from ground import Ground  # noqa: E402
from sequences import Pair  # noqa: E402

SEQUENCES = 20 if SANITIZED else 60
OPERATIONS = 50


def test_random_sequences_end_as_in_a_plain_directory(make_mount, standin, tmp_path):
    mount = make_mount(standin.url, "-oallow_other")
    (tmp_path / "plain").mkdir()
    pair = Pair(mount.top, tmp_path / "plain")
    found = [pair.judge(seed, OPERATIONS) for seed in range(1, SEQUENCES + 1)]
    assert not any(found), "\n".join(filter(None, found))
    mount.settled()
    assert standin.requests() == []


def test_they_do_for_a_plain_user_too(own):
    plain = own.path.parent / "plain"
    plain.mkdir()
    os.chown(plain, NOBODY, NOBODY)
    pair = Pair(own.top, plain)
    found = as_user(NOBODY, lambda: [pair.judge(seed, OPERATIONS)
                                     for seed in range(1, SEQUENCES // 2 + 1)])
    assert not any(found), "\n".join(filter(None, found))


def test_what_differs_is_shortened_to_what_it_takes(tmp_path, monkeypatch):
    def make_at_odds(ground, path, mode):
        if ground.path.parent.name == "ours" and path == "f":
            raise IsADirectoryError(21, "made to differ")
        plain(ground, path, mode)
    plain = Ground.do_mkdir
    monkeypatch.setattr(Ground, "do_mkdir", make_at_odds)
    for name in ("ours", "plain"):
        (tmp_path / name).mkdir()
    pair = Pair(tmp_path / "ours", tmp_path / "plain")
    texts = [pair.judge(seed, OPERATIONS) for seed in range(1, 10)]
    text = next(filter(None, texts))
    shortened = text.split("shortened:\n")[1].splitlines()
    assert len(shortened) == 2
    assert "('mkdir', 'f'" in shortened[0]
    assert "EISDIR" in shortened[1]
