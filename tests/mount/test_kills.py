# SPDX-License-Identifier: MIT
"""The daemon is killed again and again while prompts are saved. tests/faults/kills.py is the same
with more of both."""

import errno
import os
import sys
from pathlib import Path

from harness import SANITIZED

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))
from kills import Play, broken  # noqa: E402

PROMPTS = 300 if SANITIZED else 800


def test_twenty_kills(tmp_path):
    play = Play(tmp_path, PROMPTS, 20, 1)
    play.run()
    figures = play.figures()
    play.standin.stop()
    assert broken(figures) == [], figures
    assert figures["saved"] == PROMPTS
    assert figures["done"] > 0


def test_a_budget_of_a_hundred_holds_through_twenty_kills(tmp_path):
    play = Play(tmp_path, 1000, 20, 1, "-oimages_per_day=100", within=150, tries=1000)
    play.run()
    figures = play.figures()
    play.standin.stop()
    # A death between the count and `sending` leaves a picture counted: another one has to wait.
    assert broken(figures, may_wait=True) == [], figures
    assert play.number == 1000
    assert figures["requests"] <= 100
    assert figures["done"] + figures["unknown"] <= 100
    assert figures["done"] > 0
    assert play.refused[os.strerror(errno.EDQUOT)] >= 700
