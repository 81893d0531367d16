# SPDX-License-Identifier: MIT
"""The stand-in as a test's child, an HTTP client that hides nothing, and readers of pictures.

Only the standard library. Other test folders use it too: `Standin(binary, tmp_path, ...)`.
"""
import base64
import functools
import json
import os
import select
import socket
import struct
import subprocess
import time
import zlib

PRO = "gemini-3-pro-image-preview"
FLASH = "gemini-2.5-flash-image-preview"
FLASH_31 = "gemini-3.1-flash-image-preview"
TIMEOUT = 60  # seconds after which an awaited event is a failure


class Standin:
    """A running easelfs-standin; a context manager that ends it and checks how it ended."""

    def __init__(self, binary, folder, *arguments, script=None):
        self.log_path = os.path.join(folder, "standin.log")
        command = [binary, "--log", self.log_path, *arguments]
        if script is not None:
            path = os.path.join(folder, "standin.script")
            with open(path, "w", encoding="utf-8") as file:
                file.write(script)
            command += ["--script", path]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stdout], [], [], TIMEOUT)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line.startswith("http://127.0.0.1:"):
            self.process.kill()
            raise RuntimeError(f"no URL: {line!r} {self.process.stderr.read()!r}")
        self.url = line.strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        _, problems = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0
        assert problems == b""

    def log(self, kind=None):
        """The lines of the log so far: the last one may be half written."""
        with open(self.log_path, "rb") as file:
            lines = [json.loads(line) for line in file.read().split(b"\n")[:-1]]
        return [line for line in lines if kind in (None, line["kind"])]

    def wait_for_log(self, count):
        """Wait until the log has `count` lines: for requests that get no answer."""
        deadline = time.monotonic() + TIMEOUT
        while len(self.log()) < count:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.005)
        return self.log()

    def connect(self):
        return Connection(self.port)

    def get(self, path, **headers):
        with self.connect() as connection:
            return connection.request("GET", path, headers=headers)

    def generate(self, prompt=None, model=PRO, body=None, **more):
        """One call on a connection of its own."""
        with self.connect() as connection:
            return connection.generate(prompt, model, body, **more)


class Response:
    def __init__(self, status, reason, headers, body, interim):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body
        self.interim = interim  # status codes of 1xx answers before it

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def parts(self):
        return self.json()["candidates"][0]["content"]["parts"]

    def pictures(self):
        """The real pictures in the usual form: (label, bytes)."""
        return [(part["inlineData"]["mimeType"], base64.b64decode(part["inlineData"]["data"]))
                for part in self.parts() if "inlineData" in part and not part.get("thought")]


class Connection:
    """One connection. Closed or reset by the server: an exception, never an empty answer."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def await_bytes(self, count):
        """Until so many wait to be received, and none of them is."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
        self.socket.recv(1, socket.MSG_PEEK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def receive_all(self):
        """Everything up to the server's end."""
        data, self.buffer = self.buffer, b""
        while True:
            piece = self.socket.recv(1 << 20)
            if not piece:
                return data
            data += piece

    def _fill(self):
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise EOFError("closed")
        self.buffer += piece

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _take(self, count):
        pieces, have = [self.buffer], len(self.buffer)
        while have < count:
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise EOFError(f"closed after {have} of {count} bytes")
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self.buffer = data[count:]
        return data[:count]

    def _chunks(self):
        body = []
        while True:
            size = int(self._line(), 16)
            body.append(self._take(size))
            assert self._line() == ""
            if not size:
                return b"".join(body)

    def _head(self):
        version, status, reason = (self._line() + " ").split(" ", 2)
        assert version == "HTTP/1.1"
        headers = []
        while True:
            line = self._line()
            if not line:
                return int(status), reason.strip(), headers
            name, value = line.split(":", 1)
            headers.append((name, value.strip()))

    def response(self, head=False):
        interim = []
        while True:
            status, reason, headers = self._head()
            if status >= 200:
                break
            interim.append(status)
        low = {name.lower(): value for name, value in headers}
        if head or status in (204, 304):
            body = b""
        elif low.get("transfer-encoding") == "chunked":
            body = self._chunks()
        elif "content-length" in low:
            body = self._take(int(low["content-length"]))
        else:
            body = self.receive_all()
        return Response(status, reason, headers, body, interim)

    def send_request(self, method, target, headers=None, body=None):
        lines = {"Host": f"127.0.0.1:{self.socket.getpeername()[1]}"}
        if body is not None:
            lines["Content-Length"] = str(len(body))
        lines.update(headers or {})
        head = f"{method} {target} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines.items()
                        if value is not None)
        self.send(head.encode("latin-1") + b"\r\n" + (body or b""))

    def request(self, method, target, headers=None, body=None):
        self.send_request(method, target, headers, body)
        return self.response(head=method == "HEAD")

    def send_generate(self, prompt=None, model=PRO, body=None, headers=None, **more):
        if body is None:
            body = call(prompt, **more)
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        usual = {"Content-Type": "application/json", "Authorization": "Bearer any"}
        usual.update(headers or {})
        self.send_request("POST", f"/v1beta/models/{model}:generateContent", usual, body)

    def generate(self, prompt=None, model=PRO, body=None, headers=None, **more):
        self.send_generate(prompt, model, body, headers, **more)
        return self.response()


def call(prompt, references=(), ratio=None, size=None, **config):
    """The body of a call as easelfs makes it."""
    parts = [] if prompt is None else [{"text": prompt}]
    for mime, data in references:
        parts.append({"inlineData": {"mimeType": mime, "data": base64.b64encode(data).decode()}})
    image = {"aspectRatio": ratio, "imageSize": size}
    config.setdefault("responseModalities", ["IMAGE", "TEXT"])
    config["imageConfig"] = {name: value for name, value in image.items() if value}
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def make_png(width, height, colour):
    """A PNG of one colour."""
    row = b"\0" + bytes(colour) * width
    return (b"\x89PNG\r\n\x1a\n" +
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            _chunk(b"IDAT", zlib.compress(row * height)) + _chunk(b"IEND", b""))


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class Png:
    """A decoded PNG: every CRC and the whole zlib stream are checked."""

    def __init__(self, data):
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        at, packed, self.kinds = 8, b"", []
        while at < len(data):
            length, = struct.unpack(">I", data[at:at + 4])
            kind, content = data[at + 4:at + 8], data[at + 8:at + 8 + length]
            assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == \
                zlib.crc32(kind + content)
            self.kinds.append(kind)
            if kind == b"IHDR":
                self.width, self.height, self.depth, self.colour = struct.unpack(">IIBB",
                                                                                 content[:10])
            packed += content if kind == b"IDAT" else b""
            at += 12 + length
        assert self.kinds[0] == b"IHDR" and self.kinds[-1] == b"IEND"
        raw = zlib.decompress(packed)
        samples = self.width * (3 if self.colour == 2 else 1)
        self.stride = 1 + (samples * self.depth + 7) // 8
        assert len(raw) == self.stride * self.height
        self.raw = raw

    @functools.cached_property
    def rows(self):
        """The pixels, unfiltered: slow, so only where a test looks at them."""
        return self._unfilter(self.raw)

    def _unfilter(self, raw):
        rows, above = [], bytes(self.stride - 1)
        for at in range(0, len(raw), self.stride):
            kind, line = raw[at], bytearray(raw[at + 1:at + self.stride])
            for i in range(len(line)):
                left = line[i - 3] if i >= 3 else 0
                up, corner = above[i], above[i - 3] if i >= 3 else 0
                if kind == 1:
                    line[i] = (line[i] + left) & 255
                elif kind == 2:
                    line[i] = (line[i] + up) & 255
                elif kind == 3:
                    line[i] = (line[i] + (left + up) // 2) & 255
                elif kind == 4:
                    guess = left + up - corner
                    near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
                               (abs(guess - corner), 2, corner))[2]
                    line[i] = (line[i] + near) & 255
            above = bytes(line)
            rows.append(above)
        return rows

    def pixel(self, x, y):
        return tuple(self.rows[y][3 * x:3 * x + 3])


def jpeg_size(data):
    """Width and height of a JPEG whose segments lead to a scan and an end marker."""
    assert data[:2] == b"\xff\xd8"
    at, size = 2, None
    while data[at + 1] != 0xda:
        assert data[at] == 0xff
        if 0xc0 <= data[at + 1] <= 0xc2:
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            size = width, height
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    assert b"\xff\xd9" in data[at:]
    return size


def picture_size(data):
    if data[:4] == b"\x89PNG":
        png = Png(data)
        return png.width, png.height
    return jpeg_size(data)
