# SPDX-License-Identifier: MIT
"""Fixtures of the tests of real programs: those of the mount tests, and a room for programs.

Saves by coreutils, bash, Python and whatever needs nothing but one line of a shell are counted in
tests/mount/test_commit_programs.py, and looks by such lines in tests/mount/test_look.py.
"""

import importlib.util
import sys
from pathlib import Path

import pytest

MOUNT = Path(__file__).resolve().parent.parent / "mount"
sys.path.insert(0, str(MOUNT))

spec = importlib.util.spec_from_file_location("mount_conftest", MOUNT / "conftest.py")
mount_conftest = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = mount_conftest
spec.loader.exec_module(mount_conftest)
globals().update({name: value for name, value in vars(mount_conftest).items()
                  if not name.startswith("__")})  # its fixtures and hooks

from clients import Room  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def room(desk, tmp_path):
    return Room(desk, tmp_path)
