# SPDX-License-Identifier: MIT
"""The binary comes from --standin or $EASELFS_STANDIN."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from standin import Standin  # noqa: E402

os.environ.setdefault("TSAN_OPTIONS", "halt_on_error=1:suppressions=" +
                      os.path.join(os.path.dirname(os.path.abspath(__file__)), "tsan.supp"))


def pytest_addoption(parser):
    parser.addoption("--standin", default=os.environ.get("EASELFS_STANDIN"),
                     help="path of easelfs-standin")


@pytest.fixture(scope="session")
def binary(request):
    path = request.config.getoption("--standin")
    if not path:
        pytest.fail("give --standin PATH or set EASELFS_STANDIN")
    return os.path.abspath(path)


@pytest.fixture
def standin(binary, tmp_path):
    """A stand-in without special options, of this test alone."""
    with Standin(binary, str(tmp_path)) as running:
        yield running


@pytest.fixture
def start(binary, tmp_path):
    """Start a stand-in with options: `with start("--delay", "100", script="ok") as standin`."""
    def starter(*arguments, script=None):
        return Standin(binary, str(tmp_path), *arguments, script=script)
    return starter


@pytest.fixture(scope="session")
def patience(binary):
    """How many times longer things may take: sanitizers slow everything down."""
    with open(binary, "rb") as file:
        content = file.read()
    return 10 if b"__asan_init" in content or b"__tsan_init" in content else 1
