# SPDX-License-Identifier: MIT
"""Results appear while others are busy in the same directories, and the daemon is killed in the
middle of it. tests/faults/publications.py is the same with more of both."""

import sys
from pathlib import Path

import pytest

from harness import SANITIZED

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))
from publications import broken, play  # noqa: E402


@pytest.mark.timeout(600)
def test_hundreds_of_publications_under_load_and_two_kills(tmp_path):
    figures = play(tmp_path, 100 if SANITIZED else 400, kills=2, places=2)
    assert broken(figures) == [], figures
    assert figures["looks"] > 0
