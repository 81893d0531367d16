# SPDX-License-Identifier: MIT
"""Pictures by URL, and every fault that such a URL can have."""
import time

import pytest

from standin import TIMEOUT, Connection, picture_size


def url_of(standin, directives, prompt="a cat"):
    """Ask for a picture by URL; the path of the URL."""
    answer = standin.generate(f"{prompt} [[standin: size=32x16, form=part_url, {directives}]]")
    part, = [part for part in answer.parts() if "url" in part]
    assert part["url"].startswith(standin.url)
    return part["url"][len(standin.url):]


def test_plain(standin):
    path = url_of(standin, "ok")
    for _ in range(2):  # as often as one likes
        answer = standin.get(path)
        assert (answer.status, answer.header("Content-Type")) == (200, "image/jpeg")
        assert picture_size(answer.body) == (32, 16)
    with standin.connect() as connection:
        answer = connection.request("HEAD", path)
        assert (answer.status, answer.header("Content-Type")) == (200, "image/jpeg")


def test_host_of_the_url_is_the_one_that_was_used(standin):
    answer = standin.generate("[[standin: form=part_url]]", headers={"Host": "localhost:80"})
    assert answer.parts()[2]["url"] == "http://localhost:80/pictures/1?signature=standin-signature"
    answer = standin.generate("[[standin: form=part_url]]", headers={"Host": "a b<c>"})
    assert answer.parts()[2]["url"].startswith(standin.url)


def test_log_says_whether_credentials_came(standin):
    path = url_of(standin, "ok")
    standin.get(path)
    standin.get(path, Authorization="Bearer leaked")
    standin.get(path, **{"x-goog-api-key": "leaked"})
    lines = standin.log("picture")
    assert [line["key"] for line in lines] == ["none", "bearer", "goog"]
    assert [line["path"] for line in lines] == ["/pictures/1"] * 3
    assert all(line["complete"] and line["status"] == 200 for line in lines)


@pytest.mark.parametrize("status", [403, 404, 410, 500])
def test_status(standin, status):
    assert standin.get(url_of(standin, f"url={status}")).status == status
    assert standin.get(url_of(standin, f"url=status:{status}")).status == status


@pytest.mark.parametrize("times", [1, 2, 1000])
def test_fails_at_first(standin, times):
    path = url_of(standin, f"url=503, url_times={times}")
    other = url_of(standin, f"url=503, url_times={times}")
    with standin.connect() as connection:
        answers = [connection.request("GET", path) for _ in range(times + 2)]
        assert [answer.status for answer in answers] == [503] * times + [200, 200]
        assert picture_size(answers[-1].body) == (32, 16)
        assert connection.request("GET", other).status == 503  # each URL counts for itself


def test_other_faults_that_pass(standin):
    path = url_of(standin, "url=close, url_times=1")
    with standin.connect() as connection:
        connection.send_request("GET", path)
        assert connection.receive_all() == b""
    assert picture_size(standin.get(path).body) == (32, 16)
    path = url_of(standin, "url=truncate:20, url_times=1")
    with standin.connect() as connection:
        connection.send_request("GET", path)
        assert len(connection.receive_all().split(b"\r\n\r\n", 1)[1]) == 20
    assert picture_size(standin.get(path).body) == (32, 16)
    path = url_of(standin, "url=huge:100, url_times=1, url_type=image/x-test")
    assert len(standin.get(path).body) == 108
    answer = standin.get(path)
    assert (picture_size(answer.body), answer.header("Content-Type")) == ((32, 16), "image/x-test")


def test_redirects_that_pass(standin):
    """A hop that was begun is gone to its end."""
    path = url_of(standin, "url=redirect:2, url_times=1")
    first = standin.get(path)
    assert standin.get(path).status == 200
    second = standin.get(first.header("Location")[len(standin.url):])
    assert (first.status, second.status) == (302, 302)
    answer = standin.get(second.header("Location")[len(standin.url):])
    assert (answer.status, picture_size(answer.body)) == (200, (32, 16))


@pytest.mark.parametrize("hops", [0, 1, 3, 4])
def test_redirects(standin, hops):
    path = url_of(standin, f"url=redirect:{hops}")
    for _ in range(hops):
        answer = standin.get(path)
        assert answer.status == 302
        path = answer.header("Location")[len(standin.url):]
    answer = standin.get(path)
    assert answer.status == 200 and picture_size(answer.body) == (32, 16)


def test_redirect_elsewhere(standin):
    answer = standin.get(url_of(standin, "url=redirect_to:http://169.254.169.254/latest?a=b"))
    assert (answer.status, answer.header("Location")) == (302,
                                                          "http://169.254.169.254/latest?a=b")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://0x7f.1/", "https://[::1]:1/x,y|z"])
def test_external(standin, url):
    answer = standin.generate(f"[[standin: form=url, url=\"external:{url}\", drafts=0]]")
    assert answer.parts()[0]["inlineData"]["data"] == url


def test_html(standin):
    answer = standin.get(url_of(standin, "url=html"))
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=UTF-8")
    assert b"<title>Just a moment...</title>" in answer.body


def test_type(standin):
    answer = standin.get(url_of(standin, "url_type=application/octet-stream"))
    assert answer.header("Content-Type") == "application/octet-stream"
    assert picture_size(answer.body) == (32, 16)


def test_huge_of_a_size(standin):
    answer = standin.get(url_of(standin, "url=huge:3000000"))
    assert answer.header("Transfer-Encoding") == "chunked"
    assert len(answer.body) == 8 + 3000000 and answer.body.startswith(b"\x89PNG\r\n\x1a\n")


def test_huge_without_an_end(standin):
    with standin.connect() as connection:
        connection.send_request("GET", url_of(standin, "url=huge"))
        for _ in range(100):
            connection._take(1 << 20)
    assert standin.get("/v1beta/models").status == 200


def test_slow(standin):
    path = url_of(standin, "url=slow:2000, picture=random, picture_bytes=600")
    began = time.monotonic()
    answer = standin.get(path)
    assert len(answer.body) == 600 and answer.header("Content-Length") == "600"
    assert time.monotonic() - began > 0.3


def test_truncated_and_closed(standin):
    path = url_of(standin, "url=truncate:20")
    with standin.connect() as connection:
        connection.send_request("GET", path)
        head, body = connection.receive_all().split(b"\r\n\r\n", 1)
        assert b"Content-Length: " in head and len(body) == 20
    with standin.connect() as connection:
        connection.send_request("GET", url_of(standin, "url=close"))
        assert connection.receive_all() == b""


@pytest.mark.parametrize("path", ["/pictures/0", "/pictures/2", "/pictures/x", "/pictures/1x",
                                  "/pictures/", "/pictures/18446744073709551616", "/pictures/-1"])
def test_unknown(standin, path):
    url_of(standin, "ok")
    assert standin.get(path).status == 404


def test_oldest_pictures_go(standin):
    """1024 are kept."""
    with Connection(standin.port) as connection:
        connection.socket.settimeout(TIMEOUT)
        for i in range(65):
            connection.generate(f"{i} [[standin: picture=webp, form=url, pictures=16, drafts=0]]")
    assert standin.get("/pictures/16").status == 404
    assert standin.get("/pictures/17").status == 200
    assert standin.get("/pictures/1040").status == 200
    assert standin.get("/pictures/1041").status == 404
