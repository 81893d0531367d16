# SPDX-License-Identifier: MIT
"""The table of variants, section 5 of the API, and TLS: see the head of test_variants.py."""

import re

import pytest

from conftest import mounts
from harness import run, until
from job_play import FREE, KEPT, PAID
from job_rows import (LINK_KEPT, ONE, SUM, Hall, Ledger, check_told, hall, pictures, teller, told,
                      told_mount)
from teller import Teller, google, inline

__all__ = ["hall", "teller", "told_mount"]  # fixtures


# --- section 5: pictures by URL

def unfetched(what, advice=LINK_KEPT):
    return told(f"The picture could not be fetched. {what}", PAID, advice)


REFUSED = unfetched("The picture's link has expired or was refused: HOST answered %d.",
                    "Write the prompt again for a new picture; it will be charged again.")
INSTEAD = unfetched("HOST answered %d instead of the picture.")
OFTEN = unfetched("HOST redirects once too often.")
NOT_ONE = "What the API sent as a picture is none: %s."
GOOD = (200, {}, ONE)


def status_row(row, status):
    return row._replace(told=row.told.replace("%d", str(status)))


def test_links_of_pictures(hall):
    """How often each is asked for, and what comes of it."""
    cut = (200, {"Content-Length": str(len(ONE))}, ONE[:50])
    ended = unfetched(f"The answer from HOST ended early: 50 of {len(ONE)} bytes had come.")
    table = {  # name: (pages, fetches, Row)
        "200": ([GOOD], 1, pictures(SUM)),
        **{f"{status}": ([(status, {}, b"no")], 1, status_row(REFUSED, status))
           for status in (401, 403, 404, 410)},
        **{f"{status}": ([(status, {}, b"no")], 1, status_row(INSTEAD, status))
           for status in (201, 202, 203, 206, 300, 301, 302, 304, 400, 402, 416, 451)},
        **{f"{status}": ([(status, {}, b"no"), (status, {}, b"no"), (status, {}, b"no"), GOOD], 3,
                         status_row(INSTEAD, status)) for status in (408, 429, 500, 502, 503, 504)},
        "500, then 200": ([(500, {}, b""), GOOD], 2, pictures(SUM)),
        "503, cut, then 200": ([(503, {}, b""), cut, GOOD], 3, pictures(SUM)),
        "500, then 403": ([(500, {}, b""), (403, {}, b"")], 2, status_row(REFUSED, 403)),
        "cut": ([cut, cut, cut, GOOD], 3, ended),
        "a page": ([(200, {"Content-Type": "image/png"}, b"<!DOCTYPE html><html></html>")],
                   1, told(NOT_ONE % "text/plain", PAID, KEPT)),
        "JSON": ([(200, {}, b'{"error": "gone"}')], 1, told(NOT_ONE % "text/plain", PAID, KEPT)),
        "nothing": ([(200, {}, b"")], 1, told(NOT_ONE % "application/x-empty", PAID, KEPT)),
        "a wrong type": ([(200, {"Content-Type": "text/html"}, ONE)], 1, pictures(SUM)),
    }
    urls = {name: hall.standin.hang(f"/link/{number}", *pages)
            for number, (name, (pages, _, _)) in enumerate(table.items())}
    check_told(hall, {name: (google({"url": urls[name]}), row)
                      for name, (_, _, row) in table.items()})
    fetches = hall.fetches()
    assert {name: fetches.count(f"/link/{number}") for number, name in enumerate(table)} == {
        name: count for name, (_, count, _) in table.items()}


def hop(location, status=302):
    return status, {"Location": location}, b"not to be read"


def test_redirects_of_a_picture(hall):
    """Three are followed, each status alike, and no hop is told who asks."""
    api = hall.standin
    end = api.hang("/end", GOOD)
    for number in range(6):
        api.hang(f"/chain/{number + 1}", hop(f"{number}"))
    api.hang("/chain/0", GOOD)
    before = len(api.noted)
    check_told(hall, {
        **{f"{status}": (google({"url": api.hang(f"/hop/{status}", hop(end, status))}),
                         pictures(SUM)) for status in (301, 302, 303, 307, 308)},
        "300 is none": (google({"url": api.hang("/hop/300", hop(end, 300))}),
                        status_row(INSTEAD, 300)),
        "without the host": (google({"url": api.hang("/hop/path", hop("/end"))}), pictures(SUM)),
        "without the scheme": (google({"url": api.hang("/hop/host", hop(end[5:]))}), pictures(SUM)),
        "in capitals": (google({"url": api.hang("/hop/capital", hop(end.replace("http", "HTTP")))}),
                        pictures(SUM)),
        "to an error": (google({"url": api.hang("/hop/gone", hop("/gone"))}),
                        status_row(REFUSED, 404)),
        "three": (google({"url": f"{api.url}/chain/3"}), pictures(SUM)),
        "four": (google({"url": f"{api.url}/chain/4"}), OFTEN),
        "round and round": (google({"url": api.hang("/hop/round", hop("/hop/round"))}), OFTEN),
    })
    fetched = [note for note in api.noted[before:] if note["method"] == "GET"]
    names = {name for note in fetched for name in note["headers"]}
    assert names == {"host", "user-agent", "accept"}
    paths = [note["path"] for note in fetched]
    assert [paths.count(f"/chain/{number}") for number in range(6)] == [1, 2, 2, 2, 1, 0]
    assert (paths.count("/hop/round"), paths.count("/gone")) == (4, 1)


# --- TLS

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls")
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=teller", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", path / "key.pem", "-out", path / "cert.pem"], timeout=120)
    return path / "cert.pem", path / "key.pem"


@pytest.fixture(scope="module")
def secure(certificate):
    teller = Teller(certificate)
    yield teller
    teller.close()


def test_an_api_with_https(tmp_path, certificate, secure, teller):
    """Pictures come by https then, and by nothing else, whatever redirects to it."""
    link, elsewhere = secure.hang("/one.png", ONE), teller.hang("/one.png", ONE)
    plain = unfetched(f"The link to {teller.url.removeprefix('http://')} is not https, while the "
                      "API itself is.")
    scheme = unfetched("The URL cannot be used: it is neither https nor http.")
    before = len(teller.noted)
    with mounts(tmp_path) as make:
        mount = make(secure.url, f"-oca_file={certificate[0]}")
        check_told(Hall(Ledger(mount), secure, mount.top), {
            "inline": (google(inline(ONE)), pictures(SUM)),
            "a link": (google({"url": link}), pictures(SUM)),
            "a redirect": (google({"url": secure.hang("/path", hop("/one.png"))}), pictures(SUM)),
            "a redirect without scheme": (google({"url": secure.hang("/host", hop(link[6:]))}),
                                          pictures(SUM)),
            "a link to http": (google({"url": elsewhere}), plain),
            "a redirect to http": (google({"url": secure.hang("/down", hop(elsewhere))}), plain),
            "a redirect to a file": (
                google({"url": secure.hang("/file", hop("file:///etc/passwd"))}), scheme),
        })
        mount.unmount()
    assert len(teller.noted) == before


def test_an_api_that_cannot_be_trusted(tmp_path, secure):
    """Not a byte of the request goes there, and it is not tried again: it would be the same."""
    before = len(secure.noted)
    with mounts(tmp_path) as make:
        mount = make(secure.url)
        check_told(Hall(Ledger(mount), secure, mount.top), {"self-signed": (google(), told(
            "The certificate of HOST cannot be trusted (SSL certificate problem: self-signed "
            "certificate).", FREE, "Check the address, and the clock of this machine. Where the "
            "certificate is by an authority of your own, name its file in ca_file.", requests=0))})
        record, = mount.records()
        assert record["attempts"] == 1
        mount.unmount()
    assert len(secure.noted) == before


def test_a_picture_that_cannot_be_trusted(tmp_path, teller, secure):
    """The link leads where it may, but to somebody who cannot prove who he is."""
    before = len(secure.noted)
    label = secure.url.removeprefix("https://")
    with mounts(tmp_path) as make:
        mount = make(teller.url, f"-oresult_hosts={label}")
        check_told(Hall(Ledger(mount), teller, mount.top), {"self-signed": (
            google({"url": f"{secure.url}/one.png"}), unfetched(
                f"The certificate of {label} cannot be trusted (SSL certificate problem: "
                "self-signed certificate).", "Check the address, and the clock of this machine. "
                "Where the certificate is by an authority of your own, name its file in "
                "ca_file."))})
        mount.unmount()
    assert len(secure.noted) == before


def test_no_tls_where_it_should_be(tmp_path, teller):
    """Nothing was served: it is tried again, and can be taken back."""
    before = len(teller.noted)
    with mounts(tmp_path) as make:
        mount = make(teller.url.replace("http:", "https:"))
        (mount.top / "prompt").write_text("A cat")
        until(lambda: re.search(r"try [2-5] in ", mount.status(mount.top)), "a second try")
        (mount.top / "prompt").unlink()
        mount.wait()
        record, = mount.records()
        assert record["state"] == "cancelled"
        assert record["failure"]["text"].startswith("No secure connection to 127.0.0.1:")
        mount.unmount()
    assert len(teller.noted) == before
