# SPDX-License-Identifier: MIT
"""Extended attributes: the user's own are kept, others are refused, ours are hidden."""

import os
import struct

import pytest

from harness import error_of, run

COMMIT = "user.easelfs.commit"
JOB = "user.easelfs.job"
XATTR_CREATE, XATTR_REPLACE = 1, 2


@pytest.fixture(params=["file", "directory"])
def node(place, request):
    path = place / "node"
    path.mkdir() if request.param == "directory" else path.touch()
    return path


def test_an_attribute_is_set_read_listed_and_removed(node):
    os.setxattr(node, "user.note", b"a \0 b")
    os.setxattr(node, "user.other", b"")
    assert os.getxattr(node, "user.note") == b"a \0 b"
    assert os.getxattr(node, "user.other") == b""
    assert sorted(os.listxattr(node)) == ["user.note", "user.other"]
    os.removexattr(node, "user.note")
    assert os.listxattr(node) == ["user.other"]


def test_create_and_replace_are_kept_apart(node):
    assert error_of(os.setxattr, node, "user.a", b"1", XATTR_REPLACE) == "ENODATA"
    os.setxattr(node, "user.a", b"1", XATTR_CREATE)
    assert error_of(os.setxattr, node, "user.a", b"2", XATTR_CREATE) == "EEXIST"
    os.setxattr(node, "user.a", b"3", XATTR_REPLACE)
    assert os.getxattr(node, "user.a") == b"3"


def test_what_is_not_there_is_not_there(node):
    assert error_of(os.getxattr, node, "user.none") == "ENODATA"
    assert error_of(os.removexattr, node, "user.none") == "ENODATA"
    assert os.listxattr(node) == []


# struct posix_acl_xattr_header and four entries: user::rw-, user:12345:rw-, mask::rw-, other::---
ACL = struct.pack("<I" + "HHI" * 5, 2, 1, 6, 0xffffffff, 2, 6, 12345, 4, 6, 0xffffffff,
                  0x10, 6, 0xffffffff, 0x20, 0, 0xffffffff)


@pytest.mark.parametrize("name", ["trusted.a", "security.a", "security.selinux",
                                  "system.posix_acl_access", "system.posix_acl_default"])
def test_other_namespaces_are_refused(node, name):
    if name == "system.posix_acl_default" and not node.is_dir():
        pytest.skip("only directories have default ACLs")
    assert error_of(os.setxattr, node, name, ACL) == "EOPNOTSUPP"
    assert error_of(os.getxattr, node, name) == "EOPNOTSUPP"
    assert error_of(os.removexattr, node, name) == "EOPNOTSUPP"


def test_a_value_may_be_long(node):
    value = os.urandom(2000)
    os.setxattr(node, "user.long", value)
    assert os.getxattr(node, "user.long") == value
    assert error_of(os.setxattr, node, "user." + "n" * 251, b"") == "ERANGE"
    assert error_of(os.setxattr, node, "user.huge", b"x" * 65537) == "E2BIG"


def test_many_attributes_are_listed_whole(node):
    names = sorted(f"user.attribute-{i:02}" for i in range(40))
    for name in names:
        os.setxattr(node, name, b"1")
    assert sorted(os.listxattr(node)) == names


def test_links_have_none(place):
    (place / "link").symlink_to("nowhere")
    assert error_of(os.setxattr, place / "link", "user.a", b"1", follow_symlinks=False) in (
        "EPERM", "EOPNOTSUPP")
    assert os.listxattr(place / "link", follow_symlinks=False) == []


@pytest.mark.parametrize("name", ["README.txt", "status.txt", ".wait", ".prompt.wait"])
def test_virtual_files_have_none(shared, name):
    path = shared.top / name
    assert os.listxattr(path) == []
    assert error_of(os.getxattr, path, "user.a") == "EOPNOTSUPP"
    assert error_of(os.setxattr, path, "user.a", b"1") == "EOPNOTSUPP"
    assert error_of(os.removexattr, path, "user.a") == "EOPNOTSUPP"


def test_the_note_of_the_commit_is_never_seen(shared, place):
    shared.generate("noted", directory=place)
    path = place / "prompt"
    store = shared.store / "tree" / shared.top.name / place.name / "prompt"
    note = os.getxattr(store, COMMIT)
    assert note
    os.setxattr(path, "user.mine", b"1")
    assert os.listxattr(path) == ["user.mine"]
    assert error_of(os.getxattr, path, COMMIT) == "ENODATA"
    assert error_of(os.removexattr, path, COMMIT) == "ENODATA"
    assert error_of(os.setxattr, path, COMMIT, b"forged") == "EPERM"
    assert os.getxattr(store, COMMIT) == note


def test_a_result_is_known_by_its_attribute(shared, place):
    name = shared.generate("marked", directory=place)[0]
    assert JOB in os.listxattr(place / name)
    assert os.getxattr(place / name, JOB) == shared_job(shared, place, name)


def shared_job(shared, place, name):
    return os.getxattr(shared.store / "tree" / shared.top.name / place.name / name, JOB)


def test_attributes_survive_a_copy_that_keeps_them(place, tmp_path):
    (place / "a").write_text("content")
    os.setxattr(place / "a", "user.a", b"kept")
    run(["cp", "-a", place / "a", place / "b"])
    assert os.getxattr(place / "b", "user.a") == b"kept"
    run(["cp", place / "a", place / "c"])
    assert os.listxattr(place / "c") == []
