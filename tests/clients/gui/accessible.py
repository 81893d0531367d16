#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What stands on a user's screen, as a screen reader is told. To be run in that user's session.

accessible.py read           the words in all windows: a JSON list of [role, words]
accessible.py press NAME...  press the first button that has one of these names: prints the name
"""

import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402  pylint: disable=wrong-import-position

DEPTH_MAX = 60
CHILDREN_MAX = 400


def words_of(node):
    name = node.get_name() or ""
    text = node.get_text_iface()
    if text and not name:
        name = Atspi.Text.get_text(text, 0, Atspi.Text.get_character_count(text))
    return name


def walk(node, depth=0):
    """All that can be asked: what is closed meanwhile fails, and is passed over."""
    try:
        yield node
        count = min(node.get_child_count(), CHILDREN_MAX) if depth < DEPTH_MAX else 0
    except GLib.Error:
        return
    for i in range(count):
        try:
            child = node.get_child_at_index(i)
        except GLib.Error:
            continue
        if child:
            yield from walk(child, depth + 1)


def read():
    found = []
    for node in walk(Atspi.get_desktop(0)):
        try:
            words = words_of(node)
            if words:
                found.append([node.get_role_name(), words])
        except GLib.Error:
            continue
    return found


def can_be_pressed(node):
    states = node.get_state_set()
    return (node.get_role() == Atspi.Role.PUSH_BUTTON and states.contains(Atspi.StateType.SENSITIVE)
            and states.contains(Atspi.StateType.VISIBLE))


def press(names):
    for node in walk(Atspi.get_desktop(0)):
        try:
            name = node.get_name()
            if name in names and can_be_pressed(node):
                Atspi.Action.do_action(node.get_action_iface(), 0)
                return name
        except GLib.Error:
            continue
    return ""


if __name__ == "__main__":
    if sys.argv[1] == "read":
        print(json.dumps(read()))
    else:
        print(press(sys.argv[2:]))
