# SPDX-License-Identifier: MIT
"""The table of variants: what was asked, and what came of it. Sections 2 and 3 of the API here.

A row says how many requests were read whole, the state of the job's record, what it may have cost,
and the sha256 of its pictures or what its error file tells. The rows of a test run together on one
mount. The table goes on in

  test_variants_failures.py  section 4: statuses, shapes of errors, what is tried again and when
  test_variants_links.py     section 5: pictures by URL, redirects; TLS
  test_ssrf.py               section 5: where a link may lead

and what is asserted elsewhere is not repeated:

  test_job_answers.py        each place of a picture as the stand-in has it, labels, drafts, words,
                             the other answers without a picture, answers that are too large
  test_job_failures.py       each status once, each shape of an error with 500, what is tried again
                             and when it is given up, 300 to 308
  test_job_never_twice.py    connections that break before, in the middle of and after the body
  test_job_limits.py         402 and the pause of the queue
  test_job_secrets.py        redirects of the call, credentials
  test_known.py              sizes that are not what was asked for
"""

import itertools
import json

import pytest

from conftest import Desk
from harness import FLASH, MODEL, png, sha256
from job_play import ASK_AGAIN, KEPT, PAID, PERHAPS, SMALL, Outcome, directed
from job_rows import (LONG, ONE, SUM, SUM_TWO, TWO, Row, check, check_told, desk, hall, ledger,
                      oracle, pictures, play_all, rows_of, teller, told, told_mount)
from teller import b64, google, inline

__all__ = ["desk", "hall", "ledger", "oracle", "teller", "told_mount"]  # fixtures

CHANGE = "Change the prompt or the references, then save the prompt again."


# --- section 3: why there is no picture

EMPTY = told("The API gave an empty answer.", PAID, ASK_AGAIN)
ONLY_DRAFTS = told("The API sent only draft images.", PAID, ASK_AGAIN)
UNUSABLE = told("The answer names a picture that cannot be read or fetched.", PAID, KEPT)
STRANGE = "The answer is not one that the API gives"
OTHER_API = "What arrived is kept. Check that the base URL is that of the API."

WITHHELD = ("The API withheld the picture", CHANGE)
MADE_NONE = ("The model made no picture",
             "Say more plainly what to draw and save the prompt again.")
STOPPED = ("The model stopped without a picture",
           "Change the prompt or the settings, then save the prompt again.")
TOO_CLOSE = ("The API withheld the picture because it is too close to an existing work",
             "Ask for something less like an existing work and save the prompt again.")
FINISHES = {
    "SAFETY": WITHHELD, "IMAGE_SAFETY": WITHHELD, "PROHIBITED_CONTENT": WITHHELD,
    "IMAGE_PROHIBITED_CONTENT": WITHHELD, "BLOCKLIST": WITHHELD, "SPII": WITHHELD,
    "RECITATION": TOO_CLOSE, "IMAGE_RECITATION": TOO_CLOSE,
    "NO_IMAGE": MADE_NONE, "IMAGE_OTHER": MADE_NONE,
    "MAX_TOKENS": ("The model reached its limit of tokens before there was a picture",
                   "Raise or empty settings/max_output_tokens, then save the prompt again."),
    "LANGUAGE": ("The model does not know the prompt's language",
                 "Write the prompt in another language and save it again."),
    "OTHER": STOPPED, "MALFORMED_FUNCTION_CALL": STOPPED, "UNEXPECTED_TOOL_CALL": STOPPED,
    "NOT_KNOWN_TO_ANYBODY": STOPPED, "safety": WITHHELD,
}


def test_finish_reasons(desk, oracle):
    """With a sentence of the API's, without one, and with a picture all the same."""
    table = {}
    for reason, (what, advice) in FINISHES.items():
        table[reason] = (f'finish={reason}, message="I will not."',
                         told(f"{what}: {reason}: I will not.", PAID, advice))
        table[f"{reason} alone"] = (f'finish={reason}, message=""',
                                    told(f"{what}: {reason}.", PAID, advice))
        table[f"{reason} with a picture"] = (f"{SMALL}, finish={reason}, keep_picture",
                                             pictures(*oracle.sums("A cat")))
    for reason in ("STOP", "stop", "FINISH_REASON_UNSPECIFIED"):
        table[f"{reason} and nothing"] = (f"finish={reason}, no_picture=null_parts", EMPTY)
    check(desk, table)



def words_only(words):
    return told(f"The model answered with words only: {words}", PAID,
                "Say more plainly what to draw and save the prompt again.")


def test_answers_without_a_picture(hall):
    draft = {"fileData": {"fileUri": f"{hall.standin.url}/draft.png"}, "thought": True}
    check_told(hall, {
        "a draft by URL": (google(draft), ONLY_DRAFTS),
        "a draft, long": (google(inline(LONG, thought=True)), ONLY_DRAFTS),
        "a thought": (google({"text": "Thinking.", "thought": True}), EMPTY),
        "a blocked prompt": ({"promptFeedback": {"blockReason": "SAFETY",
                                                 "blockReasonMessage": "Not this."}},
                             told("The API refused the prompt: SAFETY: Not this.", PERHAPS,
                                  "Change the prompt and save it again.")),
        "blocked for no reason": (
            {"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}, EMPTY),
        "an unmarked link": (google({"text": "a [x](http://x.example/p.png) b"}),
                             words_only("a [x](http://x.example/p.png) b.")),
        "OpenAI's refusal": (
            {"choices": [{"message": {"content": None, "refusal": "No way."},
                          "finish_reason": "content_filter"}]},
            told("The API withheld the picture: content_filter: No way.", PAID, CHANGE)),
        "OpenAI's words": (
            {"choices": [{"message": {"content": "I only talk."}, "finish_reason": "stop"}]},
            words_only("I only talk.")),
        "OpenAI's nothing": ({"data": []}, EMPTY),
        "no data": (google(inline("")), EMPTY),
        "a name of Google's store": (google({"fileData": {"fileUri": "gs://x/y.png"}}), UNUSABLE),
        "a name of the files' API": (google({"fileData": {"fileUri": "files/abc"}}), UNUSABLE),
        "a blank in a URL": (google({"url": "http://x.example/p 1.png"}), UNUSABLE),
        "text where base64 should be": (google(inline("!not base64!")), UNUSABLE),
        "padding in the middle": (google(inline(b64(ONE)[:20] + "=" + b64(ONE)[20:])), UNUSABLE),
        "a string": ("hello", EMPTY), "a number": (5, EMPTY), "true": (True, EMPTY),
        "nothing in an array": ([None], EMPTY), "strings in an array": (["a", "b"], EMPTY),
        "words behind the words": (json.dumps(google({"text": "Hm."})).encode() + b"\n\nxx",
                                   words_only("Hm.")),
        "events": (b"data: " + json.dumps(google(inline(ONE))).encode() + b"\n\n",
                   told(f"{STRANGE}: data:.", PERHAPS, OTHER_API)),
        "another encoding": (json.dumps(google(inline(ONE))).encode("utf-16"),
                             told(f"{STRANGE}.", PERHAPS, OTHER_API)),
    })
    assert hall.fetches() == []


# --- section 3: where a picture can be, plain and wrapped in an array

def places(url, data):
    """Every place, each with the picture `data`, which is at `url`, too."""
    text, uri = b64(data), f"data:image/png;base64,{b64(data)}"

    def chat(**message):
        return {"choices": [{"message": message, "finish_reason": "stop"}]}
    return {
        "inlineData": google(inline(text)),
        "inline_data": google({"inline_data": {"mime_type": "image/png", "data": text}}),
        "inlineData, URI": google(inline(uri)), "inlineData, URL": google(inline(url)),
        "inlineData, URI in capitals": google(inline(f"DATA:IMAGE/PNG;BASE64,{text}")),
        "inlineData, URI with more": google(inline(uri.replace(";", ";charset=utf-8;", 1))),
        "fileData": google({"fileData": {"fileUri": url, "mimeType": "image/png"}}),
        "file_data": google({"file_data": {"file_uri": url}}),
        "fileData, URI": google({"fileData": {"fileUri": uri}}),
        "url": google({"url": url}), "url, URI": google({"url": uri}),
        "Markdown": google({"text": f"a ![b]({uri}) c"}),
        "Markdown, URL": google({"text": f'a ![b]({url} "title") c'}),
        "a text that is a URI": google({"text": uri}),
        "b64_json": {"created": 1, "data": [{"b64_json": text}]},
        "b64_json, URI": {"data": [{"b64_json": uri}]},
        "data, url": {"data": [{"url": url}]}, "data, url, URI": {"data": [{"url": uri}]},
        "images": chat(images=[{"type": "image_url", "image_url": {"url": uri}}]),
        "images, URL": chat(content=None, images=[{"image_url": {"url": url}}]),
        "images, plain URL": chat(content="", images=[{"image_url": url}]),
        "images, strings": chat(images=[uri]),
        "content, items": chat(content=[{"type": "text", "text": "Here."},
                                        {"type": "image_url", "image_url": {"url": uri}}]),
        "content, Markdown": chat(content=f"Here: ![x]({uri})"),
        "content, Markdown, URL": chat(content=f"Here: ![x]({url})"),
    }


WRAPS = {"plain": lambda answer: answer, "array": lambda answer: [answer],
         "array, last": lambda answer: [{}, {"usageMetadata": None}, answer],
         "array, first": lambda answer: [answer, {"candidates": [{"finishReason": "STOP"}]}, None]}


@pytest.mark.parametrize("wrap", WRAPS)
def test_places(hall, wrap):
    table = {}
    for size, data in (("short", ONE), ("long", LONG)):
        url = hall.standin.hang(f"/{size}.png", data)
        for name, answer in places(url, data).items():
            table[f"{name}, {size}, {wrap}"] = (WRAPS[wrap](answer), pictures(sha256(data)))
    check_told(hall, table)


NULLS = {"role": None, "text": None, "thought": None, "thoughtSignature": None, "fileData": None,
         "file_data": None, "url": None, "finishReason": None, "finishMessage": None,
         "safetyRatings": None, "index": None, "promptFeedback": None, "usageMetadata": None,
         "modelVersion": None, "responseId": None, "createTime": None, "error": None, "data": None,
         "choices": None}
EMPTIES = NULLS | {"role": "", "text": "", "thought": False, "thoughtSignature": "", "fileData": {},
                   "url": "", "finishReason": "", "finishMessage": "", "safetyRatings": [],
                   "promptFeedback": {}, "usageMetadata": {}, "modelVersion": "", "responseId": "",
                   "createTime": "", "error": {}, "data": [], "choices": []}
WRONG = NULLS | {"role": 7, "text": 7, "thought": "no", "thoughtSignature": [1], "fileData": "x",
                 "url": 3, "finishReason": 3, "finishMessage": [], "safetyRatings": "x",
                 "promptFeedback": "x", "usageMetadata": [1], "modelVersion": 4, "responseId": {},
                 "createTime": 5, "error": 0, "data": 3, "choices": "x"}


def dressed(members, part):
    """An answer in which every object has all of `members`, whether they belong there or not."""
    content = members | {"parts": [members | part]}
    return members | {"candidates": [members | {"content": content}]}


def test_members_and_pictures(hall):
    """Whatever the others are, and however many pictures there are."""
    url, other = hall.standin.hang("/one.png", ONE), hall.standin.hang("/two.png", TWO)
    draft = {"url": f"{hall.standin.url}/draft.png", "thought": True}
    answer = json.dumps(google(inline(ONE))).encode()
    outcomes = check_told(hall, {
        "the picture alone": ({"candidates": [{"content": {"parts": [
            {"inlineData": {"data": b64(ONE)}}]}}]}, pictures(SUM)),
        "all others null": (dressed(NULLS, inline(ONE, None)), pictures(SUM)),
        "all others empty": (dressed(EMPTIES, inline(ONE, "")), pictures(SUM)),
        "all others of wrong types": (dressed(WRONG, inline(ONE, [1])), pictures(SUM)),
        "among nulls": ({"candidates": [None, {"content": {"parts": [None, 3, "x", {}, inline(ONE),
                                                                     []]}}, 7]}, pictures(SUM)),
        "parts is one part": ({"candidates": [{"content": {"parts": inline(ONE)}}]}, pictures(SUM)),
        "two candidates": ({"candidates": google(inline(ONE))["candidates"]
                            + google(inline(TWO))["candidates"]}, pictures(SUM, SUM_TWO)),
        "thought: false": (google(inline(ONE, thought=False)), pictures(SUM)),
        "one in two spellings": (google(inline(ONE), inline(b64(ONE).rstrip("=")
                                 .replace("+", "-").replace("/", "_"))), pictures(SUM)),
        "inline and by URL": (google(inline(ONE), {"url": url}), pictures(SUM)),
        "two, one by URL": (google(inline(ONE), {"url": other}), pictures(SUM, SUM_TWO)),
        "one URL twice": (google({"url": f"{url}?twice"},
                                 {"fileData": {"fileUri": f"{url}?twice"}}), pictures(SUM)),
        "a draft by URL": (google(draft, inline(ONE)), pictures(SUM)),
        "two in Markdown": (google({"text": f"![x]({url}) ![y](data:image/png;base64,{b64(TWO)})"}),
                            pictures(SUM, SUM_TWO)),
        "Markdown beside a picture": (google(inline(ONE), {"text": f"![x]({hall.standin.url}/no)"}),
                                      pictures(SUM)),
        "an error beside a picture": ({"error": {"code": 500, "message": "Oh."},
                                       **google(inline(ONE))}, pictures(SUM)),
        "blocked, and a picture": ({"promptFeedback": {"blockReason": "OTHER"},
                                    **google(inline(ONE))}, pictures(SUM)),
        "an escaped URL": (json.dumps(google({"url": f"{url}?a=1&b=2"})).replace("/", r"\/")
                           .replace("&", r"\u0026").encode(), pictures(SUM)),
        "a URL in capitals": (google({"url": url.replace("http:", "HTTP:")}), pictures(SUM)),
        "a byte order mark": (b"\xef\xbb\xbf" + answer, pictures(SUM)),
        "white space around": (b"\r\n\t " + answer + b" \n\n", pictures(SUM)),
        "words that are not UTF-8": (answer.replace(b'"index"', b'"\xff\xfe\xc3": "\xff", "index"'),
                                     pictures(SUM)),
        "numbers that are none": (b'{"a": NaN, "b": -Infinity, "c": 1e999, ' + answer[1:],
                                  pictures(SUM)),
    })
    assert sorted(hall.fetches()) == sorted(
        ["/one.png", "/two.png", "/one.png?twice", "/one.png", "/one.png?a=1&b=2", "/one.png"])
    assert [outcome.words for outcome in outcomes.values() if outcome.words] == [
        f"![x]({url}) \n", f"![x]({hall.standin.url}/no)\n"]


def partly(what, cost=PAID, advice=""):
    return told(what, cost, advice, "done")


def test_some_of_the_pictures(hall):
    """What is good is delivered, and what lacks is told."""
    gone = f"{hall.standin.url}/gone.png"
    damaged = partly("The answer was damaged on its way: some pictures may be missing.")
    answer, second = (json.dumps(google(inline(data))).encode() for data in (ONE, TWO))
    outcomes = check_told(hall, {
        "a link that has expired": (google(inline(ONE), {"url": gone}), partly(
            "The picture could not be fetched. The picture's link has expired or was refused: HOST "
            "answered 404.", PAID,
            "Write the prompt again for a new picture; it will be charged again.")),
        "broken base64": (google(inline(ONE), inline("!!!!")), damaged),
        "broken base64, long": (google(inline(ONE), inline(b64(LONG) + "!!!!")), damaged),
        "no way to fetch it": (google(inline(ONE), {"url": "gs://x/y.png"}), damaged),
        "something behind it": (answer + b"\n\nxx", damaged),
        "another answer behind it": (answer + b"\n" + second, damaged),
    })
    for name, outcome in outcomes.items():
        assert outcome.sums == [SUM], name


def test_one_of_the_pictures_is_none(hall):
    """It was paid for like the other: not a word of it would be the worst that can be said."""
    outcomes = check_told(hall, {"text": (google(inline(ONE), inline(b"plain text")), partly(
        "One of the pictures that the API sent is none: text/plain."))})
    assert outcomes["text"].sums == [SUM]


def test_more_pictures_than_are_taken(hall):
    outcomes = check_told(hall, {"many": (google(*(inline(png(n)) for n in range(70))), partly(
        "There are more than 64 pictures in the answer; the rest is kept in the store, in done/JOB."))})
    assert outcomes["many"].sums == [sha256(png(n)) for n in range(64)]


def test_answers_beyond_the_limits(hall):
    """One sentence each, and what arrived is kept."""
    beyond = STRANGE.replace("answer", "answer from HOST")
    rest = json.dumps(google(inline(ONE))).encode()[1:]
    check_told(hall, {
        "depth": (b'{"x":' + b"[" * 65 + b"]" * 65 + b"," + rest,
                  told(f"{beyond}: it is nested too deeply.", PAID, KEPT)),
        "a long name": (b'{"' + b"x" * 2000 + b'":1,' + rest, told(
            f"{beyond}: a name or a number in it is too long.", PAID, KEPT)),
        "too much besides": (b'{"x":[' + b'"%s",' % (b"y" * 4000) * 300 + b"1]," + rest,
                             told(f"{beyond}: it is too large without its pictures and long texts.",
                                  PAID, KEPT)),
        "just deep enough": (b'{"x":' + b"[" * 63 + b"]" * 63 + b"," + rest, pictures(SUM)),
        "a name just short enough": (b'{"' + b"x" * 1024 + b'":1,' + rest, pictures(SUM)),
    })


# --- section 3: base64, as any JSON writer may spell it

ALPHABETS = {"standard": str.maketrans("", ""), "URL": str.maketrans("+/", "-_"),
             "mixed": str.maketrans("+", "-")}
PADDINGS = {"padded": lambda text: text, "unpadded": lambda text: text.rstrip("=")}
BREAKS = {"one line": None, "LF": (76, "\n"), "CR LF": (64, "\r\n"), "blanks": (5, " \t")}
ESCAPES = {
    "bare": str.maketrans({"\n": r"\n", "\r": r"\r", "\t": r"\t"}),
    "raw": str.maketrans("", ""),  # no JSON, but some writers leave the line breaks as they are
    "slashes": str.maketrans({"/": r"\/", "\n": r"\n", "\r": r"\r", "\t": r"\t"}),
    "special": {ord(c): f"\\u{ord(c):04x}" for c in "+/=-_\n\r\t"},
    "capitals": {ord(c): f"\\u{ord(c):04X}" for c in "+/=-_\n\r\t"},
    "everything": {n: f"\\u{n:04x}" for n in range(128)},
}


def broken(text, breaks):
    if breaks is None:
        return text
    width, end = breaks
    return end.join(text[i:i + width] for i in range(0, len(text), width))


def spelled(data, alphabet, padding, breaks, escape):
    text = broken(PADDINGS[padding](b64(data)).translate(ALPHABETS[alphabet]), BREAKS[breaks])
    return text.translate(ESCAPES[escape])


# short in the skeleton, with two characters of padding; and long in a part of its own, with one
CARRIED = [ONE + b"\xfb\xff\xbf\xfe\xff"[:(1 - len(ONE)) % 3 + 3],
           LONG + b"\xfb\xff\xbf\xfe\xff"[:(2 - len(LONG)) % 3 + 3]]


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_spellings_of_base64(hall, prefix, escape):
    """The same bytes, whichever of all combinations carried them."""
    table = {}
    for data in CARRIED:
        assert {"+", "/", "="} <= set(b64(data))
        for spelling in itertools.product(ALPHABETS, PADDINGS, BREAKS):
            text = prefix.translate(ESCAPES[escape]) + spelled(data, *spelling, escape)
            body = json.dumps(google(inline("@"))).replace("@", text)
            name = " ".join([prefix + escape, *spelling, f"{len(data)} bytes"])
            table[name] = (body.encode(), pictures(sha256(data)))
    check_told(hall, table)


# --- section 3: an answer that ends early

def test_where_an_answer_ends(hall):
    """At every kind of place, with a length that says so, with one that does not, and in chunks."""
    off = "The answer broke off before it was complete."
    damaged = partly("The answer was damaged on its way: some pictures may be missing.")
    table, sums = {}, {}
    for size, data in (("short", ONE), ("long", LONG)):
        whole = json.dumps(google(inline(data), {"text": "Here."})).encode()
        text = whole.index(b64(data).encode())
        end = text + len(b64(data))
        cuts = {"in the first name": 5, "before the picture": text, "in the picture": text + 101,
                "before its last character": end - 1, "behind its last character": end,
                "behind it": end + 1, "in the words": whole.index(b"Here.") + 2,
                "before the last brace": len(whole) - 1}
        for name, cut in cuts.items():
            there = cut > end
            early = f"The answer from HOST ended early: {cut} of {len(whole)} bytes had come."
            for way, what, headers in (("right", off, {}),
                                       ("wrong", early, {"Content-Length": str(len(whole))})):
                row = f"{name}, {size}, {way} length"
                hall.standin.tell(row, whole[:cut], headers=headers)
                table[row] = told(what, PAID, KEPT)
                if there:
                    table[row] = damaged if way == "right" else partly(early)
                    sums[row] = [sha256(data)]
    outcomes = play_all(hall, {name: name for name in table})
    assert rows_of(hall, outcomes) == table
    assert {name: outcome.sums for name, outcome in outcomes.items() if outcome.sums} == sums


def test_the_transport_of_an_answer(desk, oracle):
    good = pictures(*oracle.sums("A cat"))
    cannot = "The answer from HOST cannot be decompressed"
    check(desk, {
        "gzip that is none": (f'{SMALL}, header="Content-Encoding: gzip"', told(
            f"{cannot} (Error while processing content unencoding: incorrect header check).", PAID,
            ASK_AGAIN)),
        "a coding that nobody has": (f'{SMALL}, header="Content-Encoding: rot13"', told(
            f"{cannot} (Unrecognized content encoding type. libcurl understands deflate, gzip, br, "
            "zstd content encodings).", PAID, ASK_AGAIN)),
        "a label that lies": (f"{SMALL}, content_type=text/plain", good),
        **{f"status {status}": (f"{SMALL}, status={status}", good)
           for status in (202, 203, 206, 226, 299)},
        "gzip": (f"{SMALL}, fault=gzip, wrap=chunks", good),
        "chunked, in drops": (f"{SMALL}, fault=drip:30000", good),
        "nothing, until the close": ("fault=until_close:0", EMPTY),
        "one byte, until the close": ("fault=until_close:1", told(
            "The answer broke off before it was complete.", PAID, KEPT)),
        "one chunk of one byte": ("fault=truncate_chunked:1", told(
            "The answer from HOST ended early: 1 byte had come.", PAID, KEPT)),
        "reset after the head": ("fault=reset_after:0, words=\"\", usage=none", told(
            "The answer from HOST ended early: N of M bytes had come.", PAID, ASK_AGAIN)),
    })


# --- section 2: references

def box(brand):
    """The beginning of a file of the HEIF family."""
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"mif1" + b"\0" * 40


JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"\0" * 50 + b"\xff\xd9"
WEBP = (b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0" + b"\0" * 20)
BMP = (b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0" + b"\0" * 28)
TAKEN = {"image/png": ONE, "image/jpeg": JPEG, "image/webp": WEBP, "image/heic": box(b"heic"),
         "image/heif": box(b"mif1")}
NOT_TAKEN = {
    "GIF": b"GIF89a\x01\0\x01\0\0\0\0;", "BMP": BMP, "TIFF": b"II*\0\x08\0\0\0" + b"\0" * 30,
    "AVIF": box(b"avif"), "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="1"></svg>',
}
LEFT_ALONE = {"note.txt": b"hello", "paper.pdf": b"%PDF-1.4\n", "empty.png": b"",
              "page.jpg": b"<!DOCTYPE html><html></html>", "noise.png": bytes(range(256))}


def test_references_that_are_taken(desk):
    """Labelled by what they are, whatever they are called, in the order of their names; what is no
    picture is left alone."""
    names = {f"{number} {name}": mime for name in ("a.png", "b.gif", "c")
             for number, mime in enumerate(TAKEN)}
    for name, data in (LEFT_ALONE | {name: TAKEN[mime] for name, mime in names.items()}).items():
        (desk.path / name).write_bytes(data)
    (desk.path / "4 c").unlink()  # 14 may be sent
    del names["4 c"]
    outcome, = play_all(desk, {"taken": "A cat"}).values()
    assert outcome.state == "done"
    request, = desk.requests()
    assert request["prompt"] == "A cat"
    assert [(reference["mime"], reference["sha256"]) for reference in request["references"]] == [
        (names[name], sha256(TAKEN[names[name]])) for name in sorted(names)]


def test_references_that_are_refused(desk):
    """Before anything is sent, with the name of the file."""
    advice = "Convert it to PNG or JPEG, or move it elsewhere, and save the prompt again."
    outcomes = {}
    for kind, data in NOT_TAKEN.items():
        directory = desk.path / kind
        directory.mkdir()
        (directory / "photo.png").write_bytes(data)
        outcomes[kind], = play_all(Desk(desk.mount, desk.standin, directory), {"p": "A"}).values()
    assert rows_of(desk, outcomes) == {kind: Row(0, "failed", "none", (
        f"photo.png is a picture of the type {kind}, which the API does not take as a reference.\n{advice}"))
        for kind in NOT_TAKEN}


@pytest.mark.parametrize("model, most", [(MODEL, 14), (FLASH, 3)])
def test_how_many_references(desk, model, most):
    directory = desk.mount.path / model / f"references-{most}"
    directory.mkdir()
    there = Desk(desk.mount, desk.standin, directory)
    for number in range(most):
        (directory / f"{number:02}.png").write_bytes(png(number))
    outcome, = play_all(there, {"p": directed("A cat", SMALL)}).values()
    assert outcome.state == "done"
    request, = there.requests()
    assert [reference["sha256"] for reference in request["references"]] == [
        sha256(png(number)) for number in range(most)]
    (directory / "99.png").write_bytes(png(99))
    (directory / "q.prompt").write_text("A cat")
    outcome = Outcome(desk.mount, desk.standin, directory, "q.prompt")
    assert rows_of(desk, {"q": outcome})["q"] == Row(0, "failed", "none", (
        f"{model} takes at most {most} reference pictures; 99.png is one too many.\n"
        "Move some pictures elsewhere and save the prompt again."))
