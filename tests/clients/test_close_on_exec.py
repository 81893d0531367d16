# SPDX-License-Identifier: MIT
"""One request for each save by a program that executes others while it has the prompt open.

It opened the prompt close-on-exec, as Perl, Python, Node.js and fish do. So in its child the kernel
closes the descriptor in the middle of execve, and waits there for the answer to the flush, with a
lock held that what /proc says of the child needs: who asks there before he answers never does.
"""

import pytest

from clients import need_for
from harness import shell

LINES = {
    "perl": ("perl -e 'open F, \">prompt\"; syswrite F, \"one\"; system \"/bin/true\"; close F'",
             ["one"]),
    "perl, in between": ("perl -e 'open F, \">prompt\"; syswrite F, \"a\"; system \"/bin/true\";"
                         " syswrite F, \"b\"; `/bin/true`; close F'", ["ab"]),
    "python": ("python3 -c 'import os\nf = open(\"prompt\", \"w\")\nf.write(\"one\")\nf.flush()\n"
               "if os.fork() == 0:\n os.execv(\"/bin/true\", [\"true\"])\nos.wait()'", ["one"]),
    "python, by itself": ("python3 -c 'import os\nf = open(\"prompt\", \"w\")\nf.write(\"one\")\n"
                          "f.flush()\nos.execv(\"/bin/true\", [\"true\"])'", ["one"]),
    "python, close_fds": ("python3 -c 'import subprocess\nf = open(\"prompt\", \"w\")\n"
                          "f.write(\"one\")\nf.flush()\n"
                          "subprocess.run([\"true\"], close_fds=False)'", ["one"]),
    "node": ("node -e 'const fs = require(\"fs\"), f = fs.openSync(\"prompt\", \"w\");"
             " fs.writeSync(f, \"one\"); require(\"child_process\").execSync(\"true\");"
             " fs.closeSync(f)'", ["one"]),
    "fish, block": ("fish -c 'begin; echo a; /bin/echo b; echo c; end > prompt'", ["a\nb\nc"]),
    "fish, loop": ("fish -c 'for i in 1 2 3; /bin/echo $i; end >> prompt'", ["1\n2\n3"]),
    "fish, function": ("fish -c 'function f; echo a; /bin/echo b; end; f > prompt'", ["a\nb"]),
}


@pytest.mark.parametrize("what", sorted(LINES))
def test_a_program_that_executes_others(room, what):
    line, expected = LINES[what]
    need_for(line)
    shell(line, room.path, env=room.env)
    room.sent(expected)
