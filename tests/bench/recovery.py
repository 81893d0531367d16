#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long a start takes with many jobs in the store: from the start to the mount, to the first
request, and until all that was queued is done.

The promise: 100,000 queued and 100,000 finished jobs, mounted within 1 s, the first request within
2 s. Usage: recovery.py [--queued N] [--done N] [--serve N]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount"))
from harness import MODEL, Mount, Standin, serves, until  # noqa: E402


def check(text):
    """base/hash: FNV-1a, 64 bits."""
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{value:016x}"


def write_record(directory, number, state):
    now = int(time.time() * 1000)
    name = f"{now - 3_600_000 + number // 16:011x}{number & 0xffff:04x}{number:07x}0"
    record = {"check": "0" * 16, "version": 1, "id": name, "state": state, "model": MODEL,
              "workspace": MODEL, "prompt_name": f"p{number}.prompt",
              "prompt": f"No. {number} [[standin: size=16x16, drafts=0, words=]]", "settings": {},
              "created_ms": now, "references": [], "results": [], "answer": {}}
    if state == "done":
        record |= {"sent_ms": now, "finished_ms": now, "attempts": 1}
    text = json.dumps(record)
    path = directory / name
    path.mkdir(mode=0o700)
    (path / "record.json").write_text(text.replace("0" * 16, check(text), 1), encoding="utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--queued", type=int, default=100_000)
    options.add_argument("--done", type=int, default=100_000)
    options.add_argument("--serve", type=int, default=1000, help="jobs to wait for")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        standin = Standin(directory)
        mount = Mount(directory, standin.url, "-odrain=5")
        mount.unmount()
        for number in range(options.queued):
            write_record(mount.store / "jobs", number, "queued")
        for number in range(options.done):
            write_record(mount.store / "done", 10_000_000 + number, "done")
        os.sync()
        begin = time.perf_counter()
        mount.start()
        os.listdir(mount.top)
        mounted = time.perf_counter() - begin
        until(standin.requests, "a request", 60)
        first = time.perf_counter() - begin
        until(lambda: len(standin.requests()) >= options.serve, "the requests", 600)
        served = time.perf_counter() - begin
        begin = time.perf_counter()
        mount.status()
        status = time.perf_counter() - begin
        print(f"{options.queued} queued and {options.done} finished jobs in the store")
        print(f"  mounted and listed after   {mounted:6.2f} s")
        print(f"  first request after        {first:6.2f} s")
        print(f"  {options.serve} requests after      {served:6.2f} s")
        print(f"  status.txt of all of them  {status:6.2f} s")
        print(f"  peak memory                {mount.peak_memory_bytes() / 2**20:6.1f} MiB")
        mount.hurry()
        mount.join(60)
        standin.stop()
        assert not serves(mount.path)


if __name__ == "__main__":
    os.umask(0o022)
    main()
