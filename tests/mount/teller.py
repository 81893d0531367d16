# SPDX-License-Identifier: MIT
"""An API that answers each prompt with the bytes that the test has for it, over http or https."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse

JSON = {"Content-Type": "application/json"}


class Talk(http.server.BaseHTTPRequestHandler):
    """Requests are noted before they are answered."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["contents"][0]["parts"][0]["text"].strip()
        self.server.teller.note(self, prompt=prompt)
        answers = self.server.teller.answers[prompt]
        if len(answers) > 1:
            answers.pop(0)
        self.reply(*answers[0])

    def do_GET(self):
        self.server.teller.note(self)
        path = urllib.parse.urlsplit(self.path).path
        pages = self.server.teller.pages.get(path, [(404, {}, b"")])
        self.reply(*(pages.pop(0) if len(pages) > 1 else pages[0]))

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = headers.get("Content-Length", str(len(body))) != str(len(body))

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        self.socket.bind(self.server_address)  # without looking up the name of this machine
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "teller", self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # somebody hung up


class Teller:
    """`answers`: prompt -> successive (status, headers, body), of which the last stays; `pages`:
    the same for the paths of pictures."""

    def __init__(self, certificate=None):
        self.lock = threading.Lock()
        self.noted = []
        self.answers, self.pages = {}, {}
        self.server = Server(("127.0.0.1", 0), Talk)
        self.server.teller = self
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def note(self, handler, **more):
        with self.lock:
            self.noted.append({"method": handler.command, "path": handler.path,
                               "idempotency_key": handler.headers["Idempotency-Key"],
                               "headers": {name.lower() for name in handler.headers}, **more})

    def requests(self):
        """As Standin.requests()."""
        with self.lock:
            return [note for note in self.noted if note["method"] == "POST"]

    def fetches(self):
        """The paths of the pictures that were asked for."""
        with self.lock:
            return [note["path"] for note in self.noted if note["method"] == "GET"]

    def tell(self, name, body, status=200, headers=JSON):
        """What the prompt `name` is answered with, and after that, each time it is called."""
        self.answers.setdefault(name, []).append((status, headers, body))

    def hang(self, path, *pages):
        """What is at `path`: (status, headers, body) or only the body."""
        self.pages[path] = [page if isinstance(page, tuple) else (200, {}, page) for page in pages]
        return self.url + path

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def b64(data):
    return base64.b64encode(data).decode()


def google(*parts, **more):
    """An answer in Google's form, as an object."""
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0, **more}]}


def inline(data, mime="image/png", **more):
    """A part with a picture."""
    return {"inlineData": {"mimeType": mime, "data": data if isinstance(data, str) else b64(data)},
            **more}
