# SPDX-License-Identifier: MIT
"""The JSON of an answer: its usual form, and each form and refusal on request."""
import base64
import json
import re

import pytest

from standin import FLASH, PRO, call, picture_size

SMALL = "size=32x16"


def ask(standin, directives, model=PRO, **more):
    answer = standin.generate(f"a cat [[standin: {SMALL}, {directives}]]", model, **more)
    assert answer.status == 200, answer.body
    assert answer.header("Content-Type") == "application/json; charset=UTF-8"
    return answer


def test_usual_answer_of_gemini_3(standin):
    answer = ask(standin, "delay=0").json()
    assert list(answer) == ["candidates", "usageMetadata", "modelVersion", "responseId",
                            "createTime"]
    candidate, = answer["candidates"]
    assert (candidate["finishReason"], candidate["index"]) == ("STOP", 0)
    assert candidate["content"]["role"] == "model"
    thought, draft, picture, words = candidate["content"]["parts"]
    assert thought == {"text": "Planning the composition, light and colours.", "thought": True}
    assert list(draft) == ["inlineData", "thought"] and draft["thought"] is True
    assert draft["inlineData"]["mimeType"] == "image/jpeg"
    assert list(picture) == ["inlineData", "thoughtSignature"]
    assert len(picture["thoughtSignature"]) == 176
    assert picture["inlineData"]["data"] != draft["inlineData"]["data"]
    assert picture_size(base64.b64decode(draft["inlineData"]["data"])) == (8, 4)
    assert picture_size(base64.b64decode(picture["inlineData"]["data"])) == (32, 16)
    assert words == {"text": "Here is your picture."}
    assert answer["modelVersion"] == PRO
    assert answer["responseId"] == "standin-00000001"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["createTime"])
    usage = answer["usageMetadata"]
    assert usage["totalTokenCount"] == (usage["promptTokenCount"] + usage["candidatesTokenCount"] +
                                        usage["thoughtsTokenCount"])
    assert usage["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 1120}]


def test_usual_answer_of_gemini_2(standin):
    picture, words = ask(standin, "delay=0", FLASH).parts()
    assert list(picture) == ["inlineData"]
    assert picture["inlineData"]["mimeType"] == "image/png"
    assert words == {"text": "Here is your picture."}


def test_modalities(standin):
    assert "text" not in ask(standin, "ok", FLASH, responseModalities=["IMAGE"]).parts()[-1]
    parts = ask(standin, "ok", FLASH, responseModalities=["TEXT"]).parts()
    assert [list(part) for part in parts] == [["text"]]
    assert len(ask(standin, "ok", FLASH, responseModalities=[]).parts()) == 2


def test_drafts(standin):
    parts = ask(standin, "drafts=3").parts()
    drafts = [part["inlineData"]["data"] for part in parts
              if part.get("thought") and "inlineData" in part]
    assert len(set(drafts)) == 3
    assert len(ask(standin, "drafts=0").parts()) == 2
    assert all(part["thought"] for part in ask(standin, "drafts_only").parts())
    parts = ask(standin, "drafts_only=1", FLASH).parts()
    assert [part.get("thought") for part in parts] == [True, True]


def test_words(standin):
    assert ask(standin, "words=\"A cat, | \\\"grey\\\"\"").parts()[-1] == {
        "text": "A cat, | \"grey\""}
    assert "text" not in ask(standin, "words=", FLASH).parts()[-1]
    words = ask(standin, "words_bytes=100000").parts()[-1]["text"]
    assert len(words) == 100000 and words.startswith("All work and no play")


def test_usage_and_signature(standin):
    assert "usageMetadata" not in ask(standin, "usage=none").json()
    assert ask(standin, "usage=null").json()["usageMetadata"] is None
    assert len(ask(standin, "signature_bytes=3000001").parts()[2]["thoughtSignature"]) == 3000004
    assert "thoughtSignature" not in ask(standin, "signature_bytes=0").parts()[2]
    assert len(ask(standin, "signature_bytes=40", FLASH).parts()[0]["thoughtSignature"]) == 40


def test_json_styles(standin):
    compact = ask(standin, "json=compact").body.decode()
    assert "\n" not in compact and '":"' in compact
    pretty = ask(standin, "json=pretty").body.decode()
    assert pretty.startswith('{\n  "candidates": [\n    {\n      "content": {\n')
    assert json.dumps(json.loads(pretty), indent=2, ensure_ascii=False) + "\n" == pretty
    backwards = ask(standin, "order=reversed").json()
    assert list(backwards) == ["createTime", "responseId", "modelVersion", "usageMetadata",
                               "candidates"]
    candidate = backwards["candidates"][0]
    assert list(candidate) == ["index", "finishReason", "content"]
    assert list(candidate["content"]) == ["role", "parts"]
    assert list(candidate["content"]["parts"][2]) == ["thoughtSignature", "inlineData"]
    assert list(candidate["content"]["parts"][2]["inlineData"]) == ["data", "mimeType"]


def test_unknown_members(standin):
    answer = ask(standin, "unknown_members").json()
    candidate = answer["candidates"][0]
    text = "iVBORw0KGgo=, https://standin.example/\"\\é"
    unknown = {"inlineDatas": [-1.5e-7, None, text, {}, []], "data": True}
    assert answer["xFuture"] == candidate["xFuture"] == unknown
    assert all(part["xFuture"] == unknown for part in candidate["content"]["parts"])


def real_part(answer):
    part, = [part for part in answer.parts()
             if not part.get("thought") and part != {"text": "Here is your picture."}]
    part.pop("thoughtSignature")
    return part


def test_form_inline(standin):
    part = real_part(ask(standin, "form=inline"))
    assert picture_size(base64.b64decode(part["inlineData"]["data"])) == (32, 16)
    part = real_part(ask(standin, "form=inline_snake"))
    assert list(part) == ["inline_data"] and list(part["inline_data"]) == ["mime_type", "data"]
    assert picture_size(base64.b64decode(part["inline_data"]["data"])) == (32, 16)


def test_form_data_uri(standin):
    part = real_part(ask(standin, "form=data_uri"))
    start, data = part["inlineData"]["data"].split(",")
    assert start == "data:image/jpeg;base64"
    assert picture_size(base64.b64decode(data)) == (32, 16)


@pytest.mark.parametrize("form, find", [
    ("url", lambda part: part["inlineData"]["data"]),
    ("file_data", lambda part: part["fileData"]["fileUri"]),
    ("file_data_snake", lambda part: part["file_data"]["file_uri"]),
    ("part_url", lambda part: part["url"]),
    ("markdown_url", lambda part: re.fullmatch(r"Here it is:\n\n!\[image\]\((.*)\)\n",
                                               part["text"])[1])])
def test_forms_with_urls(standin, form, find):
    url = find(real_part(ask(standin, f"form={form}")))
    assert url == f"{standin.url}/pictures/1?signature=standin-signature"
    answer = standin.get(url[len(standin.url):])
    assert (answer.status, answer.header("Content-Type")) == (200, "image/jpeg")
    assert picture_size(answer.body) == (32, 16)


def test_form_markdown_data(standin):
    text = real_part(ask(standin, "form=markdown_data"))["text"]
    data = re.fullmatch(r"Here it is:\n\n!\[image\]\(data:image/jpeg;base64,(.*)\)\n", text)[1]
    assert picture_size(base64.b64decode(data)) == (32, 16)


def test_forms_of_openai(standin):
    answer = ask(standin, "form=openai_b64, pictures=2").json()
    assert list(answer) == ["created", "data"]
    assert [list(entry) for entry in answer["data"]] == [["b64_json"], ["b64_json"]]
    assert picture_size(base64.b64decode(answer["data"][1]["b64_json"])) == (32, 16)
    answer = ask(standin, "form=openai_url").json()
    assert answer["data"][0]["url"].startswith(f"{standin.url}/pictures/")
    answer = ask(standin, "form=openai_chat").json()
    message = answer["choices"][0]["message"]
    assert message["content"] == "Here is your picture."
    assert message["images"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    answer = ask(standin, "form=openai_chat_url").json()
    assert answer["choices"][0]["message"]["images"][0]["image_url"]["url"].startswith(standin.url)


FORMS = ["inline", "inline_snake", "data_uri", "url", "file_data", "file_data_snake", "part_url",
         "markdown_data", "markdown_url", "openai_b64", "openai_url", "openai_chat",
         "openai_chat_url"]
STAMPS = re.compile(rb'"standin-\d+"|"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"|"created":\d+|'
                    rb'/pictures/\d+')
WRAPS = {"one": (b"[", b"]"),
         "first": (b"[", b',{"candidates":[{"finishReason":"STOP"}]},null]'),
         "last": (b'[{},{"usageMetadata":null},', b"]")}


def unstamped(body):
    """Without what differs from one answer to the next."""
    return STAMPS.sub(b"#", body)


@pytest.mark.parametrize("form", FORMS)
def test_wrapped_forms(standin, form):
    """The array stands around the very bytes that come without it."""
    directives = f"variant=0, signature_bytes=0, form={form}"
    plain = unstamped(ask(standin, directives).body)
    for word, (before, after) in WRAPS.items():
        answer = ask(standin, f"{directives}, wrap={word}")
        assert unstamped(answer.body) == before + plain + after
        json.loads(answer.body)


@pytest.mark.parametrize("directives, body", [
    ("empty_object", b"{}"), ("empty_array", b"[]"), ("null", b"null"),
    ("error_in_200, message=M",
     b'{"error":{"code":500,"message":"M","status":"INTERNAL"}}'),
    ("status=503, error=msg, message=M", b'{"code":503,"msg":"M"}'),
    ("status=400, error=array, message=M",
     b'[{"error":{"code":400,"message":"M","status":"INVALID_ARGUMENT"}}]'),
])
def test_wrapped_bodies_without_a_picture(standin, directives, body):
    for word, (before, after) in {**WRAPS, "chunks": WRAPS["one"]}.items():
        answer = standin.generate(f"[[standin: {directives}, wrap={word}]]")
        assert answer.body == before + body + after
        assert answer.header("Content-Length") == str(len(answer.body))


@pytest.mark.parametrize("directives", ["words_only", "safety", "blocked", "empty_parts",
                                        "no_candidates", "drafts_only"])
def test_wrapped_refusals(standin, directives):
    plain = unstamped(ask(standin, directives).body)
    for word, (before, after) in WRAPS.items():
        assert unstamped(ask(standin, f"{directives}, wrap={word}").body) == before + plain + after


@pytest.mark.parametrize("directives", ["empty_body", "not_json", "status=502, error=html",
                                        "status=502, error=text", "status=502, error=empty"])
def test_bodies_that_are_not_wrapped(standin, directives):
    plain = standin.generate(f"[[standin: {directives}]]").body
    for word in (*WRAPS, "chunks"):
        assert standin.generate(f"[[standin: {directives}, wrap={word}]]").body == plain


def test_wrapped_list(start):
    script = "models list_names=a, list=bare\nmodels list_names=a, list=bare, wrap=last\n"
    with start(script=script) as api:
        plain, wrapped = (api.get("/v1beta/models").body for _ in range(2))
    assert wrapped == WRAPS["last"][0] + plain + WRAPS["last"][1]
    assert json.loads(plain)["models"][0]["name"] == "a"


def test_chunks_of_parts(standin):
    chunks = ask(standin, "wrap=chunks, signature_bytes=0").json()
    assert [len(chunk["candidates"][0]["content"]["parts"]) for chunk in chunks] == [1, 1, 1, 1]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks] == [
        None, None, None, "STOP"]
    assert [("usageMetadata" in chunk) for chunk in chunks] == [False, False, False, True]
    parts = [chunk["candidates"][0]["content"]["parts"][0] for chunk in chunks]
    assert parts == ask(standin, "variant=0, signature_bytes=0").parts()
    chunk, = ask(standin, "wrap=chunks, empty_parts").json()
    assert chunk["candidates"][0]["content"] == {"parts": [], "role": "model"}
    pretty = ask(standin, "wrap=chunks, json=pretty", FLASH).body.decode()
    assert pretty.startswith('[{\n  "candidates": [\n') and pretty.endswith("}\n]")
    assert pretty.count("\n,{\n") == 1 and len(json.loads(pretty)) == 2


def test_chunks_of_pictures(standin):
    """OpenAI's forms list the pictures: one for each element."""
    chunks = ask(standin, "variant=0, wrap=chunks, form=openai_b64, pictures=3").json()
    assert [entry for chunk in chunks for entry in chunk["data"]] == ask(
        standin, "variant=0, form=openai_b64, pictures=3").json()["data"]
    assert [len(chunk["data"]) for chunk in chunks] == [1, 1, 1]
    chunks = ask(standin, "wrap=chunks, form=openai_chat, pictures=2").json()
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [len(choice["message"]["images"]) for choice in choices] == [1, 1]
    assert [choice["message"]["content"] for choice in choices] == ["", "Here is your picture."]
    assert [choice.get("finish_reason") for choice in choices] == [None, "stop"]
    chunk, = ask(standin, "wrap=chunks, form=openai_b64, drafts_only").json()
    assert chunk["data"] == []


def bare(standin, directives, model=FLASH):
    """The answer's bytes, with @ for the base64 of its picture."""
    body = ask(standin, f"picture=webp, variant=0, {directives}", model).body
    return re.sub(rb"UklGR[\w+/=]*", b"@", body)


REST = {"null": (b"null",) * 4, "empty": (b'""', b"{}", b"[]", b"false")}


@pytest.mark.parametrize("word", REST)
def test_members_that_are_null_or_empty(standin, word):
    text, item, array, flag = REST[word]
    more = (b',"fileData":%b,"url":%b,"thought":%b,"thoughtSignature":%b}'
            % (item, text, flag, text))
    assert bare(standin, f"members={word}") == (
        b'{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":%b,"data":"@"},"text":%b%b,'
        b'{"text":"Here is your picture.","inlineData":%b%b],"role":%b},"finishReason":%b,'
        b'"index":null,"finishMessage":%b,"safetyRatings":%b}],"usageMetadata":%b,'
        b'"modelVersion":%b,"responseId":%b,"createTime":%b,"promptFeedback":%b,"error":%b,'
        b'"data":%b,"choices":%b}'
        % (text, text, more, item, more, text, text, text, array, item, text, text, text, item,
           item, array, array))


def test_members_that_are_absent(standin):
    assert bare(standin, "members=absent") == (
        b'{"candidates":[{"content":{"parts":[{"inlineData":{"data":"@"}},'
        b'{"text":"Here is your picture."}]}}]}')
    assert bare(standin, "members=absent, words=, order=reversed, form=markdown_data") == (
        b'{"candidates":[{"content":{"parts":[{"text":"Here it is:\\n\\n'
        b'![image](data:image/webp;base64,@)\\n"}]}}]}')
    assert bare(standin, "members=absent, form=openai_b64") == b'{"data":[{"b64_json":"@"}]}'
    assert bare(standin, "members=absent, form=openai_chat, words=") == (
        b'{"choices":[{"message":{"content":"","images":[{"image_url":'
        b'{"url":"data:image/webp;base64,@"}}]}}]}')


def test_members_that_take_turns(standin):
    """In the order of the answer, whatever the order of the words."""
    body = (b'{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":null,"data":"@"},'
            b'"text":"","url":null,"thought":false}],"role":null},"finishReason":"",'
            b'"finishMessage":null,"safetyRatings":[]}],"modelVersion":null,"responseId":"",'
            b'"promptFeedback":null,"error":{},"choices":null}')
    for words in ("null+empty+absent", "absent+null+empty"):
        assert bare(standin, f"members={words}, words=") == body
    assert bare(standin, "members=absent+null, words=") == (
        b'{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":null,"data":"@"},'
        b'"fileData":null,"thought":null}],"role":null},"index":null,"safetyRatings":null}],'
        b'"modelVersion":null,"createTime":null,"error":null,"choices":null}')


def test_members_keep_what_matters(standin):
    """The mark of a draft, unknown members, and each element of an array for itself."""
    parts = ask(standin, "members=absent").parts()
    assert [sorted(part) for part in parts] == [
        ["text", "thought"], ["inlineData", "thought"], ["inlineData"], ["text"]]
    assert [part.get("thought") for part in parts] == [True, True, None, None]
    part, _ = ask(standin, "members=absent, unknown_members", FLASH).parts()
    assert list(part) == ["inlineData", "xFuture"]
    assert part["xFuture"]["data"] is True and len(part["xFuture"]["inlineDatas"]) == 5
    assert bare(standin, "members=absent, wrap=chunks") == (
        b'[{"candidates":[{"content":{"parts":[{"inlineData":{"data":"@"}}]}}]},'
        b'{"candidates":[{"content":{"parts":[{"text":"Here is your picture."}]}}]}]')


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("members", ["null", "empty", "absent", "null+empty+absent"])
def test_members_keep_the_picture(standin, form, members):
    """What leads to it stands where it stood."""
    def strings(value, path=()):
        if isinstance(value, str):
            yield path, re.sub(r"/pictures/\d+", "", value)
        for name, child in (value.items() if isinstance(value, dict) else
                            enumerate(value) if isinstance(value, list) else ()):
            yield from strings(child, (*path, name))
    plain = dict(strings(ask(standin, f"variant=0, form={form}", FLASH).json()))
    thin = dict(strings(ask(standin, f"variant=0, form={form}, members={members}", FLASH).json()))
    names = {"data", "url", "fileUri", "file_uri", "b64_json", "text", "content"}
    kept = {path: value for path, value in plain.items() if path[-1] in names}
    assert kept and {path: value for path, value in thin.items() if value} == kept


def test_words_only(standin):
    for directive in ("words_only", "words_only=1", "no_picture=words_only"):
        answer = ask(standin, directive)
        assert answer.parts() == [{"text": "I cannot draw this. Please describe it differently."}]
        assert answer.json()["candidates"][0]["finishReason"] == "STOP"
    assert ask(standin, "words_only, words=no").parts() == [{"text": "no"}]


def test_safety(standin):
    candidate, = ask(standin, "safety").json()["candidates"]
    assert candidate["content"] == {"role": "model"}
    assert candidate["finishReason"] == "SAFETY"
    assert candidate["finishMessage"].startswith("Unable to show the generated image.")
    assert candidate["safetyRatings"][0]["blocked"] is True


def test_finish(standin):
    candidate, = ask(standin, "finish=IMAGE_SAFETY, message=Because.").json()["candidates"]
    assert candidate["content"] == {"role": "model"}
    assert (candidate["finishReason"], candidate["finishMessage"]) == ("IMAGE_SAFETY", "Because.")
    candidate, = ask(standin, "finish=MAX_TOKENS, keep_picture").json()["candidates"]
    assert candidate["finishReason"] == "MAX_TOKENS"
    assert len(candidate["content"]["parts"]) == 4


def test_blocked(standin):
    answer = ask(standin, "blocked").json()
    assert "candidates" not in answer
    assert answer["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
    assert "blockReasonMessage" not in answer["promptFeedback"]
    answer = ask(standin, "blocked=OTHER, message=\"No, thanks.\"").json()
    assert answer["promptFeedback"]["blockReason"] == "OTHER"
    assert answer["promptFeedback"]["blockReasonMessage"] == "No, thanks."
    assert ask(standin, "no_picture=blocked:SAFETY").json()["promptFeedback"]["blockReason"] == \
        "SAFETY"


@pytest.mark.parametrize("directive, check", [
    ("empty_parts", lambda answer: answer["candidates"][0]["content"] == {
        "parts": [], "role": "model"}),
    ("null_parts", lambda answer: answer["candidates"][0]["content"] == {
        "parts": None, "role": "model"}),
    ("no_content", lambda answer: answer["candidates"] == [{"finishReason": "STOP", "index": 0}]),
    ("no_candidates", lambda answer: "candidates" not in answer and "usageMetadata" in answer),
    ("empty_candidates", lambda answer: answer["candidates"] == []),
    ("candidates_null", lambda answer: answer["candidates"] is None),
    ("empty_object", lambda answer: answer == {}),
    ("empty_array", lambda answer: answer == []),
    ("null", lambda answer: answer is None),
])
def test_nothing_in_it(standin, directive, check):
    assert check(ask(standin, directive).json())


def test_empty_body(standin):
    assert ask(standin, "empty_body").body == b""


def test_not_json(standin):
    answer = standin.generate("[[standin: not_json]]")
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=UTF-8")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_error_in_200(standin):
    assert ask(standin, "error_in_200").json() == {"error": {
        "code": 500, "message": "An internal error has occurred. Please retry.",
        "status": "INTERNAL"}}
    answer = ask(standin, "error_in_200, error=gateway, message=No., code=oops").json()
    assert answer["error"] == {"message": "No.", "type": "new_api_error", "param": "",
                               "code": "oops"}


@pytest.mark.parametrize("shape", ["google", "gateway", "array", "string", "success_false", "msg",
                                   "nested", "text", "html", "empty"])
def test_error_of_a_code_in_200(standin, shape):
    """The very bytes of the error with that status."""
    for more in ("", ", message=M, code=C, reason=API_KEY_INVALID, retry_info=2s, quota=perday"):
        for code in (401, 429, 599):
            error = standin.generate(f"[[standin: error_in_200={code}, error={shape}{more}]]")
            assert error.status == 200
            plain = standin.generate(f"[[standin: status={code}, error={shape}{more}]]")
            assert (plain.status, plain.body) == (code, error.body)
            assert plain.header("Content-Type") == error.header("Content-Type")


def test_details_of_an_error_in_200(standin):
    answer = ask(standin, "no_picture=error_in_200:400, reason=API_KEY_INVALID, message=M, code=C")
    assert answer.body == (
        b'{"error":{"code":400,"message":"M","status":"C","details":[{"@type":'
        b'"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID",'
        b'"domain":"googleapis.com"}]}}')


def test_many_pictures_in_every_form(standin):
    """The most of everything at once still is one JSON text."""
    for form in ("inline", "data_uri", "markdown_data", "openai_chat", "inline, wrap=chunks"):
        answer = ask(standin, f"pictures=16, duplicate, drafts=8, form={form}, unknown_members")
        assert answer.body.count(b"/9j/4AAQ") >= 32
        json.loads(answer.body)


def test_images_without_a_prompt(standin):
    body = call("x")
    body["contents"][0]["parts"] = [{"inlineData": {
        "mimeType": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}}]
    assert len(standin.generate(body=body).pictures()) == 1
