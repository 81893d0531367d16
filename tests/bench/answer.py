#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long from the close of a prompt to the readable picture, beside what else could be done.

In one run, against the same stand-in and the same answer: `curl -o` (the floor: the bytes on disk),
`curl | jq | base64 -d` (what people use), and easelfs with settle 0. Then many generations at once.
Machines are noisy: only the ratios count. Usage: answer.py [--rounds N] [--many N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from harness import KEY, MODEL, Mount, Standin  # noqa: E402


def call(url, text, directory):
    """A curl command line for the request that easelfs would send."""
    body = directory / "request.json"
    body.write_text(json.dumps({
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "generationConfig": {"responseModalities": ["IMAGE", "TEXT"], "imageConfig": {}},
    }), encoding="utf-8")
    return (f"curl -sSf -H 'Authorization: Bearer {KEY}' -H 'Content-Type: application/json' "
            f"-d @{body} {url}/v1beta/models/{MODEL}:generateContent")


def timed(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def shell(command):
    subprocess.run(["sh", "-c", command], check=True)


def generate(mount, name, text):
    """Close the prompt, wait, and read the first byte of the picture."""
    with open(mount.top / f"{name}.prompt", "w", encoding="utf-8") as prompt:
        prompt.write(text)
    with open(mount.top / f".{name}.prompt.wait", "rb", buffering=0) as wait:
        result = wait.read(4096).decode().splitlines()[0]
    with open(mount.top / result, "rb", buffering=0) as picture:
        assert picture.read(1) == b"\xff"


def compare(size, rounds, directory):
    standin = Standin(directory)
    mount = Mount(directory, standin.url, "-oimages_per_day=0", settle=0)
    text = f"[[standin: picture_bytes={size}]] a picture"
    answer = directory / "answer.json"
    picture = directory / "picture.jpg"
    curl = call(standin.url, text, directory)
    pick = "'[.candidates[0].content.parts[] | select(.inlineData and (.thought | not))][0].inlineData.data'"
    ways = {
        "curl -o": lambda _: shell(f"{curl} -o {answer}"),
        "curl | jq | base64 -d": lambda _: shell(f"{curl} | jq -r {pick} | base64 -d > {picture}"),
        "easelfs": lambda i: generate(mount, f"p{i}", text),
    }
    times = {name: [] for name in ways}
    for i in range(-1, rounds):
        for name, way in ways.items():
            os.sync()  # else an fsync of ours would pay for what the others left to be written
            spent = timed(lambda: way(i))
            if i >= 0:  # the first round warms up
                times[name].append(spent)
    floor = times["curl -o"]
    print(f"\n{size / 1e6:g} MB picture, {rounds} rounds, medians")
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values, floor))
        print(f"  {name:22} {statistics.median(values) * 1000:8.1f} ms   {ratio:5.2f} x curl -o")
    print(f"  easelfs, peak memory   {mount.peak_memory_bytes() / 2**20:8.1f} MiB")
    mount.unmount()
    standin.stop()


def many(count, directory):
    standin = Standin(directory)
    mount = Mount(directory, standin.url, "-oimages_per_day=0", f"-omax_in_flight={count}", settle=0)
    begin = time.perf_counter()
    for i in range(count):
        (mount.top / f"p{i}.prompt").write_text(f"{i} [[standin: delay=1000, picture_bytes=100000]]",
                                                encoding="utf-8")
    written = time.perf_counter() - begin
    lines, failed = mount.wait(limit=600)
    spent = time.perf_counter() - begin
    assert not failed and len(lines) == count and len(standin.requests()) == count
    print(f"\n{count} generations at once, each answered after 1 s")
    print(f"  all written {written:.2f} s, all done {spent:.2f} s"
          f"  = {spent / (written + 1):.2f} x (writing + 1 s)")
    print(f"  peak memory {mount.peak_memory_bytes() / 2**20:.1f} MiB")
    mount.unmount()
    standin.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--many", type=int, default=1000)
    options = options.parse_args()
    for size in (1_000_000, 20_000_000):
        with tempfile.TemporaryDirectory() as directory:
            compare(size, options.rounds, Path(directory))
    with tempfile.TemporaryDirectory() as directory:
        many(options.many, Path(directory))


if __name__ == "__main__":
    os.umask(0o022)
    main()
