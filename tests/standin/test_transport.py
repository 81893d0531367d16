# SPDX-License-Identifier: MIT
"""The faults below HTTP, byte by byte, seen from a raw socket."""
import gzip
import json
import select
import time

import pytest

from standin import PRO, call

SMALL = "picture=random, picture_bytes=3000, drafts=0"


def raw(standin, directives, prompt=""):
    """All bytes up to the server's end: head and body of an answer to a call."""
    with standin.connect() as connection:
        connection.send_generate(f"{prompt}[[standin: {SMALL}, {directives}]]")
        data = connection.receive_all()
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), body


def header(head, name):
    values = [line.split(": ", 1)[1] for line in head[1:] if line.startswith(name + ": ")]
    return values[0] if values else None


def whole(standin):
    """What the answer would have been."""
    return standin.generate(f"[[standin: {SMALL}, variant=0]]").body


def strip(body):
    """Without what differs from answer to answer."""
    answer = json.loads(body)
    for name in ("responseId", "createTime"):
        answer.pop(name)
    for part in answer["candidates"][0]["content"]["parts"]:
        part.pop("thoughtSignature", None)
    answer["usageMetadata"] = None
    return answer


def test_close_before_answer(standin):
    with standin.connect() as connection:
        connection.send_generate("[[standin: fault=close_before_answer]]")
        assert connection.socket.recv(1) == b""
    line, = standin.log()
    assert line["complete"] is True


def test_close_before_answer_on_a_reused_connection(start):
    with start(script="ok\nfault=close_before_answer\n") as standin:
        with standin.connect() as connection:
            assert connection.generate("a cat").status == 200
            connection.send_generate("a cat")
            assert connection.socket.recv(1) == b""
        first, second = standin.log()
        assert first["connection"] == second["connection"] == 1
        assert (first["request"], second["request"]) == (1, 2)
        assert second["complete"] and second["body_bytes"] == first["body_bytes"]


def test_close_before_answer_after_a_delay(standin):
    began = time.monotonic()
    with standin.connect() as connection:
        connection.send_generate("[[standin: delay=200, fault=close_before_answer]]")
        assert connection.socket.recv(1) == b""
    assert time.monotonic() - began >= 0.2


def test_reset_before_answer(standin):
    with standin.connect() as connection:
        connection.send_generate("[[standin: fault=reset_before_answer]]")
        with pytest.raises(ConnectionResetError):
            connection.socket.recv(1)
    assert standin.log()[0]["complete"] is True


@pytest.mark.parametrize("source", ["prompt", "script"])
@pytest.mark.parametrize("count", [1000, 65536, 200_000])
def test_reset_mid_body_upload(start, source, count):
    fault = f"fault=reset_mid_body_upload:{count}"
    reference = b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000
    prompt = f"a [[standin: {fault}]]" if source == "prompt" else "a"
    with start(script=f"{fault}\n" if source == "script" else "ok\n") as standin:
        with standin.connect() as connection:
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                connection.send_generate(prompt, references=[("image/png", reference)])
                connection.response()
        line, = standin.wait_for_log(1)
        assert (line["complete"], line["body_bytes"], line["status"]) == (False, count, 0)
        assert standin.generate("b").status == 200


def test_reset_mid_body_upload_then_ok(standin):
    """The steps of a prompt count here too, before the prompt is complete."""
    prompt = "a [[standin: fault=reset_mid_body_upload:100 | ok]]"
    with standin.connect() as connection:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.send_generate(prompt)
            connection.response()
    standin.wait_for_log(1)
    assert standin.generate(prompt).status == 200
    assert [line["complete"] for line in standin.log()] == [False, True]


@pytest.mark.parametrize("fault", ["reset_mid_body_upload", "early_answer"])
def test_faults_beyond_the_body(standin, fault):
    """The body ends before the fault is due: the usual answer, on a connection that lives."""
    with standin.connect() as connection:
        for _ in range(2):
            assert connection.generate(f"[[standin: {SMALL}, fault={fault}:100000]]").status == 200
    assert [line["complete"] for line in standin.log()] == [True, True]


def test_early_answer(standin):
    """Status 413 while the body is still being sent; the connection is not cut off by a reset."""
    reference = b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000
    body = json.dumps(call("a [[standin: fault=early_answer:5000, status=413, message=Enough.]]",
                           [("image/png", reference)])).encode()
    with standin.connect() as connection:
        connection.send(f"POST /v1beta/models/{PRO}:generateContent HTTP/1.1\r\nHost: x\r\n"
                        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                        .encode() + body[:6000])
        answer = connection.response()
        assert (answer.status, answer.json()["error"]["message"]) == (413, "Enough.")
        connection.send(body[6000:])
        assert connection.receive_all() == b""
    line, = standin.wait_for_log(1)
    assert (line["complete"], line["body_bytes"], line["status"]) == (False, 5000, 413)


def test_close_after_headers(standin):
    head, body = raw(standin, "fault=close_after_headers")
    assert head[0] == "HTTP/1.1 200 OK"
    assert int(header(head, "Content-Length")) > 4000
    assert body == b""


@pytest.mark.parametrize("count", [0, 1, 3000])
def test_truncate(standin, count):
    head, body = raw(standin, f"fault=truncate:{count}")
    assert int(header(head, "Content-Length")) > 4000
    assert len(body) == count


def test_truncate_beyond_the_end(standin):
    head, body = raw(standin, "fault=truncate:1000000, variant=0")
    assert len(body) == int(header(head, "Content-Length"))
    assert strip(body) == strip(whole(standin))


def test_reset_after(standin):
    """What was sent arrives before the reset does."""
    with standin.connect() as connection:
        connection.send_generate(f"[[standin: {SMALL}, fault=reset_after:1000]]")
        received = b""
        with pytest.raises(ConnectionResetError):
            while True:
                piece = connection.socket.recv(65536)
                assert piece
                received += piece
    assert len(received.partition(b"\r\n\r\n")[2]) == 1000


@pytest.mark.parametrize("directive, count", [("truncate_chunked:40000", 40000),
                                              ("truncate_chunked", None)])
def test_truncate_chunked(standin, directive, count):
    head, body = raw(standin, f"picture_bytes=60000, fault={directive}")
    assert header(head, "Transfer-Encoding") == "chunked"
    assert header(head, "Content-Length") is None
    sizes, content = [], b""
    while body:
        size, _, body = body.partition(b"\r\n")
        sizes.append(int(size, 16))
        content += body[:sizes[-1]]
        assert body[sizes[-1]:sizes[-1] + 2] == b"\r\n"
        body = body[sizes[-1] + 2:]
    assert 0 not in sizes
    if count:
        assert sizes == [16384, 16384, 40000 - 2 * 16384]
    else:
        assert 40000 < len(content) < 41000
    with pytest.raises(ValueError):
        json.loads(content)


def test_wrong_length(standin):
    """Transport and length agree, only the JSON is not all there; the connection lives."""
    with standin.connect() as connection:
        answer = connection.generate(f"[[standin: {SMALL}, fault=wrong_length:1500]]")
        assert (answer.status, answer.header("Content-Length"), len(answer.body)) == (
            200, "1500", 1500)
        answer = connection.generate(f"[[standin: {SMALL}, fault=wrong_length]]")
        assert len(answer.body) > 2000
        with pytest.raises(ValueError):
            answer.json()
        assert connection.generate("a cat").status == 200


def test_overlong(standin):
    head, body = raw(standin, "fault=overlong:10, variant=0")
    length = int(header(head, "Content-Length"))
    assert body[length:] == b"#" * 10
    assert strip(body[:length]) == strip(whole(standin))


def test_until_close(standin):
    head, body = raw(standin, "fault=until_close, variant=0")
    assert header(head, "Content-Length") is None and header(head, "Transfer-Encoding") is None
    assert strip(body) == strip(whole(standin))
    assert len(raw(standin, "fault=until_close:77")[1]) == 77


def test_drip(standin):
    began = time.monotonic()
    head, body = raw(standin, "fault=drip:10000")
    took = time.monotonic() - began
    length = int(header(head, "Content-Length"))
    assert len(body) == length
    assert took > length / 10000 * 0.9


def test_stall(standin):
    with standin.connect() as connection:
        began = time.monotonic()
        connection.send_generate(f"[[standin: {SMALL}, fault=stall:300]]")
        assert connection.socket.recv(1) == b"H"
        assert time.monotonic() - began >= 0.3
        assert connection.receive_all().endswith(b"}")


def test_stall_mid(standin):
    """The first half comes at once, the other one later."""
    with standin.connect() as connection:
        connection.send_generate(f"[[standin: {SMALL}, fault=stall_mid:600000]]")
        length = int(dict(connection._head()[2])["Content-Length"])
        connection._take(length // 2)
        ready, _, _ = select.select([connection.socket], [], [], 0.2)
        assert not ready and not connection.buffer
    began = time.monotonic()
    _, body = raw(standin, "fault=stall_mid:400")
    assert time.monotonic() - began >= 0.4
    json.loads(body)


def test_gzip(standin):
    with standin.connect() as connection:
        answer = connection.generate(f"[[standin: {SMALL}, picture_bytes=300000, fault=gzip]]")
        assert answer.header("Content-Encoding") == "gzip"
        assert len(json.loads(gzip.decompress(answer.body))["candidates"]) == 1
        answer = connection.generate("[[standin: empty_body, fault=gzip]]")
        assert gzip.decompress(answer.body) == b""


def test_chunked(standin):
    with standin.connect() as connection:
        for _ in range(2):
            answer = connection.generate("[[standin: picture_bytes=2000000, fault=chunked]]")
            assert answer.header("Transfer-Encoding") == "chunked"
            assert len(answer.pictures()[0][1]) == 2000000


def test_huge_headers(standin):
    head, body = raw(standin, "fault=huge_headers:200000, variant=0")
    fillers = [line for line in head if line.startswith("X-Filler-")]
    assert len(fillers) == 196 and {len(line) + 2 for line in fillers} == {1024}
    assert strip(body) == strip(whole(standin))
    head, _ = raw(standin, "fault=huge_headers")
    assert sum(len(line) + 2 for line in head) > 1 << 20


def test_garbage(standin):
    head, body = raw(standin, "fault=garbage")
    assert not head[0].startswith("HTTP")
    assert len("\r\n".join(head)) + len(body) in range(505, 513)


def test_http100(standin):
    with standin.connect() as connection:
        connection.send_generate(f"[[standin: {SMALL}, fault=http100]]")
        answer = connection.response()
        assert (answer.interim, answer.status) == ([100, 102], 200)
        assert len(answer.pictures()) == 1


@pytest.mark.parametrize("fault", ["truncate:10", "drip:100000", "close_after_headers",
                                   "http100", "stall:1"])
def test_faults_of_errors(standin, fault):
    """The transport's faults go with any answer."""
    head, _ = raw(standin, f"status=503, fault={fault}")
    assert " 503 " in "".join(head[:1]) or fault == "http100"


@pytest.mark.parametrize("fault", ["drip:10", "stall_mid:600000", "stall:600000"])
def test_clients_that_go_away(standin, fault):
    """Whoever hangs up in the middle does not disturb the others."""
    for i in range(20):
        with standin.connect() as connection:
            connection.send_generate(f"{i} [[standin: {SMALL}, fault={fault}]]")
    standin.wait_for_log(20)
    assert standin.generate("a cat [[standin: size=16x16]]").status == 200


def test_big_answer_to_a_slow_reader(standin):
    """Twenty megabytes through a small window, both by MHD and raw."""
    for fault in ("", ", fault=truncate:100000000"):
        with standin.connect() as connection:
            connection.send_generate(f"[[standin: picture_bytes=20000000{fault}]]")
            connection.await_bytes(65536)
            assert len(connection.response().pictures()[0][1]) == 20000000
