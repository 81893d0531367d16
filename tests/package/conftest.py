# SPDX-License-Identifier: MIT
"""Fixtures of the tests of what is delivered: those of the mount tests, an installed easelfs, and its
package."""

import importlib.util
import os
import shutil
import subprocess
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

from harness import BUILD, LIMIT  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The prefix that what was built is installed to."""
    prefix = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                   capture_output=True, timeout=LIMIT)
    prefix.chmod(0o755)
    return prefix


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The Debian package of what was built."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("there is no dpkg here")
    place = tmp_path_factory.mktemp("package")
    subprocess.run(["cpack", "-G", "DEB", "-B", place], check=True, capture_output=True, cwd=BUILD,
                   timeout=6 * LIMIT)
    found = list(place.glob("*.deb"))
    assert len(found) == 1
    return found[0]


@pytest.fixture
def installed_run(installed):
    """Run an installed program to its end: (status, what it printed, its errors)."""
    def run(*command, **named):
        done = subprocess.run([installed / "bin" / command[0], *command[1:]], check=False,
                              capture_output=True, text=True, timeout=LIMIT,
                              env=dict(os.environ, HOME="/nonexistent"), **named)
        return done.returncode, done.stdout, done.stderr
    return run
