# SPDX-License-Identifier: MIT
"""A sample of the states in which a power loss may leave the store: every promise is kept in each.
tests/faults/crash_states.py replays all that one has the time for."""

import random
import sys
from pathlib import Path

from harness import SANITIZED

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))
from crash_states import Recording, check_all, distinct_states  # noqa: E402

STATES = 20 if SANITIZED else 60


def test_a_sample_of_crash_states(tmp_path):
    recording = Recording(tmp_path)
    states = list(distinct_states(recording, seed=1, more=2, cut_count=STATES))
    chosen = random.Random(1).sample(states, STATES)
    broken = check_all(recording, tmp_path, chosen, jobs=2)
    recording.standin.stop()
    assert broken == []
