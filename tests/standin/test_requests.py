# SPDX-License-Identifier: MIT
"""What is accepted, what is refused and how, and what the log says of it."""
import base64
import hashlib
import json
import time

import pytest

from standin import FLASH, FLASH_31, PRO, call, make_png

PNG = make_png(20, 10, (200, 30, 30))
JPEG = b"\xff\xd8\xff\xe0" + b"no more than a start"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
HEIF = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"


def with_part(part):
    return {"contents": [{"role": "user", "parts": [{"text": "a cat"}, part]}]}


def with_config(**config):
    return {"contents": [{"role": "user", "parts": [{"text": "a cat"}]}],
            "generationConfig": config}


def inline(mime, data):
    if isinstance(data, bytes):
        data = base64.b64encode(data).decode()
    return {"inlineData": {"mimeType": mime, "data": data}}


REFUSED = {
    "no JSON": (b"prompt=a+cat", "Invalid JSON payload received. At byte 0: a digit is expected."),
    "cut JSON": (b'{"contents":[', "At byte 13: a value is expected."),
    "trailing bytes": (b"{} x", "At byte 3: something follows the end."),
    "raw newline": (b'{"a":"\n"}', "At byte 6: a raw control character."),
    "bad UTF-8": (b'{"a":"\xc3"}', "invalid UTF-8."),
    "overlong UTF-8": (b'{"a":"\xc0\x80"}', "invalid UTF-8."),
    "UTF-8 surrogate": (b'{"a":"\xed\xa0\x80"}', "invalid UTF-8."),
    "lone surrogate": (b'{"a":"\\ud800x"}', "a lone surrogate."),
    "NUL": (b'{"a":"\\u0000"}', "the character U+0000."),
    "bad escape": (b'{"a":"\\x41"}', "a bad escape."),
    "too deep": (b"[" * 101 + b"]" * 101, "At byte 101: nested too deeply."),
    "leading zero": (b'{"a":01}', "a comma or the end is expected."),
    "an array": ([], "Invalid value at 'request': not an object"),
    "no contents": ({}, "contents is not specified"),
    "empty contents": ({"contents": []}, "contents is not specified"),
    "no parts": ({"contents": [{"role": "user", "parts": []}]}, "at least one part"),
    "empty part": (with_part({}), "a part has no data"),
    "two kinds": (with_part({"text": "x", "inlineData": {}}), "both text and inlineData"),
    "bad role": ({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]},
                 "Please use a valid role: user, model."),
    "blank prompt": ({"contents": [{"role": "user", "parts": [{"text": " \n"}]}]}, "no text"),
    "snake_case": (with_part({"inline_data": {"mime_type": "image/png", "data": ""}}),
                   "Unknown name \"inline_data\" at 'contents.parts': Cannot find field."),
    "snake_case config": (with_config(image_config={}),
                          "Unknown name \"image_config\" at 'generation_config'"),
    "unknown member": ({"prompt": "a", "contents": []}, "Unknown name \"prompt\" at 'request'"),
    "twice": (b'{"contents":[],"contents":[]}', "\"contents\" stands there twice"),
    "wrong type": ({"contents": "a cat"}, "Invalid value at 'request.contents': wrong type"),
    "GIF": (with_part(inline("image/gif", b"GIF89a")), "Unsupported MIME type: image/gif"),
    "lying label": (with_part(inline("image/jpeg", PNG)),
                    "labelled image/jpeg, but its bytes are image/png"),
    "unknown bytes": (with_part(inline("image/png", b"GIF89a")),
                      "but its bytes are no picture that is supported"),
    "no data": (with_part(inline("image/png", b"")), "no picture that is supported"),
    "no label": (with_part({"inlineData": {"data": ""}}), "needs mimeType and data"),
    "no padding": (with_part(inline("image/png", "iVBORw0KGg")), "Base64 decoding failed"),
    "URL-safe": (with_part(inline("image/png", "iVBORw0KGgo_")), "Base64 decoding failed"),
    "newline": (with_part(inline("image/png", "iVBORw0K\nGgo")), "Base64 decoding failed"),
    "rest bits": (with_part(inline("image/png", "iVBORw0KGgp=")), "Base64 decoding failed"),
    "temperature": (with_config(temperature=2.1), "temperature value of 2.1"),
    "topP": (with_config(topP=-0.1), "supported range is from 0 to 1 inclusive."),
    "topK": (with_config(topK=0), "topK value of 0"),
    "topK 1.5": (with_config(topK=1.5), "(TYPE_INT32), 1.5"),
    "seed": (with_config(seed=2**31), "seed value"),
    "maxOutputTokens": (with_config(maxOutputTokens=0), "maxOutputTokens value of 0"),
    "candidateCount": (with_config(candidateCount=2), "candidateCount value of 2"),
    "modality": (with_config(responseModalities=["Image"]), "response_modalities"),
    "ratio": (with_config(imageConfig={"aspectRatio": "16x9"}), "Invalid aspect_ratio: \"16x9\""),
    "ratio of 3.1": (with_config(imageConfig={"aspectRatio": "8:1"}), "Invalid aspect_ratio"),
    "lower case": (with_config(imageConfig={"imageSize": "2k"}), "Invalid image_size: \"2k\""),
    "512 of pro": (with_config(imageConfig={"imageSize": "512"}), "Invalid image_size"),
    "category": ({**with_config(), "safetySettings": [{"category": "HARM", "threshold": "OFF"}]},
                 "safety_settings.category"),
    "threshold": ({**with_config(), "safetySettings": [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "off"}]},
                  "safety_settings.threshold"),
    "system picture": ({**with_config(),
                        "systemInstruction": {"parts": [inline("image/png", PNG)]}},
                       "system_instruction takes text only"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(standin, name):
    body, says = REFUSED[name]
    answer = standin.generate(body=json.dumps(body).encode() if not isinstance(body, bytes)
                              else body)
    assert answer.status == 400
    error = answer.json()["error"]
    assert error["code"] == 400
    assert error["status"] == "INVALID_ARGUMENT"
    assert says in error["message"]
    line, = standin.log()
    assert line["status"] == 400 and line["complete"] and line["problem"] == error["message"]


ACCEPTED = {
    "the least": {"contents": [{"parts": [{"text": "a cat"}]}]},
    "several turns": {"contents": [{"role": "user", "parts": [{"text": "a cat"}]},
                                   {"role": "model", "parts": [{"text": "which?"}]},
                                   {"role": "user", "parts": [{"text": "the grey one"}]}]},
    "a picture only": {"contents": [{"role": "user", "parts": [inline("image/png", PNG)]}]},
    "all kinds": {"contents": [{"role": "user", "parts": [
        {"text": "a cat"}, inline("image/png", PNG), inline("image/jpeg", JPEG),
        inline("image/webp", WEBP), inline("image/heic", HEIC), inline("image/heif", HEIF)]}]},
    "limits": with_config(temperature=2, topP=1, topK=1, seed=-2**31, maxOutputTokens=1,
                          candidateCount=1, responseModalities=["IMAGE"]),
    "limits below": with_config(temperature=0, topP=0, seed=2**31 - 1),
    "escapes": {"contents": [{"role": "user", "parts": [{"text": "a \ud83d\ude00 \\ /"}]}]},
    "all of it": {
        "contents": [{"role": "user", "parts": [{"text": "a cat"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT",
                            "threshold": "BLOCK_ONLY_HIGH"}],
        "generationConfig": {"responseModalities": ["IMAGE", "TEXT"],
                             "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(standin, name):
    answer = standin.generate(body=ACCEPTED[name])
    assert answer.status == 200
    assert len(answer.pictures()) == 1


@pytest.mark.parametrize("model, most", [(FLASH, 3), (FLASH_31, 14), (PRO, 14)])
def test_number_of_references(standin, model, most):
    references = [("image/png", PNG)] * most
    small = "[[standin: size=16x16]]"
    assert standin.generate(small, model, references=references).status == 200
    answer = standin.generate(small, model, references=references + references[:1])
    assert answer.status == 400
    assert answer.json()["error"]["message"] == \
        f"Too many images: this model takes at most {most}"
    assert standin.generate(small, "other", references=references * 2).status == 200


def test_body_limit(start):
    with start("--max-body", "2000") as standin:
        body = json.dumps(call("x")).encode()
        at = body + b" " * (2000 - len(body))
        assert standin.generate(body=at).status == 200
        answer = standin.generate(body=at + b" ")
        assert answer.status == 413
        assert answer.json()["error"]["message"] == \
            "Request payload size exceeds the limit: 2000 bytes."
        assert [line["body_bytes"] for line in standin.log()] == [2000, 2001]


def test_default_body_limit(standin):
    body = json.dumps(call("x")).encode()
    at = body + b" " * ((20 << 20) - len(body))
    assert standin.generate(body=at).status == 200
    assert standin.generate(body=at + b" ").status == 413


def test_image_config_required(start):
    with start("--require-image-config") as standin:
        assert standin.generate(body=with_config()).status == 400
        assert standin.generate(body=ACCEPTED["the least"]).status == 400
        assert standin.generate("a cat").status == 200


@pytest.mark.parametrize("headers", [
    {"Content-Type": None}, {"Content-Type": "text/plain"}, {"Content-Type": "application/jsonp"}])
def test_content_type(standin, headers):
    assert standin.generate("a cat", headers=headers).status == 400


def test_content_type_with_charset(standin):
    assert standin.generate("a cat", headers={
        "Content-Type": "application/json; charset=utf-8"}).status == 200


@pytest.mark.parametrize("headers, status, scheme", [
    ({"Authorization": "Bearer right"}, 200, "bearer"),
    ({"Authorization": None, "x-goog-api-key": "right"}, 200, "goog"),
    ({"Authorization": "Bearer wrong"}, 401, "bearer"),
    ({"Authorization": "right"}, 401, "bearer"),
    ({"Authorization": "bearer right"}, 401, "bearer"),
    ({"Authorization": "Bearer right, right"}, 401, "bearer"),
    ({"Authorization": None, "x-goog-api-key": "rights"}, 401, "goog"),
    ({"Authorization": None}, 401, "none"),
    ({"Authorization": "Bearer right", "x-goog-api-key": "right"}, 401, "both"),
])
def test_key(start, headers, status, scheme):
    with start("--key", "right") as standin:
        answer = standin.generate("a cat", headers=headers)
        assert answer.status == status
        line, = standin.log()
        assert (line["key"], line["key_ok"]) == (scheme, status == 200)
        with open(standin.log_path, encoding="utf-8") as file:
            assert "right" not in file.read()
    if status == 401:
        assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
        assert answer.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_key_for_the_model_list(start):
    with start("--key", "right") as standin:
        assert standin.get("/v1beta/models").status == 401
        assert standin.get("/v1beta/models", Authorization="Bearer right").status == 200


def test_key_in_the_url_is_no_key(start):
    with start("--key", "right") as standin:
        assert standin.get("/v1beta/models?key=right").status == 401
        assert standin.log()[0]["query"] == "(a key)"


@pytest.mark.parametrize("method, target, status", [
    ("POST", "/v1beta/models/x%2Fy:generateContent", 200),
    ("POST", "/v1beta/models/x/y:generateContent", 404),
    ("POST", "/v1beta/models/x%3AgenerateContent", 404),
    ("POST", "/v1beta/models/x%20y:generateContent", 404),
    ("POST", "/v1beta/models/..:generateContent", 404),
    ("POST", "/v1beta/models/:generateContent", 404),
    ("POST", "/v1beta/models/x%2:generateContent", 404),
    ("POST", "/v1beta/models/" + "x" * 128 + ":generateContent", 200),
    ("POST", "/v1beta/models/" + "x" * 129 + ":generateContent", 404),
    ("POST", "/v1beta/models/x:streamGenerateContent", 404),
    ("POST", "/v1beta/models/x", 404),
    ("POST", "/v1/models/x:generateContent", 404),
    ("POST", "/v1beta//models/x:generateContent", 404),
    ("GET", "/v1beta/models/x:generateContent", 404),
    ("PUT", "/v1beta/models/x:generateContent", 404),
    ("GET", "/", 404),
    ("GET", "/pictures/1", 404),
    ("GET", "/v1beta/models", 200),
    ("GET", f"/v1beta/models/{PRO}", 200),
    ("GET", "/v1beta/models/unknown", 404),
    ("HEAD", "/v1beta/models", 200),
])
def test_paths(standin, method, target, status):
    body = json.dumps(call("x")).encode() if method in ("POST", "PUT") else None
    with standin.connect() as connection:
        answer = connection.request(method, target, {"Content-Type": "application/json"}, body)
    assert answer.status == status
    if status == 404:
        assert answer.json()["error"]["code"] == 404
    assert standin.log()[0]["path"] == target


def test_log_line(standin):
    before = time.time() * 1000
    references = [("image/png", PNG), ("image/jpeg", JPEG)]
    body = call("a cät \"x\" [[standin: size=16x16]]", references, "16:9", temperature=0.5)
    body["systemInstruction"] = {"parts": [{"text": "be brief"}]}
    data = json.dumps(body).encode()
    with standin.connect() as connection:
        for _ in range(2):
            answer = connection.generate(body=data, headers={
                "Idempotency-Key": "job-1", "X-Server-Timeout": "15", "Authorization": None,
                "x-goog-api-key": "secret-key"})
            assert answer.status == 200
    first, second = standin.log()
    assert before - 1 <= first.pop("time_ms") <= time.time() * 1000 + 1
    assert first == {
        "n": 1, "kind": "generate", "complete": True, "connection": 1, "request": 1,
        "http": "HTTP/1.1", "method": "POST", "path": f"/v1beta/models/{PRO}:generateContent",
        "query": "", "key": "goog", "key_ok": True,
        "headers": [["Host", f"127.0.0.1:{standin.port}"], ["Content-Length", str(len(data))],
                    ["Content-Type", "application/json"], ["Idempotency-Key", "job-1"],
                    ["X-Server-Timeout", "15"], ["x-goog-api-key", "(present)"]],
        "idempotency_key": "job-1", "body_bytes": len(data), "model": PRO,
        "prompt": "a cät \"x\" [[standin: size=16x16]]", "roles": ["user"],
        "parts": ["text", "inlineData", "inlineData"],
        "references": [{"mime": mime, "bytes": len(content),
                        "sha256": hashlib.sha256(content).hexdigest()}
                       for mime, content in references],
        "generationConfig": body["generationConfig"],
        "systemInstruction": body["systemInstruction"], "safetySettings": None,
        "directive": "size=16x16", "status": 200, "problem": None}
    assert (second["n"], second["connection"], second["request"]) == (2, 1, 2)
    with open(standin.log_path, encoding="utf-8") as file:
        assert "secret-key" not in file.read()


@pytest.mark.parametrize("size", [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 100000])
def test_sha256(standin, size):
    """Around the ends of the digest's blocks."""
    content = PNG[:8] + bytes(i * 7 & 255 for i in range(size))
    standin.generate("[[standin: size=16x16]]", references=[("image/png", content)])
    assert standin.log()[0]["references"] == [{
        "mime": "image/png", "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest()}]


def test_log_is_written_before_the_answer(start):
    """While the answer is delayed its line is there, and the whole line."""
    with start("--delay", "600000") as standin:
        with standin.connect() as connection:
            connection.send_generate("a cat")
            line, = standin.wait_for_log(1)
            assert line["prompt"] == "a cat"


def test_aborted_request(standin):
    body = json.dumps(call("a cat")).encode()
    head = (f"POST /v1beta/models/{PRO}:generateContent HTTP/1.1\r\nHost: x\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    with standin.connect() as connection:
        connection.send(head + body[:-1])
    line, = standin.wait_for_log(1)
    assert (line["complete"], line["body_bytes"], line["status"]) == (False, len(body) - 1, 0)


def test_chunked_request_is_read(standin):
    body = json.dumps(call("a cat [[standin: size=16x16]]")).encode()
    with standin.connect() as connection:
        connection.send(f"POST /v1beta/models/{PRO}:generateContent HTTP/1.1\r\nHost: x\r\n"
                        f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                        f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        assert connection.response().status == 200
    assert ["Transfer-Encoding", "chunked"] in standin.log()[0]["headers"]


def test_expect_continue(standin):
    """Answered as HTTP asks for, and seen in the log: easelfs must not send it."""
    body = json.dumps(call("a cat [[standin: size=16x16]]")).encode()
    with standin.connect() as connection:
        connection.send_request("POST", f"/v1beta/models/{PRO}:generateContent",
                                {"Expect": "100-continue", "Content-Length": str(len(body)),
                                 "Content-Type": "application/json"})
        assert connection._line() == "HTTP/1.1 100 Continue"
        assert connection._line() == ""
        connection.send(body)
        assert connection.response().status == 200
    assert ["Expect", "100-continue"] in standin.log()[0]["headers"]


def test_model_list(standin):
    names = [model["name"] for model in standin.get("/v1beta/models").json()["models"]]
    assert names == [f"models/{name}" for name in (
        PRO, FLASH, FLASH_31, "gemini-2.5-pro", "text-embedding-004")]
    first = standin.get("/v1beta/models?pageSize=2").json()
    assert len(first["models"]) == 2 and first["nextPageToken"] == "2"
    last = standin.get("/v1beta/models?pageSize=4&pageToken=4").json()
    assert [model["supportedGenerationMethods"] for model in last["models"]] == [
        ["embedContent", "countTokens"]]
    assert "nextPageToken" not in last
    assert standin.get(f"/v1beta/models/{FLASH}").json()["name"] == f"models/{FLASH}"


def test_model_list_shapes(start):
    script = ("models list=bare\nmodels list=openai\nmodels list=array, list_count=2\n"
              "models status=401\nmodels * list_count=120\n")
    with start(script=script) as standin:
        assert standin.get("/v1beta/models?pageSize=1").json() == {
            "models": [{"name": PRO}], "nextPageToken": "1"}
        answer = standin.get("/v1beta/models").json()
        assert [entry["id"] for entry in answer["data"]][:2] == [PRO, FLASH]
        assert standin.get("/v1beta/models").json() == [
            {"name": "standin-image-1"}, {"name": "standin-image-2"}]
        assert standin.get("/v1beta/models").status == 401
        names, token = [], "0"
        while token:
            page = standin.get(f"/v1beta/models?pageSize=50&pageToken={token}").json()
            names += [model["name"] for model in page["models"]]
            token = page.get("nextPageToken")
        assert names == [f"models/standin-image-{i}" for i in range(1, 121)]


def test_model_lists_with_something_wrong(start):
    script = ("models list=endless\nmodels list=endless\nmodels list=loop\nmodels list=cut\n"
              "models list=html\nmodels list=error, message=Gone\n"
              'models list_names="a models/b:predict c"\n'
              "models list=openai, list_count=100000\n")
    with start(script=script) as standin:
        for number, query in enumerate(("", "?pageToken=1"), 1):
            page = standin.get(f"/v1beta/models{query}").json()
            assert [model["name"] for model in page["models"]] == [
                f"models/standin-image-{number}"]
            assert page["nextPageToken"] == str(number)
        loop = standin.get("/v1beta/models?pageSize=1&pageToken=again%2Band%2Fagain").json()
        assert loop["models"][0]["name"] == f"models/{PRO}"
        assert loop["nextPageToken"] == "again+and/again"
        cut = standin.get("/v1beta/models")
        assert cut.status == 200 and cut.body.startswith(b'{"models":[{"name"')
        with pytest.raises(json.JSONDecodeError):
            cut.json()
        page = standin.get("/v1beta/models")
        assert page.status == 200 and b"<title>Log in</title>" in page.body
        error = standin.get("/v1beta/models")
        assert error.status == 200 and error.json()["error"]["message"] == "Gone"
        given = standin.get("/v1beta/models").json()["models"]
        assert [(model["name"], model["supportedGenerationMethods"][0]) for model in given] == [
            ("models/a", "generateContent"), ("models/models/b", "predict"),
            ("models/c", "generateContent")]
        assert len(standin.get("/v1beta/models").json()["data"]) == 100000
