# SPDX-License-Identifier: MIT
"""The stand-in's own words in all their combinations: every form in which a picture comes, with
members that are null, empty or not there, in every array that a gateway puts around the body."""

import pytest

from job_play import SMALL
from job_rows import check, desk, ledger, oracle, pictures, told_mount  # noqa: F401

__all__ = ["desk", "ledger", "oracle", "told_mount"]

FORMS = ["inline", "inline_snake", "data_uri", "url", "file_data", "file_data_snake", "part_url",
         "markdown_data", "markdown_url", "openai_b64", "openai_url", "openai_chat",
         "openai_chat_url"]
MEMBERS = ["members=null", "members=empty", "members=absent", "members=null+empty+absent"]
WRAPS = ["", "wrap=one", "wrap=first", "wrap=last", "wrap=chunks"]


def joined(*words):
    return ", ".join(word for word in words if word)


@pytest.mark.parametrize("members", MEMBERS)
def test_members_that_say_nothing(desk, oracle, members):
    good = pictures(*oracle.sums("A cat"))
    check(desk, {f"{form} {wrap}": (joined(SMALL, f"form={form}", members, wrap), good)
                 for form in FORMS for wrap in WRAPS})


@pytest.mark.parametrize("words", ["members=null", "members=empty", "order=reversed"])
def test_pictures_in_chunks(desk, oracle, words):
    good = pictures(*oracle.sums("A cat", f"{SMALL}, pictures=3"))
    check(desk, {form: (joined(SMALL, "pictures=3, wrap=chunks", f"form={form}", words), good)
                 for form in FORMS})


def test_links_that_fail_and_then_work(desk, oracle):
    good = pictures(*oracle.sums("A cat"))
    check(desk, {fault: (f"{SMALL}, form=url, url={fault}, url_times=2", good)
                 for fault in ("500", "close", "truncate:20")})
