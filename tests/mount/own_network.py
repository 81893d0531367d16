# SPDX-License-Identifier: MIT
"""A network of a test's own, in which every address there is belongs to this machine.

What the daemon dials, wherever that would lead, arrives at `World`, which writes down the address;
names are what the test says they are (`Resolver`). Children that are started meanwhile live in it.
"""

import http.server
import os
import socket
import struct
import threading

from harness import call, libc, png, run, until

CLONE_NEWNET = 0x40000000
PORTS = (21, 70, 80, 81, 443, 3128)
BARRIER = "203.0.113.99"  # dialled by the test itself
PICTURE = png(1)

FILES = {
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:30\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n10.9.9.9 in-hosts.example\n",
}


class Network:
    """Enter a fresh network namespace; a context manager."""

    def __init__(self, directory):
        self.directory = directory
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.bound = []

    def __enter__(self):
        call(libc.unshare(CLONE_NEWNET), "unshare: the network namespace")
        run("ip link set lo up && ip route add local default dev lo && "
            "ip -6 route add local default dev lo")
        for path, text in FILES.items():
            private = self.directory / os.path.basename(path)
            private.write_text(text, encoding="utf-8")
            path = os.path.realpath(path)
            run(["mount", "--bind", private, path])
            self.bound.append(path)
        return self

    def __exit__(self, *_):
        for path in self.bound:
            run(["umount", "-l", path])
        call(libc.setns(self.home, CLONE_NEWNET), "setns")
        os.close(self.home)


class Resolver:
    """A name server at 127.0.0.1: `zone` maps a name to its addresses, and may change."""

    def __init__(self):
        self.zone = {}
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            if not query:
                return
            self.socket.sendto(self.answer(query), client)

    def answer(self, query):
        end, labels = 12, []
        while query[end]:
            labels.append(query[end + 1:end + 1 + query[end]].decode())
            end += 1 + query[end]
        kind, = struct.unpack(">H", query[end + 1:end + 3])
        name = ".".join(labels).lower()
        self.asked.append(name)
        records = [struct.pack(">HHHIH", 0xc00c, kind, 1, 0, len(packed)) + packed
                   for packed in map(pack, self.zone.get(name, ()))
                   if kind == (1 if len(packed) == 4 else 28)]
        code = 0x8580 if name in self.zone else 0x8583  # NXDOMAIN
        head = query[:2] + struct.pack(">HHHHH", code, 1, len(records), 0, 0)
        return head + query[12:end + 5] + b"".join(records)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", 53))
        self.thread.join()
        self.socket.close()


def pack(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


class Visit(http.server.BaseHTTPRequestHandler):
    """Whatever is asked for is a picture, unless the test has a say in it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with self.server.world.lock:
            self.server.world.paths.append(self.path)
        answer = self.server.world.answers.get(self.path)
        status, headers, body = answer(self) if answer else (200, {}, PICTURE)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Gate(http.server.ThreadingHTTPServer):
    """One port, on every address of both families."""

    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world, port):
        self.world = world
        super().__init__(("::", port), Visit, bind_and_activate=False)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.allow_reuse_address = True
        self.server_bind()
        self.server_activate()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def server_bind(self):
        self.socket.bind(self.server_address)  # without looking up the name of this machine
        self.server_name, self.server_port = "world", self.server_address[1]

    def get_request(self):
        connection, client = super().get_request()
        with self.world.lock:
            self.world.dialled.append((plain(connection.getsockname()[0]), self.server_port))
        return connection, client

    def handle_error(self, request, client_address):
        pass  # somebody hung up


def plain(address):
    return address.removeprefix("::ffff:") if "." in address else address


class World:
    """All the other machines there are."""

    def __init__(self):
        self.lock = threading.Lock()
        self.dialled = []   # (address, port) of each connection, in the order of each port
        self.paths = []     # of each request
        self.answers = {}   # path: function(handler) -> (status, headers, body)
        self.gates = [Gate(self, port) for port in PORTS]

    def visits(self):
        """The connections since the last call. One of our own behind them has to be there, too."""
        for port in PORTS:
            with socket.create_connection((BARRIER, port)):
                until(lambda port=port: (BARRIER, port) in self.dialled, "our own connection")
        with self.lock:
            visits, self.dialled, self.paths = self.dialled, [], []
        return sorted(visit for visit in visits if visit[0] != BARRIER)

    def close(self):
        for gate in self.gates:
            gate.shutdown()
            gate.server_close()
