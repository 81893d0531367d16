#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A TLS server that plays the part a test gives it, in HTTP/1.1 or HTTP/2.

Usage: tls_peer.py CERTIFICATE KEY PROTOCOL PLAN

PROTOCOL is h2, http/1.1, or tls1.1 (which no client should accept any more). PLAN names, separated
by commas, what becomes of the first, second... request of the whole run, the last also of all
after it: ok, large (8 MiB), refused, http11 (RST_STREAM with that reason), goaway, drop, half; in
HTTP/1.1 ok, gather (the same, once ten requests are there), moved (a redirect to http), drop.

Writes a line for its port, each connection (once TLS stands) and each request body that it read
whole. Ends at the end of its standard input. HTTP/2 is written by hand, because what is to be
tested is what libraries do not let one send (RFC 9113).
"""
import os
import socket
import ssl
import struct
import sys
import threading

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
REFUSED_STREAM, HTTP_1_1_REQUIRED = 7, 13
LARGE = 8 * 1024 * 1024

lock = threading.Lock()
gathering = threading.Barrier(10)
served = 0


def say(text):
    with lock:
        os.write(1, (text + "\n").encode())


def next_part(plan):
    global served
    with lock:
        part = plan[min(served, len(plan) - 1)]
        served += 1
        return part


def receive(stream, length):
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def frame(kind, flags, identifier, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, identifier) + payload


def answer_h2(stream, identifier, part):
    """Play one part. Raises EOFError where it ends the connection."""
    head = frame(HEADERS, END_HEADERS, identifier, b"\x88")  # HPACK's static entry 8: status 200
    if part == "ok":
        stream.sendall(head + frame(DATA, END_STREAM, identifier, b"hello"))
    elif part == "large":
        stream.sendall(head)
        for _ in range(LARGE // 16384):
            stream.sendall(frame(DATA, 0, identifier, b"x" * 16384))
        stream.sendall(frame(DATA, END_STREAM, identifier))
    elif part in ("refused", "http11"):
        reason = REFUSED_STREAM if part == "refused" else HTTP_1_1_REQUIRED
        stream.sendall(frame(RST_STREAM, 0, identifier, struct.pack(">I", reason)))
    elif part == "goaway":
        stream.sendall(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
        raise EOFError
    elif part == "half":
        stream.sendall(head + frame(DATA, 0, identifier, b"hel"))
        raise EOFError
    else:
        raise EOFError


def serve_h2(stream, plan):
    receive(stream, len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    window = struct.pack(">I", 0x7FFF0000)
    stream.sendall(frame(SETTINGS, 0, 0, struct.pack(">H", 4) + window))
    stream.sendall(frame(WINDOW_UPDATE, 0, 0, window))
    bodies = {}
    while True:
        head = receive(stream, 9)
        length = struct.unpack(">I", b"\0" + head[:3])[0]
        kind, flags, identifier = struct.unpack(">BBI", head[3:])
        payload = receive(stream, length)
        if kind == SETTINGS and not flags & ACK:
            stream.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            stream.sendall(frame(PING, ACK, 0, payload))
        elif kind in (HEADERS, DATA):
            if kind == DATA:
                bodies[identifier] = bodies.get(identifier, 0) + length
            if flags & END_STREAM:
                say(f"body {bodies.pop(identifier, 0)}")
                answer_h2(stream, identifier, next_part(plan))


def serve_h1(stream, plan):
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += receive(stream, 1)
        length = 0
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        receive(stream, length)
        say(f"body {length}")
        part = next_part(plan)
        if part == "gather":
            gathering.wait()
        if part in ("ok", "gather"):
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        elif part == "moved":
            stream.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://localhost:9/x\r\n\r\n")
        else:
            raise EOFError


def serve(raw, context, plan):
    try:
        with context.wrap_socket(raw, server_side=True) as stream:
            say("connection")
            try:
                if stream.selected_alpn_protocol() == "h2":
                    serve_h2(stream, plan)
                else:
                    serve_h1(stream, plan)
            except EOFError:
                # Closed with bytes unread, the kernel would send a reset, which can overtake the
                # last answer.
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(65536):
                    pass
    except OSError:
        raw.close()


def accept(listener, context, plan):
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(raw, context, plan), daemon=True).start()


def main():
    certificate, key, protocol, plan = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if protocol == "tls1.1":
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    else:
        context.set_alpn_protocols([protocol, "http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    say(f"port {listener.getsockname()[1]}")
    threading.Thread(target=accept, args=(listener, context, plan.split(",")), daemon=True).start()
    sys.stdin.read()


main()
