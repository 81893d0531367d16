# SPDX-License-Identifier: MIT
"""What can be made large has a maximum: at it, and one above. Bodies, lists of directives, scripts,
references, model names and the gallery have theirs beside their other tests."""
import json

import pytest

from standin import FLASH, call

TALLY_MAX_KEYS = 1 << 15
CACHE_ENTRIES = 64
EARLY_BYTES = 256 << 10


def nested(depth):
    """A request that is `depth` deep."""
    body = json.dumps({**call("a [[standin: size=16x16]]"), "labels": {"x": "@"}})
    return body.replace('"@"', "[" * (depth - 2) + "]" * (depth - 2)).encode()


def test_depth_of_json(standin):
    assert standin.generate(body=nested(100)).status == 200
    answer = standin.generate(body=nested(101))
    assert answer.status == 400 and "nested too deeply" in answer.json()["error"]["message"]


def test_number_of_headers_in_the_log(standin):
    for count in (128, 129):
        headers = {f"X-{i}": "x" for i in range(count - 1)}  # and Host
        assert standin.get("/v1beta/models", **headers).status == 200
    assert [len(line["headers"]) for line in standin.log()] == [128, 128]


def test_prompts_that_are_counted(start):
    """Past the maximum a prompt is always new; those known before go on being counted."""
    with start(script="models * status=401 | status=403\n") as standin:
        with standin.connect() as connection:
            for first in range(0, TALLY_MAX_KEYS, 1024):
                for i in range(first, first + 1024):
                    connection.send(f"HEAD /v1beta/models?{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert {connection.response(head=True).status for _ in range(1024)} == {401}

            def ask(i):
                return connection.request("GET", f"/v1beta/models?{i}").status
            assert [ask(TALLY_MAX_KEYS - 1), ask(0)] == [403, 403]
            assert [ask(TALLY_MAX_KEYS), ask(TALLY_MAX_KEYS)] == [401, 401]


def test_pictures_that_are_cached(standin):
    """More sizes than the cache has room for: made anew, the same again."""
    def ask(i):
        answer = standin.generate(f"{i} [[standin: picture_bytes={1000 + i}, size=8x8]]", FLASH)
        return answer.pictures()[0][1]
    first = [ask(i) for i in range(CACHE_ENTRIES + 2)]
    assert [len(data) for data in first] == [1000 + i for i in range(CACHE_ENTRIES + 2)]
    assert [ask(i) for i in range(CACHE_ENTRIES + 2)] == first


@pytest.mark.parametrize("before, complete", [(EARLY_BYTES - 3000, False), (EARLY_BYTES, True)])
def test_where_early_faults_are_looked_for(standin, before, complete):
    body = call("a [[standin: size=16x16, fault=reset_mid_body_upload:1000]]")
    body["contents"][0]["parts"].insert(0, {"text": "x" * before})
    body["contents"][0]["parts"].append({"text": "y" * 1_000_000})
    with standin.connect() as connection:
        try:
            connection.send_generate(body=body)
            answered = connection.response().status == 200
        except (ConnectionResetError, BrokenPipeError):
            answered = False
    line, = standin.wait_for_log(1)
    assert (answered, line["complete"]) == (complete, complete)


@pytest.mark.parametrize("directive", [
    "picture_bytes=268435457", "words_bytes=268435457", "signature_bytes=268435457", "pictures=17",
    "drafts=9", "list_count=100001", "variant=1073741825", "fault=overlong:268435457",
    "url=huge:1099511627777", "url_times=1001"])
def test_one_above(standin, directive):
    answer = standin.generate(f"[[standin: {directive}]]")
    assert answer.status == 400 and "not a number from" in answer.json()["error"]["message"]


def test_longest_url(standin):
    url = "https://standin.example/"
    longest = url + "x" * (511 - len(url))
    prompt = "[[standin: form=url, drafts=0, url=external:{}]]"
    answer = standin.generate(prompt.format(longest))
    assert answer.parts()[0]["inlineData"]["data"] == longest
    answer = standin.generate(prompt.format(longest + "x"))
    assert (answer.status, answer.json()["error"]["message"]) == (
        400, "stand-in: File name too long")
