# SPDX-License-Identifier: MIT
"""The table of variants, section 4 of the API: see the head of test_variants.py."""

import email.utils
import re
import time

import pytest

from conftest import Desk, mounts
from harness import until
from job_play import (ASK_AGAIN, FREE, KEPT, NOT_ASKED_AGAIN, NOT_SENT_AGAIN, PAID, PERHAPS, SMALL,
                      directed)
from job_rows import (LINK_KEPT, Ledger, check, check_told, desk, hall, ledger, oracle, pictures,
                      teller, told, told_mount)

__all__ = ["desk", "hall", "ledger", "oracle", "teller", "told_mount"]  # fixtures


# --- section 4: each status with each shape of an error

MESSAGES = {
    400: ("The API refused the request", "Request contains an invalid argument.", FREE,
          "Check the prompt, the settings and the references, then save the prompt again."),
    401: ("The API does not accept the key", "API key not valid. Please pass a valid API key.",
          FREE, "Check the API key, then save the prompt again."),
    403: ("The API does not allow this request", "The caller does not have permission.", FREE,
          "Check what the API key and its account may use, then save the prompt again."),
    404: ("The API does not know this model or address", "The model is not found.", FREE,
          "Check the base URL and the model's name in the configuration."),
    413: ("The request is too large for the API", "Request payload size exceeds the limit.", FREE,
          "Use fewer or smaller references, then save the prompt again."),
    451: ("The API refused the request for legal reasons", "Unavailable for legal reasons.", FREE,
          "Change the prompt and save it again."),
    504: ("The API gave up before it was done", "Deadline expired before operation could complete.",
          PERHAPS, NOT_ASKED_AGAIN),
}
QUOTA = ("The quota of the account is used up", FREE,
         "Wait until it is renewed or have it raised, then save the prompt again.")
SHAPES = ["google", "gateway", "array", "string", "success_false", "msg", "nested", "text", "html",
          "empty"]


def error_row(status, shape, what, message, cost, advice):
    said = {"html": f": stand-in.example | {status}: {message}",
            "empty": f" (HTTP {status})."}.get(shape, f": {message}")
    return told(what + said, cost, advice, "unknown" if cost == PERHAPS else "failed")


@pytest.mark.parametrize("status", MESSAGES)
def test_shapes_of_an_error(desk, status):
    check(desk, {shape: (f"status={status}, error={shape}",
                         error_row(status, shape, *MESSAGES[status])) for shape in SHAPES})


def test_a_deadline_in_any_shape(desk):
    """503 is "overloaded", and tried again, unless it says this."""
    message = MESSAGES[504][1]
    check(desk, {shape: (f'status=503, error={shape}, message="{message}"',
                         error_row(503, shape, *MESSAGES[504]))
                 for shape in SHAPES if shape != "empty"})


def test_a_quota_in_any_shape(desk):
    """429 is a limit per minute, and tried again, unless it says this."""
    what, cost, advice = QUOTA
    short = "The account has insufficient quota."
    usual = "You exceeded your current quota, please check your plan and billing details."
    table = {shape: (f'status=429, error={shape}, message="{short}"',
                     error_row(429, shape, what, short, cost, advice))
             for shape in SHAPES if shape != "empty"}
    table |= {f"{quota} {shape}": (f"status=429, error={shape}, quota={quota}",
                                   error_row(429, shape, what, usual, cost, advice))
              for quota in ("perday", "zero") for shape in ("google", "array", "nested")}
    table["a gateway's 403"] = (
        "status=403, error=gateway, code=insufficient_user_quota",
        error_row(403, "gateway", what, MESSAGES[403][1], cost, advice))
    check(desk, table)


def test_a_key_that_is_refused_with_another_status(desk):
    what, _, cost, advice = MESSAGES[401]
    check(desk, {f"{status} {shape}": (
        f"status={status}, error={shape}, reason=API_KEY_INVALID",
        error_row(status, shape, what, MESSAGES[status][1], cost, advice))
        for status in (400, 403) for shape in ("google", "array", "nested")})


def test_statuses_that_nobody_gives(desk):
    refused, failed = MESSAGES[400], ("The API failed while it worked on the request", PERHAPS)
    table = {f"{status}": (f"status={status}", told(f"{refused[0]}: Something went wrong.", FREE,
                                                    refused[3]))
             for status in (405, 406, 409, 410, 415, 422, 431)}
    table |= {f"{status}": (f"status={status}", told(f"{failed[0]}: Something went wrong.", PERHAPS,
                                                     NOT_ASKED_AGAIN, "unknown"))
              for status in (501, 505, 507, 521, 522, 523, 529, 530)}
    advice = ("No redirect is followed, since the key goes to no other address. Correct the base "
              "URL in the configuration.")
    table |= {f"{status}": (f"status={status}",
                            told(f"The base URL redirects (HTTP {status}).", FREE, advice))
              for status in (304, 305, 399)}
    check(desk, table)


def in_200(*error, shape="google", charge=PERHAPS, advice=NOT_ASKED_AGAIN):
    return (f"error_in_200, error={shape}", told(*error, charge, advice))


def test_shapes_of_an_error_in_a_200(desk):
    """Section 3: the first thing to look for. It may have been charged, and is never repeated."""
    message = "An internal error has occurred. Please retry."
    failed = f"The API failed while it worked on the request: {message}"
    error = f"The API answered with an error: {message}"
    again = "Save the prompt again to try once more."
    strange = "The answer is not one that the API gives: "
    other = "What arrived is kept. Check that the base URL is that of the API."
    check(desk, {
        "google": in_200(failed), "array": in_200(failed, shape="array"),
        "msg": in_200(failed, shape="msg"), "nested": in_200(failed, shape="nested"),
        "gateway": in_200(error, shape="gateway", advice=again),
        "string": in_200(error, shape="string", advice=again),
        "success_false": in_200(error, shape="success_false", advice=again),
        "html": in_200(f"{strange}stand-in.example | 500: {message}", shape="html", advice=other),
        "text": in_200(strange + message, shape="text", advice=other),
        "empty": in_200("The API gave an empty answer.", shape="empty", charge=PAID,
                        advice=ASK_AGAIN),
    })


ERRORS_IN_200 = {
    400: MESSAGES[400], 401: MESSAGES[401], 403: MESSAGES[403], 404: MESSAGES[404],
    413: MESSAGES[413], 451: MESSAGES[451], 504: MESSAGES[504],
    402: ("The account has no credit left", None, None,
          "Add credit to the account, then save the prompt again."),
    429: ("The API's rate limit is reached", None, None,
          "Wait a while, then save the prompt again."),
    503: ("The API is overloaded", None, None, "Wait a while, then save the prompt again."),
}


def test_codes_of_an_error_in_a_200(hall):
    check_told(hall, {f"{code} {kind.__name__}": (
        {"error": {"code": kind(code), "message": "Oh no."}},
        told(f"{what}: Oh no.", PERHAPS, advice))
        for code, (what, _, _, advice) in ERRORS_IN_200.items() for kind in (int, str)})


# --- section 4: what is tried again, and after how long

def test_how_long_to_wait(desk, oracle):
    """At least as long as the server asks for, and as the back-off has it: 0.5 s at first."""
    date = int(time.time()) + 4
    stamp = email.utils.formatdate(date, usegmt=True)
    asctime = time.asctime(time.gmtime(date))
    past = email.utils.formatdate(date - 3600, usegmt=True)
    waits = {  # directives: milliseconds
        "status=429, retry_after=2": 2000, "status=503, retry_after=2": 2000,
        "status=429, retry_info=2.5s": 2500, "status=503, retry_info=1.5s": 1500,
        "status=429, retry_info=2s, error=array": 2000,
        "status=429, retry_info=2s, error=nested": 2000,
        "status=429, retry_info=1.173612231s": 1174,
        "status=429, retry_after=1, retry_info=3s": 3000,
        "status=429, retry_after=3, retry_info=1s": 3000,
        "status=429, retry_after=0": 500, "status=429, retry_info=0.001s": 500,
        "status=429, retry_after=soon": 500, "status=429, retry_info=soon": 500,
        f'status=429, retry_after="{past}"': 500, "status=429, retry_after=-5": 500,
        "status=429, quota=perminute, retry_info=2s": 2000,
    }
    dates = [f'status=429, retry_after="{stamp}"', f'status=503, retry_after="{asctime}"']
    good = pictures(*oracle.sums("A cat"), requests=2)
    check(desk, {name: (f"{name} | {SMALL}", good) for name in [*waits, *dates]})
    requests = desk.standin.requests()
    for name in [*waits, *dates]:
        first, second = (request["time_ms"] for request in requests
                         if f"[[standin: {name} |" in request["prompt"])
        if name in dates:
            assert second >= date * 1000, name
        else:
            assert second - first >= waits[name], name


def test_a_long_wait_is_told(desk):
    """An hour: it stands in the status, and the prompt can be taken back meanwhile."""
    prompt = desk.path / "prompt"
    prompt.write_text(directed("A cat", "status=429, retry_after=3600"))
    status = until(lambda: next((
        line for line in desk.mount.status(desk.mount.top).splitlines()
        if f"{desk.path.name}/prompt" in line and "try 2 in " in line), None), "the second try")
    assert re.search(r"try 2 in 3[56]\d\d s", status), status
    prompt.unlink()
    desk.mount.wait(directory=desk.path)
    assert len(desk.requests()) == 1


def test_retry_server_errors(tmp_path, shared_standin, oracle):
    """The statuses after which it is open what it cost, where the operator says: nothing. What may
    have been charged by another sign is not repeated."""
    deadline = '503, message="Deadline expired before operation could complete."'
    again = [f"status={status}" for status in (408, 499, 500, 502, 504, 520, 521, 522, 523, 524)]
    again.append(f"status={deadline}")
    lost = "HOST closed the connection without an answer."
    with mounts(tmp_path) as make:
        mount = make(shared_standin.url, "-oretry_server_errors=1")
        desk = Desk(Ledger(mount), shared_standin, mount.top)
        check(desk, {
            **{name: (f"{name} | {SMALL}", pictures(*oracle.sums("A cat"), requests=2))
               for name in again},
            "closed": (f"fault=close_before_answer | {SMALL}",
                       told(lost, PERHAPS, NOT_SENT_AGAIN, "unknown")),
            "cut": (f"fault=truncate:0 | {SMALL}", told(
                "The answer from HOST ended early: N of M bytes had come.", PAID, ASK_AGAIN)),
            "400": (f"status=400 | {SMALL}", error_row(400, "google", *MESSAGES[400])),
            "in a 200": (f"error_in_200 | {SMALL}", told(
                "The API failed while it worked on the request: An internal error has occurred. "
                "Please retry.", PERHAPS, NOT_ASKED_AGAIN)),
            "words": (f'words_only, words="No." | {SMALL}', told(
                "The model answered with words only: No.", PAID,
                "Say more plainly what to draw and save the prompt again.")),
            "drafts": (f"drafts_only | {SMALL}",
                       told("The API sent only draft images.", PAID, ASK_AGAIN)),
        })
        mount.unmount()


def test_an_answer_that_takes_too_long(tmp_path, shared_standin):
    """Once it has begun it is paid for. A picture by URL is fetched three times, which costs
    nothing."""
    late = "The answer from HOST was not complete after 5.0 s: N of M bytes had come."
    with mounts(tmp_path) as make:
        mount = make(shared_standin.url, "-otimeout=5")
        desk = Desk(Ledger(mount), shared_standin, mount.top)
        check(desk, {
            "a stall": (f"{SMALL}, fault=stall_mid:3600000", told(late, PAID, KEPT)),
            "in drops": ("picture_bytes=100000, fault=drip:100", told(late, PAID, KEPT)),
            "no answer": ("fault=stall:3600000", told("No answer from HOST after 5.0 s.", PERHAPS,
                                                      NOT_SENT_AGAIN, "unknown")),
            "a slow picture": ("picture_bytes=100000, form=url, url=slow:100", told(
                f"The picture could not be fetched. {late}", PAID, LINK_KEPT)),
        })
        mount.unmount()
