# SPDX-License-Identifier: MIT
"""A client that nobody here wrote: @google/genai from npm, pointed at the stand-in."""
import os
import shutil
import subprocess

import pytest

from standin import FLASH, PRO, Png, jpeg_size, make_png

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "genai")
INSTALL_TIMEOUT = 300


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The SDK, installed into a folder of its own; skipped where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node or npm is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, check=True).stdout.decode()
    if int(version.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"@google/genai needs node 20, here is {version.strip()}")
    folder = tmp_path_factory.mktemp("genai")
    for name in ("package.json", "test_genai.mjs"):
        shutil.copy(os.path.join(HERE, name), folder)
    try:
        install = subprocess.run([npm, "install", "--no-package-lock", "--no-audit", "--no-fund",
                                  "--ignore-scripts", "--fetch-retries=0"], cwd=folder,
                                 capture_output=True, timeout=INSTALL_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm install took too long")
    if install.returncode:
        lines = [line for line in install.stderr.decode().splitlines() if "error" in line]
        pytest.skip(f"npm cannot install the SDK: {lines[0] if lines else install.returncode}")
    return folder


def test_sdk(package, standin, tmp_path):
    reference = tmp_path / "reference.png"
    red = (230, 30, 30)
    reference.write_bytes(make_png(90, 60, red))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    result = subprocess.run(["node", "test_genai.mjs", standin.url, str(reference),
                             str(pictures)], cwd=package, capture_output=True, timeout=120,
                            check=False)
    assert result.returncode == 0, result.stderr.decode()

    text = Png((pictures / "text.png").read_bytes())
    assert (text.width, text.height) == (1024, 1024)
    shown = Png((pictures / "reference.png").read_bytes())
    assert (shown.width, shown.height) == (1344, 768)
    assert shown.pixel(shown.width // 2, int(shown.height * 0.8)) == red
    assert jpeg_size((pictures / "all.jpg").read_bytes()) == (2528, 1696)

    lines = standin.log("generate")
    assert [line["model"] for line in lines] == [FLASH, FLASH, PRO, FLASH, FLASH]
    assert all(line["key"] == "goog" for line in lines)
    assert lines[1]["parts"] == ["text", "inlineData"]
    assert lines[1]["references"][0]["bytes"] == len(reference.read_bytes())
    assert lines[2]["generationConfig"]["seed"] == 7
