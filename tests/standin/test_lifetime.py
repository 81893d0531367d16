# SPDX-License-Identifier: MIT
"""Start, readiness, end, options, and many requests at once."""
import signal
import subprocess
import threading
import time

import pytest

from standin import TIMEOUT


def run(binary, *arguments):
    return subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=TIMEOUT, check=False)


def test_version_and_help(binary):
    version = run(binary, "--version")
    assert version.returncode == 0
    assert version.stdout.startswith(b"easelfs-standin ")
    text = run(binary, "--help")
    assert text.returncode == 0
    for word in (b"--exit-with-stdin", b"picture_bytes=N", b"close_before_answer", b"openai_chat",
                 b"  wrap=WORD ", b"  members=WORD[+WORD...] ", b"  url_times=N ",
                 b"  error_in_200[:N] "):
        assert word in text.stdout


@pytest.mark.parametrize("arguments, says", [
    (["--port", "x"], b"easelfs-standin: --port: bad value: x\n"),
    (["--port", "65536"], b"easelfs-standin: --port: bad value: 65536\n"),
    (["--delay", "-1"], b"easelfs-standin: --delay: bad value: -1\n"),
    (["--nonsense"], b"easelfs-standin: unknown option: --nonsense\n"),
    (["--log"], b"easelfs-standin: --log needs an argument\n"),
    (["here"], b"easelfs-standin: unexpected argument: here\n"),
])
def test_bad_options(binary, arguments, says):
    result = run(binary, *arguments)
    assert result.returncode == 2
    assert result.stdout == b""
    assert result.stderr == says + b"Try easelfs-standin --help.\n"


def test_bad_script(binary, tmp_path):
    script = tmp_path / "script"
    script.write_text("ok\n\n# fine\nstatus=503 | colour=red\n")
    result = run(binary, "--script", str(script))
    assert result.returncode == 2
    assert result.stderr == (f"easelfs-standin: {script}: line 4: there is no directive "
                             f"\"colour\"\n").encode()
    script.write_bytes(b"# " + b"x" * (1 << 20) + b"\n")
    assert run(binary, "--script", str(script)).stderr.endswith(b": File too large\n")


def test_port_in_use(binary, standin):
    result = run(binary, "--port", str(standin.port))
    assert result.returncode == 1
    assert result.stderr == b"easelfs-standin: cannot start: Address already in use\n"


def test_unwritable_log(binary):
    result = run(binary, "--log", "/nonexistent/log")
    assert result.returncode == 1
    assert result.stderr == b"easelfs-standin: cannot start: No such file or directory\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(start, number):
    with start() as standin:
        standin.process.send_signal(number)
        assert standin.process.wait(TIMEOUT) == 0


def test_one_line_and_nothing_else(start):
    with start() as standin:
        assert standin.generate("a cat").status == 200
        standin.process.terminate()
        assert standin.process.stdout.read() == b""


def test_ends_with_stdin(start):
    with start("--exit-with-stdin") as standin:
        standin.process.stdin.write(b"ignored\n")
        standin.process.stdin.flush()
        assert standin.generate("a cat").status == 200
        standin.process.stdin.close()
        standin.process.stdin = None
        assert standin.process.wait(TIMEOUT) == 0


def test_stdin_is_ignored_unless_asked(start):
    with start() as standin:
        standin.process.stdin.close()
        standin.process.stdin = None
        assert standin.generate("a cat").status == 200


def test_ends_with_requests_under_way(start):
    """Sleeping, stalled, dripping and unfinished ones: none holds the end up."""
    with start("--delay", "600000") as standin:
        connections = [standin.connect() for _ in range(4)]
        connections[0].send_generate("asleep")
        connections[1].send_generate("[[standin: delay=0, fault=stall:600000]]")
        connections[2].send_generate("[[standin: delay=0, fault=drip:1]]")
        connections[3].send(b"POST /v1beta/models/x:generateContent HTTP/1.1\r\nHost: x\r\n"
                            b"Content-Length: 100\r\n\r\n{")
        standin.wait_for_log(3)
        standin.process.terminate()
        assert standin.process.wait(TIMEOUT) == 0
        for connection in connections:
            connection.socket.close()


def test_only_loopback(standin):
    with open("/proc/net/tcp", encoding="ascii") as file:
        listening = [line.split()[1] for line in file if line.split()[3] == "0A"]
    ours = [address for address in listening if address.endswith(f":{standin.port:04X}")]
    assert ours == [f"0100007F:{standin.port:04X}"]


def test_many_at_once(start):
    """300 delayed requests cost the delay once, and no thread each."""
    delay, count = 1.0, 300
    with start("--delay", "1000") as standin:
        standin.generate("[[standin: delay=0, picture_bytes=1000]]")  # fills the cache
        answers = [None] * count
        connections = [standin.connect() for _ in range(count)]
        began = time.monotonic()
        for i, connection in enumerate(connections):
            connection.send_generate(f"number {i} [[standin: picture_bytes=1000]]")
        standin.wait_for_log(count + 1)
        with open(f"/proc/{standin.process.pid}/status", encoding="ascii") as file:
            threads = [int(line.split()[1]) for line in file if line.startswith("Threads:")]
        for i, connection in enumerate(connections):
            answers[i] = connection.response()
        took = time.monotonic() - began
        for connection in connections:
            connection.socket.close()
        assert all(answer.status == 200 and len(answer.pictures()) == 1 for answer in answers)
        assert delay <= took < delay * count / 5
        assert threads[0] < 25
        assert len(standin.log()) == count + 1


def test_delay_is_kept(start):
    with start("--delay", "300") as standin:
        began = time.monotonic()
        standin.generate("[[standin: size=16x16]]")
        assert time.monotonic() - began >= 0.3


def test_delay_is_for_pictures_and_a_directive_comes_before_it(start):
    with start("--delay", "600000") as standin:
        assert standin.generate("[[standin: size=16x16, delay=0]]").status == 200
        assert standin.get("/v1beta/models").status == 200
        assert standin.generate(body=b"{").status == 400


def test_a_signal_gives_the_answers_that_are_delayed(start):
    """To what was logged by then, and to nothing that comes later."""
    with start("--delay", "600000") as standin:
        first, second, broken = [standin.connect() for _ in range(3)]
        first.send_generate("a cat")
        second.send_generate("a dog")
        broken.send_generate("[[standin: delay=600000, fault=reset_before_answer]]")
        standin.wait_for_log(3)
        standin.process.send_signal(signal.SIGUSR1)
        assert [len(one.response().pictures()) for one in (first, second)] == [1, 1]
        with pytest.raises(ConnectionResetError):
            broken.receive_all()
        first.send_generate("another cat")
        assert standin.generate("[[standin: delay=0]]").status == 200
        standin.wait_for_log(5)
        first.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            first.socket.recv(1)
        first.socket.settimeout(TIMEOUT)
        standin.process.send_signal(signal.SIGUSR1)
        assert len(first.response().pictures()) == 1
        for connection in (first, second, broken):
            connection.socket.close()


def test_big_answers_in_parallel(standin, patience):
    """16 answers of 20 MB are sent from one buffer, not from 16."""
    size, count = 20_000_000, 16
    totals = []

    def fetch():
        answer = standin.generate(f"[[standin: picture_bytes={size}, drafts=0]]")
        totals.append((answer.status, len(answer.body)))

    threads = [threading.Thread(target=fetch) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(totals) == count
    assert {status for status, _ in totals} == {200}
    assert all(length > size * 4 // 3 for _, length in totals)
    with open(f"/proc/{standin.process.pid}/status", encoding="ascii") as file:
        peak = [int(line.split()[1]) for line in file if line.startswith("VmHWM:")][0]
    assert peak < 150_000 * patience  # kB; the picture and its base64 are 47,000
