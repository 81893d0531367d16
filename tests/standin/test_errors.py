# SPDX-License-Identifier: MIT
"""Error answers in every shape, and the directives' own grammar."""
import json

import pytest



RPC = "type.googleapis.com/google.rpc."


def ask(standin, directives, **more):
    return standin.generate(f"a cat [[standin: {directives}]]", **more)


@pytest.mark.parametrize("status, name", [
    (400, "INVALID_ARGUMENT"), (401, "UNAUTHENTICATED"), (402, "RESOURCE_EXHAUSTED"),
    (403, "PERMISSION_DENIED"), (404, "NOT_FOUND"), (408, "CANCELLED"),
    (413, "INVALID_ARGUMENT"), (418, "UNKNOWN"), (429, "RESOURCE_EXHAUSTED"),
    (451, "FAILED_PRECONDITION"), (499, "CANCELLED"), (500, "INTERNAL"), (502, "UNAVAILABLE"),
    (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED"), (520, "UNKNOWN"), (524, "UNKNOWN"),
    (599, "UNKNOWN")])
def test_status(standin, status, name):
    answer = ask(standin, f"status={status}")
    assert answer.status == status
    error = answer.json()["error"]
    assert (error["code"], error["status"], list(error)) == (status, name,
                                                             ["code", "message", "status"])
    assert standin.log()[0]["status"] == status


@pytest.mark.parametrize("shape, body", [
    ("google", {"error": {"code": 429, "message": "M", "status": "C"}}),
    ("gateway", {"error": {"message": "M", "type": "new_api_error", "param": "", "code": "C"}}),
    ("array", [{"error": {"code": 429, "message": "M", "status": "C"}}]),
    ("string", {"error": "C", "message": "M"}),
    ("success_false", {"success": False, "code": "C", "message": "M"}),
    ("msg", {"code": 429, "msg": "M"})])
def test_shapes(standin, shape, body):
    answer = ask(standin, f"status=429, error={shape}, message=M, code=C")
    assert (answer.status, answer.json()) == (429, body)
    assert answer.header("Content-Type") == "application/json; charset=UTF-8"


def test_nested(standin):
    answer = ask(standin, "status=429, error=nested, message=\"a \\\"b\\\"\"").json()
    assert answer["error"]["code"] == 429
    assert json.loads(answer["error"]["message"]) == {"error": {
        "code": 429, "message": "a \"b\"", "status": "RESOURCE_EXHAUSTED"}}


def test_other_bodies(standin):
    answer = ask(standin, "status=502, error=html, message=\"Bad gateway\"")
    assert answer.header("Content-Type") == "text/html; charset=UTF-8"
    assert b"<title>stand-in.example | 502: Bad gateway</title>" in answer.body
    answer = ask(standin, "status=504, error=empty")
    assert (answer.status, answer.body, answer.header("Content-Type")) == (504, b"", None)
    answer = ask(standin, "status=503, error=text, message=no")
    assert (answer.body, answer.header("Content-Type")) == (b"no", "text/plain; charset=UTF-8")


def test_details(standin):
    error = ask(standin, "status=429, retry_info=1.173612231s, quota=perday, "
                         "reason=RATE_LIMIT").json()["error"]
    info, quota, retry = error["details"]
    assert info == {"@type": RPC + "ErrorInfo", "reason": "RATE_LIMIT",
                    "domain": "googleapis.com"}
    assert quota["@type"] == RPC + "QuotaFailure"
    assert quota["violations"][0]["quotaId"] == \
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    assert quota["violations"][0]["quotaValue"] == "10"
    assert retry == {"@type": RPC + "RetryInfo", "retryDelay": "1.173612231s"}
    for kind, name, value in (("zero", "PerMinute", "0"), ("perminute", "PerMinute", "10")):
        violation = ask(standin, f"status=429, quota={kind}").json()["error"]["details"][0][
            "violations"][0]
        assert name in violation["quotaId"] and violation["quotaValue"] == value


def test_insufficient_quota(standin):
    answer = ask(standin, "status=429, quota=insufficient, error=gateway").json()
    assert answer["error"]["code"] == "insufficient_user_quota"
    answer = ask(standin, "status=429, quota=insufficient").json()["error"]
    assert answer["message"] == "The account has insufficient quota."
    assert "details" not in answer


def test_headers(standin):
    answer = ask(standin, "status=429, error=gateway, retry_after=\"Fri, 31 Dec 1999 23:59:59 "
                          "GMT\", request_id=abc, message=M, header=\"X-Extra: a: b\"")
    assert answer.header("Retry-After") == "Fri, 31 Dec 1999 23:59:59 GMT"
    assert answer.header("x-request-id") == "abc"
    assert answer.header("X-Extra") == "a: b"
    assert answer.json()["error"]["message"] == "M (request id: abc)"
    answer = ask(standin, "request_id=ok1, content_type=text/html, size=16x16")
    assert (answer.status, answer.header("x-request-id")) == (200, "ok1")
    assert answer.header("Content-Type") == "text/html"
    assert ask(standin, "header=nonsense").status == 400
    assert ask(standin, "retry_after=\"1\nX: y\"").status == 400


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect(standin, code):
    answer = ask(standin, f"redirect={code}:http://127.0.0.1:1/x?y=z")
    assert (answer.status, answer.body) == (code, b"")
    assert answer.header("Location") == "http://127.0.0.1:1/x?y=z"


def test_status_2xx(standin):
    answer = ask(standin, "status=203, size=16x16")
    assert answer.status == 203 and len(answer.pictures()) == 1


@pytest.mark.parametrize("directives, reason", [
    ("colour=red", "there is no directive \"colour\""),
    ("", "a directive's name is missing"),
    ("delay", "delay needs a value"),
    ("delay=", "delay=: not a number from 0 to 3600000"),
    ("delay=1s", "delay=1s: not a number from 0 to 3600000"),
    ("delay=3600001", "delay=3600001: not a number from 0 to 3600000"),
    ("form=nowhere", "form=nowhere: no such word"),
    ("base64=plain+x", "base64=x: no such word"),
    ("base64=", "base64 needs a word"),
    ("size=10", "size=10: not WxH"),
    ("fault=truncate", "fault=truncate needs an argument"),
    ("fault=gzip:1", "fault=gzip takes no argument"),
    ("fault=truncate:x", "truncate=x: not a number from 0 to 268435456"),
    ("safety=2", "safety takes no value"),
    ("redirect=302", "redirect=302: not CODE:URL"),
    ("redirect=200:x", "redirect=200: not a number from 300 to 399"),
    ("delay=1 status=2", "delay=1 status=2: not a number from 0 to 3600000"),
    ("ok delay=1", "after \"ok\": a comma is missing"),
    ("ok,", "a directive's name is missing"),
    ("ok|", "a directive's name is missing"),
    ("url=999", "url=999: not a number from 200 to 599"),
    ("url=status:199", "status=199: not a number from 200 to 599"),
    ("error_in_200=199", "error_in_200=199: not a number from 200 to 599"),
    ("error_in_200=600", "error_in_200=600: not a number from 200 to 599"),
    ("no_picture=error_in_200:600", "error_in_200=600: not a number from 200 to 599"),
    ("no_picture=safety:2", "no_picture=safety takes no argument"),
    ("wrap=two", "wrap=two: no such word"),
    ("members=", "members needs a word"),
    ("members=null+full", "members=full: no such word"),
    ("url_times=0", "url_times=0: not a number from 1 to 1000"),
    ("|".join(["ok"] * 65), "more than 64 steps"),
    ("x" * 33, "a directive's name is too long"),
])
def test_bad_directives(standin, directives, reason):
    answer = ask(standin, directives)
    assert answer.status == 400
    assert answer.json()["error"]["message"] == f"stand-in: {reason}"


def test_limits_of_lists(standin):
    assert ask(standin, "|".join(["status=503"] * 64)).status == 503
    assert ask(standin, "status=503, message=" + "x" * 60000).status == 503
    assert ask(standin, "status=503, message=" + "x" * 70000).json()["error"]["message"] == \
        "stand-in: a list of directives is longer than 65536 bytes"


def test_unclosed_token(standin):
    answer = standin.generate("a cat [[standin: status=503")
    assert answer.json()["error"]["message"] == "stand-in: the token has no end"
    assert standin.generate("[[standin: words=\"]]").status == 400
    assert standin.generate("[[standing: status=503]]").status == 200


def statuses(standin, prompt, count, **more):
    return [standin.generate(prompt, **more).status for _ in range(count)]


def test_steps_by_text(standin):
    steps = "[[standin: size=16x16, status=503 | status=429, retry_after=1 | ok]]"
    assert statuses(standin, "a " + steps, 4) == [503, 429, 200, 200]
    assert statuses(standin, "b " + steps, 2) == [503, 429]
    assert [line["directive"] for line in standin.log()][0] == steps[11:-2]


def test_steps_by_key(standin):
    steps = "[[standin: per=key, status=503 | size=16x16]]"
    first, second = {"Idempotency-Key": "1"}, {"Idempotency-Key": "2"}
    assert statuses(standin, steps, 2, headers=first) == [503, 200]
    assert statuses(standin, steps, 2, headers=second) == [503, 200]
    assert statuses(standin, "other " + steps, 1, headers=first) == [200]
    assert statuses(standin, "none " + steps, 2) == [503, 200]


def test_script(start):
    script = "# comment\n\nok\nstatus=503, message=one\n  status=504  \n* status=429 | ok\n"
    with start(script=script) as standin:
        assert standin.get("/v1beta/models").status == 200  # takes none of these lines
        assert standin.generate("a").status == 200
        answer = standin.generate("a")
        assert (answer.status, answer.json()["error"]["message"]) == (503, "one")
        assert standin.generate("a").status == 504
        assert statuses(standin, "b", 2) == [429, 200]
        assert statuses(standin, "c", 2) == [429, 200]
        assert [line["directive"] for line in standin.log("generate")] == [
            "ok", "status=503, message=one", "status=504", "status=429 | ok", "status=429 | ok",
            "status=429 | ok", "status=429 | ok"]


def test_script_past_its_end(start):
    with start(script="status=503\n") as standin:
        assert statuses(standin, "a", 3) == [503, 200, 200]


def test_prompt_wins_over_script(start):
    with start(script="* status=503, message=script\n") as standin:
        assert standin.generate("[[standin: status=429]]").json()["error"] == {
            "code": 429, "message": "script", "status": "RESOURCE_EXHAUSTED"}
        assert standin.log()[0]["directive"] == "status=503, message=script; status=429"


def test_refusals_come_before_directives(start):
    with start("--key", "right") as standin:
        assert ask(standin, "status=503").status == 401
