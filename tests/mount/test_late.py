# SPDX-License-Identifier: MIT
"""What comes late on a busy machine, and is none the less waited for: what has no processor for
some seconds is not taken for what never answers."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from harness import LIMIT, SANITIZED, Watch, children, slowed

LATE_S = 3  # without a processor, of what otherwise answers at once


@pytest.fixture
def keeper(mount):
    """The process that looks at callers for the daemon."""
    (pid,) = children(mount.process.pid)
    yield pid
    os.kill(pid, signal.SIGCONT)


def stopped_for_a_while(pid):
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(LATE_S, os.kill, [pid, signal.SIGCONT])
    timer.start()
    return timer


def test_half_a_prompt_of_who_is_killed_is_not_sent(mount, standin, keeper):
    code = ("import os,sys\nfd=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT)\n"
            "os.write(fd,b'half a prompt')\nprint('written',flush=True)\nsys.stdin.read()\n")
    writer = subprocess.Popen([sys.executable, "-c", code, mount.top / "prompt"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "written\n"
    timer = stopped_for_a_while(keeper)
    writer.kill()
    writer.communicate(timeout=LIMIT)
    timer.join()
    mount.settled()
    assert standin.requests() == []


def test_who_makes_a_workspace_sets_values_in_it(mount, keeper):
    os.mkdir(mount.top / "w")
    timer = stopped_for_a_while(keeper)
    (mount.top / "w" / "settings" / "seed").write_text("7")
    timer.join()
    assert (mount.top / "w" / "settings" / "seed").read_text() == "7\n"


@pytest.mark.skipif(SANITIZED, reason="LeakSanitizer traces the daemon, and only one can")
def test_a_result_that_is_renamed_slowly_is_seen_by_watchers(make_mount, standin):
    """Once by the publisher and, asked for it by the kernel, once by the daemon."""
    mount = make_mount(standin.url, under=slowed("renameat2", 2500))
    with Watch(mount.top, mask=Watch.MOVED_TO) as watch:
        (mount.top / "prompt").write_text("[[standin: words=]] slowly")
        assert watch.next()[:2] == ("MOVED_TO", "0001.jpg")
    assert mount.wait() == (["0001.jpg"], False)
    mount.unmount()
