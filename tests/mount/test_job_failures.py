# SPDX-License-Identifier: MIT
"""Every status and shape of an error: how many requests, what is told, and what becomes of it."""

import os
import re

import pytest

from harness import KEY, until
from job_play import (FREE, NOT_ASKED_AGAIN, NOT_SENT_AGAIN, PERHAPS, SMALL, check_over,
                      check_readable, directed, play)

CHECK = "Check the prompt, the settings and the references, then save the prompt again."
CHECK_KEY = "Check the API key, then save the prompt again."
CHECK_URL = "Check the base URL and the model's name in the configuration."
QUOTA = "Wait until it is renewed or have it raised, then save the prompt again."
LATER = "Wait a while, then save the prompt again."
FAILED = "The API failed while it worked on the request: An internal error has occurred. Please retry."
GAVE_UP = "The API gave up before it was done: %s"
EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
SLACK_MS = 30_000  # that a request may come later than it could, on a busy machine
REDIRECT = ("No redirect is followed, since the key goes to no other address. Correct the base URL "
            "in the configuration.")


def free(what, advice):
    return "failed", f"{what}\n{FREE}\n{advice}"


def perhaps(what, advice=NOT_ASKED_AGAIN):
    return "unknown", f"{what}\n{PERHAPS}\n{advice}"


# name: (directives, (state, what the error file says))
ONCE = {
    "400": ("status=400", free("The API refused the request: Request contains an invalid argument.",
                               CHECK)),
    "400, key": ("status=400, reason=API_KEY_INVALID", free(
        "The API does not accept the key: Request contains an invalid argument.", CHECK_KEY)),
    "401": ("status=401", free("The API does not accept the key: API key not valid. Please pass a "
                               "valid API key.", CHECK_KEY)),
    "403": ("status=403", free("The API does not allow this request: The caller does not have "
                               "permission.", "Check what the API key and its account may use, "
                               "then save the prompt again.")),
    "404": ("status=404", free("The API does not know this model or address: The model is not "
                               "found.", CHECK_URL)),
    "413": ("status=413", free("The request is too large for the API: Request payload size exceeds "
                               "the limit.", "Use fewer or smaller references, then save the "
                               "prompt again.")),
    "418": ("status=418", free("The API refused the request: Something went wrong.", CHECK)),
    "451": ("status=451", free("The API refused the request for legal reasons: Unavailable for "
                               "legal reasons.", "Change the prompt and save it again.")),
    "429, a day's quota": ("status=429, quota=perday",
                           free(f"The quota of the account is used up: {EXCEEDED}", QUOTA)),
    "429, no quota": ("status=429, quota=zero",
                      free(f"The quota of the account is used up: {EXCEEDED}", QUOTA)),
    "429, insufficient": ("status=429, quota=insufficient, error=gateway", free(
        "The quota of the account is used up: The account has insufficient quota.", QUOTA)),
    "301": ('redirect="301:http://127.0.0.1:1/"',
            free("The base URL redirects to http://127.0.0.1:1/.", REDIRECT)),
    "308": ('redirect="308:http://user:word@127.0.0.1:1/x?y"',
            free("The base URL redirects to http://127.0.0.1:1/x.", REDIRECT)),
    "408": ("status=408", perhaps(GAVE_UP % "The request timed out.")),
    "499": ("status=499", perhaps(GAVE_UP % "The operation was cancelled.")),
    "500": ("status=500", perhaps(FAILED)),
    "502": ("status=502", perhaps("The API failed while it worked on the request: Bad gateway.")),
    "503, expired": ('status=503, message="Deadline expired before operation could complete."',
                     perhaps(GAVE_UP % "Deadline expired before operation could complete.")),
    "504": ("status=504", perhaps(GAVE_UP % "Deadline expired before operation could complete.")),
    "520": ("status=520", perhaps("The API failed while it worked on the request: Something went "
                                  "wrong.")),
    "524": ("status=524", perhaps(GAVE_UP % "Something went wrong.")),
    "300": ("status=300", free("The base URL redirects (HTTP 300).", REDIRECT)),
    "599": ("status=599", perhaps("The API failed while it worked on the request: Something went "
                                  "wrong.")),
    "no HTTP": ("fault=garbage", perhaps(
        "What HOST answered is not HTTP (Received HTTP/0.9 when not allowed).", NOT_SENT_AGAIN)),
    "endless header": ("fault=huge_headers", perhaps(
        "The header lines of the answer from HOST are too long.", NOT_SENT_AGAIN)),
}


@pytest.mark.parametrize("name", ONCE)
def test_no_second_try(desk, name):
    directives, (state, told) = ONCE[name]
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", directives))
    assert outcome.told(desk.standin.url) == told
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (1, state, 1)
    assert outcome.charge == ("none" if state == "failed" else "possible")
    assert outcome.names == ["prompt", "prompt.error.txt"]
    assert "tries:" not in outcome.error
    check_over(desk.mount, outcome)
    kept = os.listdir(desk.mount.store / "done" / outcome.record["id"])
    assert kept == ["record.json"]


# name: the shape of an error's body, all with status 500 and the same message
SHAPES = {
    "google": FAILED, "gateway": FAILED, "array": FAILED, "string": FAILED, "msg": FAILED,
    "success_false": FAILED, "nested": FAILED, "text": FAILED,
    "html": "The API failed while it worked on the request: stand-in.example | 500: An internal "
            "error has occurred. Please retry.",
    "empty": "The API failed while it worked on the request (HTTP 500).",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_an_error(desk, shape):
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"status=500, error={shape}"))
    assert outcome.told() == perhaps(SHAPES[shape])[1]
    assert (len(outcome.requests), outcome.state) == (1, "unknown")
    check_over(desk.mount, outcome)


def test_what_a_server_says_is_made_fit_to_be_read(make_standin, make_mount, tmp_path):
    """Escape sequences, markup, the key itself, and more than anybody would read."""
    script = tmp_path / "script"
    message = f"\x1b[2J<b>bold</b>\x07 {KEY} " + "word " * 2000
    script.write_text("".join(f'status=500, error={shape}, message="{message}"\n'
                              for shape in SHAPES), encoding="utf-8")
    standin = make_standin("--script", script)
    mount = make_mount(standin.url)
    for shape in SHAPES:
        outcome = play(mount, standin, mount.top, f"A cat, {shape}")
        check_readable(outcome.error)
        if shape not in ("empty", "html"):  # of a page only the title is told
            assert "bold" in outcome.error and "[key]" in outcome.error, shape
        assert len(outcome.error) < 2000
    mount.unmount()  # where the key is looked for everywhere


@pytest.mark.parametrize("shape", ["google", "gateway"])
def test_the_request_id_is_kept(desk, shape):
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"status=500, error={shape}, request_id=req-4711"))
    assert "\nrequest id: req-4711\n" in outcome.error
    assert outcome.record["failure"]["request_id"] == "req-4711"


# name: (directives of the first answers, further tries)
AGAIN = {
    "429 with RetryInfo": ("status=429, retry_info=0.2s", 1),
    "429 with Retry-After": ("status=429, retry_after=1", 1),
    "429 with neither": ("status=429", 1),
    "429 of a minute": ("status=429, quota=perminute, retry_info=0.1s", 1),
    "503": ("status=503", 1),
    "503 with Retry-After": ("status=503, retry_after=1", 1),
    "503 and 429": ("status=503 | status=429", 2),
}


@pytest.mark.parametrize("name", AGAIN)
def test_tried_again(desk, name):
    """Refused before any work was done: sent again by itself, and never more than once at a time."""
    directives, tries = AGAIN[name]
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"{directives} | {SMALL}"))
    assert outcome.results == ["0001.jpg"]
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (tries + 1, "done",
                                                                      tries + 1)
    assert len({request["idempotency_key"] for request in outcome.requests}) == 1
    check_over(desk.mount, outcome)


def test_the_wait_is_at_least_what_the_server_asked_for(desk):
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"status=429, retry_info=2.5s | {SMALL}"))
    first, second = (request["time_ms"] for request in outcome.requests)
    assert 2500 <= second - first < 2500 + SLACK_MS


def test_after_five_tries_it_is_given_up(make_mount, standin):
    """The wait doubles: 0.5 to 1 s, 1 to 2 s, 2 to 4 s, 4 to 8 s."""
    mount = make_mount(standin.url)
    outcome = play(mount, standin, mount.top, directed("A cat", "status=503"))
    assert outcome.told() == free(
        "The API is overloaded: The model is overloaded. Please try again later. "
        "Given up after 5 tries.", LATER)[1]
    assert "\ntries:  5\n" in outcome.error
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (5, "failed", 5)
    times = [request["time_ms"] for request in outcome.requests]
    waits = [after - before for before, after in zip(times, times[1:])]
    for number, wait in enumerate(waits):
        assert 500 << number <= wait < (1000 << number) + SLACK_MS, waits
    check_over(mount, outcome)
    mount.unmount()


def test_an_early_doubt_stays(make_mount, standin):
    """What may have been charged at the first try is not forgotten over the later ones."""
    mount = make_mount(standin.url, "-oretry_server_errors=1")
    outcome = play(mount, standin, mount.top, directed("A cat", "status=500 | status=400"))
    each = "Each try may have been. Save the prompt again to try once more."
    assert outcome.told() == perhaps(
        "The API refused the request: Request contains an invalid argument.", each)[1]
    assert (len(outcome.requests), outcome.state, outcome.charge) == (2, "unknown", "possible")
    outcome = play(mount, standin, mount.top, directed("B", f"status=500 | {SMALL}"))
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (2, "done", 2)
    outcome = play(mount, standin, mount.top, directed("C", "status=500"))
    assert outcome.told() == perhaps(FAILED, each)[1]
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (2, "unknown", 2)
    mount.unmount()


def test_nobody_there(make_mount, standin):
    """No connection: not served, so tried again; the status says when."""
    mount = make_mount("http://127.0.0.1:9")
    (mount.top / "prompt").write_text("A cat")
    until(lambda: re.search(r"try [2-5] in ", mount.status(mount.top)), "a second try")
    assert standin.requests() == []
    (mount.top / "prompt").unlink()  # not sent, so it can be taken back
    assert mount.wait() == ([], False)
    record, = mount.records()
    assert record["state"] == "cancelled"
    assert "Connection refused" in record["failure"]["text"]
    mount.unmount()
