# SPDX-License-Identifier: MIT
"""However a connection breaks, no body that may have been read whole is sent again unasked.

The judge is the stand-in's log: a line for each request that it read in full.
"""

import socket
import threading

import pytest

from harness import HELD, png, until
from job_play import NOT_ASKED_AGAIN, NOT_SENT_AGAIN, PERHAPS, SMALL, check_over, directed, play

LOST = "The connection to HOST was lost before an answer came (Recv failure: Connection reset by peer)."

# name: (directives, what is told, advice)
BREAKS = {
    "closed before the answer": ("fault=close_before_answer",
                                 "HOST closed the connection without an answer.", NOT_SENT_AGAIN),
    "reset before the answer": ("fault=reset_before_answer", LOST, NOT_SENT_AGAIN),
    "500": ("status=500", "The API failed while it worked on the request: An internal error has "
            "occurred. Please retry.", NOT_ASKED_AGAIN),
    "504": ("status=504", "The API gave up before it was done: Deadline expired before operation "
            "could complete.", NOT_ASKED_AGAIN),
    "time-out": ("fault=stall:600000", "No answer from HOST after 6.0 s.", NOT_SENT_AGAIN),
}


@pytest.mark.parametrize("connection", ["fresh", "reused"])
@pytest.mark.parametrize("name", BREAKS)
def test_after_the_whole_body(make_mount, standin, name, connection):
    directives, what, advice = BREAKS[name]
    mount = make_mount(standin.url, *(["-otimeout=6"] if name == "time-out" else []))
    if connection == "reused":
        first = play(mount, standin, mount.top, directed("First", SMALL))
        assert first.results == ["0001.jpg"]
    directory = mount.top / "w"
    directory.mkdir()
    outcome = play(mount, standin, directory, directed("A cat", directives))
    request, = outcome.requests
    assert request["request"] == (2 if connection == "reused" else 1)  # on its connection
    if (name, connection) == ("reset before the answer", "reused"):  # libcurl begins anew, in vain
        what = "HOST closed the connection without an answer."
    assert outcome.told(standin.url) == f"{what}\n{PERHAPS}\n{advice}"
    assert (outcome.state, outcome.attempts, outcome.charge) == ("unknown", 1, "possible")
    check_over(mount, outcome)
    mount.terminate()
    assert len(standin.requests()) == (2 if connection == "reused" else 1)


def test_reset_in_the_middle_of_the_body(mount, standin, top):
    """The server cannot have the whole of it: sent again by itself, and read whole once."""
    for number in range(2):
        (top / f"{number}.png").write_bytes(png(number) + b"\0" * 3_000_000)
    outcome = play(mount, standin, top,
                   directed("A cat", f"fault=reset_mid_body_upload:100000 | {SMALL}"))
    assert outcome.results == ["0001.jpg"]
    assert [len(request["references"]) for request in outcome.requests] == [2]
    assert (outcome.state, outcome.attempts) == ("done", 2)
    check_over(mount, outcome)


def test_an_answer_before_the_whole_body(mount, standin, top):
    """A refusal that comes early is a refusal; an early 500 is not one of work that was done."""
    (top / "0.png").write_bytes(png() + b"\0" * 6_000_000)
    outcome = play(mount, standin, top, directed("A cat", "fault=early_answer:50000, status=413"))
    assert outcome.told().startswith("The request is too large for the API:")
    assert (outcome.requests, outcome.state, outcome.charge) == ([], "failed", "none")
    outcome = play(mount, standin, top,
                   directed("A cat", f"fault=early_answer:50000, status=500 | {SMALL}"))
    assert outcome.results == ["0001.jpg"]
    assert (len(outcome.requests), outcome.state, outcome.attempts) == (1, "done", 2)


class Peer:
    """A server that reads a request whole and then treats the connection as it is told."""

    def __init__(self, *treatments):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.treatments = list(treatments)
        self.bodies = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def read_request(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        length = int([line.split(b":")[1] for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:")][0])
        while len(body) < length:
            piece = connection.recv(65536)
            if not piece:
                return None
            body += piece
        return body

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                while True:
                    body = self.read_request(connection)
                    if body is None:
                        break
                    self.bodies.append(body)
                    if not self.treatments.pop(0)(connection):
                        break

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def refuse(connection):
    """An answer that leaves the connection open."""
    connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
    return True


def close(_connection):
    return False


def half_a_line(connection):
    connection.sendall(b"HTTP/1.1 20")
    return False


@pytest.mark.parametrize("treatment", [close, half_a_line])
def test_a_reused_connection_that_is_closed(make_mount, treatment):
    """What libcurl does by itself with a body that it could rewind: it must not be able to."""
    peer = Peer(refuse, treatment, refuse)
    mount = make_mount(peer.url)
    (mount.top / "prompt").write_text("First")
    assert mount.wait() == ([], True)
    (mount.top / "second.prompt").write_text("Second")
    assert mount.wait() == ([], True)
    assert [b"Second" in body for body in peer.bodies] == [False, True]
    record = mount.records()[1]
    assert (record["state"], record["attempts"]) == ("unknown", 1)
    mount.unmount()
    assert len(peer.bodies) == 2
    peer.close()


def test_the_same_prompt_saved_again_is_a_new_request(mount, standin, top):
    """After `unknown` it is the user who asks again."""
    first = play(mount, standin, top, directed("A cat", f"status=500 | {SMALL}"))
    assert first.state == "unknown"
    second = play(mount, standin, top, directed("A cat", f"status=500 | {SMALL}"))
    assert (second.state, len(second.requests)) == ("done", 1)
    assert second.record["id"] != first.record["id"]
    assert len({request["idempotency_key"] for request in standin.requests()}) == 2


def test_removed_while_it_is_sent(mount, standin, top):
    """It is paid for: it goes on, and its picture comes."""
    (top / "a.prompt").write_text(directed("A cat", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    (top / "a.prompt").unlink()
    standin.let_go()
    assert mount.wait() == ([], False)  # the prompt that would name it is gone
    until((top / "a.jpg").exists, "the picture")
    record, = mount.records()
    assert record["state"] == "done"
    assert len(standin.requests()) == 1


def test_removed_while_it_is_refused(mount, standin, top):
    """It would have been tried again: it is not, since nobody asks for it any more."""
    (top / "a.prompt").write_text(directed("A cat", f"status=503, {HELD} | {SMALL}"))
    standin.await_requests(1)
    (top / "a.prompt").unlink()
    standin.let_go()
    assert mount.wait() == ([], False)
    record, = mount.records()
    assert (record["state"], record["attempts"]) == ("cancelled", 1)
    assert len(standin.requests()) == 1


def test_removed_while_it_waits(make_mount, standin):
    """Nothing is sent, and nothing of it is left to be sent by the next start."""
    mount = make_mount(standin.url, "-omax_in_flight=1")
    (mount.top / "a.prompt").write_text(directed("A", f"{SMALL}, {HELD}"))
    standin.await_requests(1)
    (mount.top / "b.prompt").write_text("B")
    until(lambda: "b.prompt  waits for its turn" in mount.status(mount.top), "the queue")
    (mount.top / "b.prompt").unlink()
    standin.let_go()
    assert mount.wait(".a.prompt.wait") == (["a.jpg"], False)
    states = {record["prompt_name"]: record["state"] for record in mount.records()}
    assert states == {"a.prompt": "done", "b.prompt": "cancelled"}
    mount.unmount()
    assert mount.unfinished() == []
    mount.start()
    mount.settled()
    assert len(standin.requests()) == 1
    mount.unmount()
