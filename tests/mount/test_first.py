# SPDX-License-Identifier: MIT
"""The main job, end to end."""


def test_echo_makes_a_picture(mount, standin, top):
    assert mount.generate("A cat in the rain\n") == ["0001.jpg"]
    assert standin.prompts() == ["A cat in the rain"]
    assert (top / "0001.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    mount.unmount()
