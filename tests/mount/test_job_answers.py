# SPDX-License-Identifier: MIT
"""Every form of an answer with status 200: the pictures' bytes, the words, or why there is none."""

import os

import pytest

from job_play import (ASK_AGAIN, KEPT, PAID, PERHAPS, SMALL, NOT_ASKED_AGAIN, Oracle, Outcome,
                      check_over, directed, play)

WORDS = "Here is your picture.\n"
FILTERED = ("Unable to show the generated image. The image was filtered out because it violated "
            "Google's Generative AI Prohibited Use policy.")


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    from conftest import standins
    with standins(tmp_path_factory.mktemp("oracle")) as make:
        yield Oracle(make())


# name: (directives beside SMALL, the oracle's directives, the results' names, the words)
PICTURES = {
    "inline": ("form=inline", SMALL, ["0001.jpg"], WORDS),
    "inline, snake case": ("form=inline_snake", SMALL, ["0001.jpg"], WORDS),
    "data URI": ("form=data_uri", SMALL, ["0001.jpg"], WORDS),
    "URL": ("form=url", SMALL, ["0001.jpg"], WORDS),
    "file data": ("form=file_data", SMALL, ["0001.jpg"], WORDS),
    "file data, snake case": ("form=file_data_snake", SMALL, ["0001.jpg"], WORDS),
    "URL of a part": ("form=part_url", SMALL, ["0001.jpg"], WORDS),
    "Markdown, data": ("form=markdown_data", SMALL, ["0001.jpg"],
                       "Here it is:\n\n\n\n\n" + WORDS),
    "Markdown, URL": ("form=markdown_url", SMALL, ["0001.jpg"], None),
    "OpenAI, base64": ("form=openai_b64", SMALL, ["0001.jpg"], None),
    "OpenAI, URL": ("form=openai_url", SMALL, ["0001.jpg"], None),
    "OpenAI, chat": ("form=openai_chat", SMALL, ["0001.jpg"], WORDS),
    "OpenAI, chat, URL": ("form=openai_chat_url", SMALL, ["0001.jpg"], WORDS),
    "array of one": ("wrap=one", SMALL, ["0001.jpg"], WORDS),
    "array of chunks": ("wrap=chunks", SMALL, ["0001.jpg"], WORDS),
    "three": ("pictures=3", SMALL + ", pictures=3", ["0001.jpg", "0002.jpg", "0003.jpg"], WORDS),
    "three by URL": ("pictures=3, form=url", SMALL + ", pictures=3",
                     ["0001.jpg", "0002.jpg", "0003.jpg"], WORDS),
    "three in chunks": ("pictures=3, wrap=chunks", SMALL + ", pictures=3",
                        ["0001.jpg", "0002.jpg", "0003.jpg"], WORDS),
    "each twice": ("pictures=2, duplicate", SMALL + ", pictures=2", ["0001.jpg", "0002.jpg"],
                   WORDS),
    "each twice, by URL": ("pictures=2, duplicate, form=url", SMALL + ", pictures=2",
                           ["0001.jpg", "0002.jpg"], WORDS),
    "drafts before it": ("drafts=3", SMALL, ["0001.jpg"], WORDS),
    "refused and yet there": ("finish=SAFETY, keep_picture", SMALL, ["0001.jpg"], WORDS),
    "PNG": ("picture=png", SMALL + ", picture=png", ["0001.png"], WORDS),
    "WebP": ("picture=webp", SMALL + ", picture=webp", ["0001.webp"], WORDS),
    "GIF": ("picture=gif", SMALL + ", picture=gif", ["0001.gif"], WORDS),
    "PNG labelled JPEG": ("picture=png, label=image/jpeg", SMALL + ", picture=png", ["0001.png"],
                          WORDS),
    "JPEG labelled HTML": ("label=text/html", SMALL, ["0001.jpg"], WORDS),
    "URL of a wrong type": ("form=url, url_type=text/html", SMALL, ["0001.jpg"], WORDS),
    "redirected URL": ("form=url, url=redirect:3", SMALL, ["0001.jpg"], WORDS),
    "no words": ('words=""', SMALL, ["0001.jpg"], None),
    "long words": ("words_bytes=100000", SMALL, ["0001.jpg"],
                   ("All work and no play makes a long answer. " * 2400)[:100000] + "\n"),
    "8 MB of signature": ("signature_bytes=8000000", SMALL, ["0001.jpg"], WORDS),
    "large": ("picture_bytes=5000000", SMALL + ", picture_bytes=5000000", ["0001.jpg"], WORDS),
    "large, by URL": ("picture_bytes=5000000, form=url", SMALL + ", picture_bytes=5000000",
                      ["0001.jpg"], WORDS),
    "large, Markdown": ("picture_bytes=5000000, form=markdown_data",
                        SMALL + ", picture_bytes=5000000", ["0001.jpg"],
                        "Here it is:\n\n\n\n\n" + WORDS),
    "unknown members": ("unknown_members, order=reversed, json=pretty", SMALL, ["0001.jpg"], WORDS),
    "no usage": ("usage=null", SMALL, ["0001.jpg"], WORDS),
    "gzip": ("fault=gzip", SMALL, ["0001.jpg"], WORDS),
    "chunked": ("fault=chunked", SMALL, ["0001.jpg"], WORDS),
    "until the close": ("fault=until_close", SMALL, ["0001.jpg"], WORDS),
    "after 100 and 102": ("fault=http100", SMALL, ["0001.jpg"], WORDS),
    "bytes behind it": ("fault=overlong", SMALL, ["0001.jpg"], WORDS),
    "in drops": ("fault=drip:20000", SMALL, ["0001.jpg"], WORDS),
    "with a stall": ("fault=stall_mid:200", SMALL, ["0001.jpg"], WORDS),
    "status 201": ("status=201", SMALL, ["0001.jpg"], WORDS),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(desk, oracle, name):
    directives, expected, names, words = PICTURES[name]
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"{SMALL}, {directives}"))
    assert outcome.results == names
    assert outcome.sums == oracle.sums("A cat", expected)
    if words is not None:
        assert outcome.words == words
    assert set(outcome.names) == {"prompt", *names, *(["0001.txt"] if outcome.words else [])}
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (1, "done", 1)
    check_over(desk.mount, outcome)


SPELLINGS = ["plain", "urlsafe", "unpadded", "newlines", "crlf", "escaped_slash",
             "escaped_unicode", "escaped_all", "urlsafe+unpadded", "newlines+escaped_all",
             "urlsafe+unpadded+crlf+escaped_unicode"]


@pytest.mark.parametrize("size", ["64x64", "700x700"])  # in the skeleton, and in a part
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_base64_spellings(desk, oracle, spelling, size):
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"variant=0, size={size}, base64={spelling}"))
    assert outcome.sums == oracle.sums("A cat", f"variant=0, size={size}")
    assert (len(outcome.requests), outcome.state) == (1, "done")


def charged(what, advice):
    return f"{what}\n{PAID}\n{advice}"


def perhaps(what, advice):
    return f"{what}\n{PERHAPS}\n{advice}"


EMPTY = charged("The API gave an empty answer.", ASK_AGAIN)
NONE = "What the API sent as a picture is none: %s."
UNREADABLE = charged("The answer names a picture that cannot be read or fetched.", KEPT)
UNFETCHED = "The picture could not be fetched. %s"
WRITE_AGAIN = "Write the prompt again for a new picture; it will be charged again."
LINK_KEPT = "Its link is kept in the store, in done/JOB/answer."
CHANGE = "Change the prompt or the references, then save the prompt again."

# name: (directives beside SMALL, what the error file says)
NO_PICTURE = {
    "drafts only": ("drafts_only", charged("The API sent only draft images.", ASK_AGAIN)),
    "words only": ("words_only", charged(
        "The model answered with words only: I cannot draw this. Please describe it differently.",
        "Say more plainly what to draw and save the prompt again.")),
    "safety": ("safety", charged(f"The API withheld the picture: SAFETY: {FILTERED}", CHANGE)),
    "blocked": ("blocked", perhaps("The API refused the prompt: PROHIBITED_CONTENT.",
                                   "Change the prompt and save it again.")),
    "blocked for a reason": ("blocked=OTHER", perhaps("The API refused the prompt: OTHER.",
                                                      "Change the prompt and save it again.")),
    "recitation": ('finish=IMAGE_RECITATION, message="too close"', charged(
        "The API withheld the picture because it is too close to an existing work: "
        "IMAGE_RECITATION: too close.",
        "Ask for something less like an existing work and save the prompt again.")),
    "tokens": ('finish=MAX_TOKENS, message="over"', charged(
        "The model reached its limit of tokens before there was a picture: MAX_TOKENS: over.",
        "Raise or empty settings/max_output_tokens, then save the prompt again.")),
    "unknown reason": ('finish=BRAND_NEW, message="why not"', charged(
        "The model stopped without a picture: BRAND_NEW: why not.",
        "Change the prompt or the settings, then save the prompt again.")),
    "empty parts": ("empty_parts", EMPTY),
    "null parts": ("null_parts", EMPTY),
    "no content": ("no_content", EMPTY),
    "no candidates": ("no_candidates", EMPTY),
    "empty candidates": ("empty_candidates", EMPTY),
    "candidates null": ("candidates_null", EMPTY),
    "empty body": ("empty_body", EMPTY),
    "empty object": ("empty_object", EMPTY),
    "empty array": ("empty_array", EMPTY),
    "null": ("null", EMPTY),
    "status 204": ("status=204", EMPTY),
    "HTML": ("not_json", perhaps(
        "The answer is not one that the API gives: Welcome.",
        "What arrived is kept. Check that the base URL is that of the API.")),
    "error in a 200": ("error_in_200", perhaps(
        "The API failed while it worked on the request: An internal error has occurred. "
        "Please retry.", NOT_ASKED_AGAIN)),
    "a gateway's error in a 200": ('error_in_200, error=gateway, message="no money"', perhaps(
        "The API answered with an error: no money.", "Save the prompt again to try once more.")),
    "text as picture": ("picture=text", charged(NONE % "text/plain", KEPT)),
    "HTML as picture": ("picture=html", charged(NONE % "text/plain", KEPT)),
    "SVG as picture": ("picture=svg", charged(NONE % "image/svg+xml", KEPT)),
    "noise as picture": ("picture=random", charged(NONE % "application/octet-stream", KEPT)),
    "nothing as picture": ("picture=empty, drafts=0", charged(
        'The model answered with words only: Here is your picture.',
        "Say more plainly what to draw and save the prompt again.")),
    "broken base64": ("base64=broken", UNREADABLE),
    "cut base64": ("base64=cut", UNREADABLE),
    "broken base64, long": ("base64=broken, size=700x700",
                            charged("The picture arrived damaged.", KEPT)),
    "file URL": ("form=url, url=external:file:///etc/passwd", UNREADABLE),
    "gs URL": ("form=file_data, url=external:gs://bucket/x.png", UNREADABLE),
    "URL of nobody": ("form=url, url=external:http://127.0.0.1:9/p.png", charged(
        UNFETCHED % "The picture's link leads to 127.0.0.1:9 (127.0.0.1), which is not on the "
        "public network.", "Where that is right, allow it with result_hosts.")),
    "URL 403": ("form=url, url=403", charged(
        UNFETCHED % "The picture's link has expired or was refused: HOST answered 403.",
        WRITE_AGAIN)),
    "URL 404": ("form=url, url=404", charged(
        UNFETCHED % "The picture's link has expired or was refused: HOST answered 404.",
        WRITE_AGAIN)),
    "both URLs 403": ("form=url, url=403, pictures=2", charged(
        UNFETCHED % "The picture's link has expired or was refused: HOST answered 403.",
        WRITE_AGAIN)),
    "URL 400": ("form=url, url=400", charged(
        UNFETCHED % "HOST answered 400 instead of the picture.", LINK_KEPT)),
    "URL redirected too often": ("form=url, url=redirect:4", charged(
        UNFETCHED % "HOST redirects once too often.", LINK_KEPT)),
    "URL redirected away": ("form=url, url=redirect_to:http://127.0.0.1:1/x", charged(
        UNFETCHED % "The picture's link leads to 127.0.0.1:1 (127.0.0.1), which is not on the "
        "public network.", "Where that is right, allow it with result_hosts.")),
    "URL of a page": ("form=url, url=html", charged(NONE % "text/plain", KEPT)),
    "cut body, wrong length": ("fault=wrong_length", charged(
        "The answer broke off before it was complete.", KEPT)),
    "cut body": ("fault=truncate:1000", charged(
        "The answer from HOST ended early: 1000 of N bytes had come.", KEPT)),
    "no body": ("fault=close_after_headers", charged(
        "The answer from HOST ended early: 0 of N bytes had come.", ASK_AGAIN)),
    "cut chunks": ("fault=truncate_chunked:2000", charged(
        "The answer from HOST ended early: 2000 bytes had come.", KEPT)),
    "reset in the body": ("fault=reset_after:1500", charged(
        "The answer from HOST ended early: 1500 of N bytes had come.", KEPT)),
}


@pytest.mark.parametrize("name", NO_PICTURE)
def test_no_picture(desk, name):
    directives, expected = NO_PICTURE[name]
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", f"{SMALL}, {directives}"))
    told = outcome.told(desk.standin.url).replace(outcome.record["id"], "JOB")
    if " of N bytes" in expected:
        told = told[:told.index(" of ") + 4] + "N" + told[told.index(" bytes had"):]
    assert told == expected
    assert outcome.results == []
    assert outcome.names == ["prompt", "prompt.error.txt"]
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (1, "failed", 1)
    check_over(desk.mount, outcome)
    # What was paid for and not understood is kept; a refusal needs no keeping, but does no harm.
    assert "answer" in os.listdir(desk.mount.store / "done" / outcome.record["id"])


def test_an_unfetched_link_is_found_in_the_store(desk):
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", "form=url, url=400"))
    kept = desk.mount.store / "done" / outcome.record["id"] / "answer"
    assert f"{desk.standin.url}/pictures/" in kept.read_text(encoding="utf-8")


def test_a_url_is_tried_again_where_that_may_help(desk, oracle):
    """Three times in all; each try costs nothing."""
    before = len(desk.standin.entries())
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", "form=url, url=503"))
    fetches = [e for e in desk.standin.entries()[before:] if e["kind"] == "picture"]
    assert [fetch["status"] for fetch in fetches] == [503] * 3 or len(fetches) == 3
    assert outcome.told(desk.standin.url).replace(outcome.record["id"], "JOB") == charged(
        UNFETCHED % "HOST answered 503 instead of the picture.", LINK_KEPT)
    assert (len(outcome.requests), outcome.state) == (1, "failed")


def test_an_error_file_goes_when_the_next_try_succeeds(desk):
    first = play(desk.mount, desk.standin, desk.path, directed("A cat", "safety | size=64x64"))
    assert first.names == ["prompt", "prompt.error.txt"]
    second = play(desk.mount, desk.standin, desk.path, directed("A cat", "safety | size=64x64"))
    assert second.names == ["0001.jpg", "0001.txt", "prompt"]
    assert (second.state, second.failed) == ("done", False)


def test_an_error_file_is_replaced_by_the_next(desk):
    play(desk.mount, desk.standin, desk.path, directed("A cat", "safety | empty_body"))
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", "safety | empty_body"))
    assert outcome.names == ["prompt", "prompt.error.txt"]
    assert outcome.told() == EMPTY


def test_an_error_file_replaces_nothing_of_the_user(desk):
    (desk.path / "prompt.error.txt").write_text("mine")
    play(desk.mount, desk.standin, desk.path, directed("A cat", "safety"))
    assert (desk.path / "prompt.error.txt").read_text() == "mine"
    assert "withheld" in (desk.path / "prompt-2.error.txt").read_text()


def test_the_words_of_a_refusal_are_in_its_error_file(desk):
    outcome = play(desk.mount, desk.standin, desk.path,
                   directed("A cat", 'picture=text, words="Sorry for that."'))
    assert outcome.error.endswith("\n\nThe model said:\nSorry for that.\n")


def test_some_of_several_pictures(desk, oracle):
    """One of them is none: the others are delivered, and the error file says what lacks."""
    text = directed("A cat", f"{SMALL}, pictures=3, wrap=chunks, fault=wrong_length:9000")
    outcome = play(desk.mount, desk.standin, desk.path, text)
    whole = oracle.sums("A cat", SMALL + ", pictures=3")
    assert outcome.results == ["0001.jpg", "0002.jpg"]
    assert outcome.sums == whole[:2]
    assert outcome.told() == (
        "The answer was damaged on its way: some pictures may be missing.\n" + PAID)
    assert (len(outcome.requests), outcome.state, outcome.failed) == (1, "done", True)
    check_over(desk.mount, outcome)


@pytest.fixture
def narrow(make_mount, standin):
    return make_mount(standin.url, "-omax_response=1M")


LARGE = {
    "an answer that says so": ("picture_bytes=2000000",
                               "The answer from HOST is larger than 1 MiB."),
    "an answer that does not": ("picture_bytes=2000000, fault=chunked",
                                "The answer from HOST is larger than 1 MiB."),
    "an answer in gzip": ("picture_bytes=2000000, fault=gzip",
                          "The answer from HOST is larger than 1 MiB."),
    "a picture by URL": ("form=url, picture_bytes=2000000",
                         UNFETCHED % "The answer from HOST is larger than 1 MiB."),
    "a picture without end": ("form=url, url=huge",
                              UNFETCHED % "The answer from HOST is larger than 1 MiB."),
}


def test_answers_beyond_max_response(narrow, standin):
    for number, (name, (directives, what)) in enumerate(LARGE.items()):
        directory = narrow.top / f"w{number}"
        directory.mkdir()
        outcome = play(narrow, standin, directory, directed("A cat", f"variant=0, {directives}"))
        lines = outcome.told(standin.url).split("\n")
        assert lines[:2] == [what, PAID] and "max_response" in lines[2], name
        assert (len(outcome.requests), outcome.state, outcome.results) == (1, "failed", []), name
        check_over(narrow, outcome)
    outcome = play(narrow, standin, narrow.top, directed("A cat", SMALL))
    assert outcome.state == "done"
    narrow.unmount()


def test_a_prompt_by_its_own_name(desk):
    """The outcome of NAME.prompt is called NAME; one more beside it waits for its own."""
    (desk.path / "b.prompt").write_text(directed("B", "safety"))
    (desk.path / "a.prompt").write_text(directed("A", SMALL))
    good = Outcome(desk.mount, desk.standin, desk.path, "a.prompt")
    bad = Outcome(desk.mount, desk.standin, desk.path, "b.prompt")
    assert good.results == ["a.jpg"] and not good.failed
    assert bad.results == [] and bad.failed and "b.error.txt" in bad.names
    lines, failed = desk.mount.wait(directory=desk.path)
    assert (lines, failed) == (["a.jpg"], True)
