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


def test_forms_in_arrays(standin):
    answer, = ask(standin, "form=array_one").json()
    assert len(answer["candidates"][0]["content"]["parts"]) == 4
    chunks = ask(standin, "form=array_chunks").json()
    assert len(chunks) == 4
    assert [len(chunk["candidates"][0]["content"]["parts"]) for chunk in chunks] == [1, 1, 1, 1]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks] == [
        None, None, None, "STOP"]
    assert [("usageMetadata" in chunk) for chunk in chunks] == [False, False, False, True]


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


def test_many_pictures_in_every_form(standin):
    """The most of everything at once still is one JSON text."""
    for form in ("inline", "data_uri", "markdown_data", "openai_chat", "array_chunks"):
        answer = ask(standin, f"pictures=16, duplicate, drafts=8, form={form}, unknown_members")
        assert answer.body.count(b"/9j/4AAQ") >= 32
        json.loads(answer.body)


def test_images_without_a_prompt(standin):
    body = call("x")
    body["contents"][0]["parts"] = [{"inlineData": {
        "mimeType": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}}]
    assert len(standin.generate(body=body).pictures()) == 1
