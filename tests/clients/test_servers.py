# SPDX-License-Identifier: MIT
"""One request for each save that comes over the network: sftp, scp, rsync over ssh, and smbd.

The servers listen on the loopback with keys and settings of their own; nothing of the machine's is
read or changed but the folder /run/sshd, which the package makes at boot.
"""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from clients import PATH, need
from harness import LIMIT, run, shell, until


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listening(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def serve(command, port, log):
    """Start a server, and wait until it listens; the process."""
    with open(log, "wb") as file:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                  env={"PATH": PATH},
                                  start_new_session=True)  # smbd ends its whole process group

    def ready():
        assert server.poll() is None, Path(log).read_text(encoding="utf-8", errors="replace")
        return listening(port)
    until(ready, "a server that listens")
    return server


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    """An sshd; the options that ssh, scp and sftp need for it."""
    need("sshd", "sftp", "ssh-keygen")
    place = tmp_path_factory.mktemp("sshd")
    place.chmod(0o700)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "user"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name])
    port = free_port()
    (place / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {place}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {place}/user.pub\nPasswordAuthentication no\nStrictModes no\n"
        "PermitRootLogin yes\nSubsystem sftp /usr/lib/openssh/sftp-server\n", encoding="utf-8")
    server = serve(["/usr/sbin/sshd", "-D", "-e", "-f", place / "config"], port, place / "log")
    yield (f"-F none -o Port={port} -o IdentityFile={place}/user -o UserKnownHostsFile=/dev/null"
           " -o StrictHostKeyChecking=no -o LogLevel=ERROR -o BatchMode=yes")
    server.terminate()
    server.wait(LIMIT)


# `$in` is the workspace as the server sees it.
SSH = {
    "sftp put": ("echo put $out/a $in/prompt | sftp $o -b - root@127.0.0.1", ["one"]),
    "sftp put over": ("echo old > prompt; cat .wait;"
                      " echo put $out/a $in/prompt | sftp $o -b - root@127.0.0.1", ["old", "one"]),
    "sftp put -pf": ("echo put -pf $out/a $in/prompt | sftp $o -b - root@127.0.0.1", ["one"]),
    "sftp rename": ("printf 'put %s/a %s/d\\nrename %s/d %s/prompt\\n' $out $in $in $in |"
                    " sftp $o -b - root@127.0.0.1", ["one"]),
    "sftp get": ("echo one > prompt; printf 'ls -l %s\\nget %s/prompt %s/c\\ndf %s\\n' $in $in $out"
                 " $in | sftp $o -b - root@127.0.0.1", ["one"]),
    "scp": ("scp $o $out/a root@127.0.0.1:$in/prompt", ["one"]),
    "scp over": ("echo old long > prompt; cat .wait; scp $o $out/a root@127.0.0.1:$in/prompt",
                 ["old long", "one"]),
    "scp -p": ("scp -p $o $out/a root@127.0.0.1:$in/prompt", ["one"]),
    "scp -O": ("scp -O $o $out/a root@127.0.0.1:$in/prompt", ["one"]),
    "scp -O over": ("echo old long > prompt; cat .wait; scp -O $o $out/a root@127.0.0.1:$in/prompt",
                    ["old long", "one"]),
    "scp -r": ("mkdir $out/low; cp $out/a $out/low/prompt; scp -r $o $out/low root@127.0.0.1:$in",
               ["one"]),
    "scp out": ("echo one > prompt; scp -r $o root@127.0.0.1:$in $out/copy", ["one"]),
    "ssh cat >": ("ssh $o root@127.0.0.1 \"cat > $in/prompt\" < $out/a", ["one"]),
    "rsync -a": ("rsync -a -e \"ssh $o\" $out/a root@127.0.0.1:$in/prompt", ["one"]),
    "rsync --inplace": ("echo old > prompt; cat .wait; rsync -I --inplace -e \"ssh $o\" $out/a"
                        " root@127.0.0.1:$in/prompt", ["old", "one"]),
}


@pytest.mark.parametrize("what", sorted(SSH))
def test_ssh(room, sshd, what):
    (room.out / "a").write_text("one\n", encoding="utf-8")
    line, expected = SSH[what]
    shell(line, room.path, env={**room.env, "o": sshd, "in": str(room.path)})
    room.sent(expected)


@pytest.fixture(scope="module")
def smbd(shared, tmp_path_factory):
    """An smbd that shares the mount; the options that smbclient needs for it."""
    need("smbd", "smbclient")
    place = tmp_path_factory.mktemp("smbd")
    for name in ("private", "lock", "state", "cache", "pid", "rpc"):
        (place / name).mkdir(mode=0o755)
    port = free_port()
    (place / "smb.conf").write_text(
        "[global]\nserver role = standalone server\ninterfaces = 127.0.0.1\n"
        f"bind interfaces only = yes\nsmb ports = {port}\nmap to guest = Bad User\n"
        f"guest account = root\nload printers = no\ndisable spoolss = yes\nlog file = {place}/smb.log\n"
        f"private dir = {place}/private\nlock directory = {place}/lock\n"
        f"state directory = {place}/state\ncache directory = {place}/cache\n"
        f"pid directory = {place}/pid\nncalrpc dir = {place}/rpc\n"
        f"[easel]\npath = {shared.path}\nguest ok = yes\nread only = no\nforce user = root\n"
        "store dos attributes = yes\n", encoding="utf-8")
    server = serve(["smbd", "--foreground", "--no-process-group", "--debug-stdout",
                    "-s", place / "smb.conf"], port, place / "log")
    yield f"-s {place}/smb.conf -p {port} -N -U% //127.0.0.1/easel"
    os.killpg(server.pid, signal.SIGTERM)  # its helpers do not end with it
    server.wait(LIMIT)


SMB = {
    "put": ("smbclient $o -D $in -c \"put $out/a prompt\"", ["one"]),
    "put over": ("echo old > prompt; cat .wait; smbclient $o -D $in -c \"put $out/a prompt\"",
                 ["old", "one"]),
    "rename": ("smbclient $o -D $in -c \"put $out/a draft; rename draft prompt\"", ["one"]),
    "get": ("touch prompt; smbclient $o -D $in -c \"ls; allinfo prompt; get prompt $out/b\"", []),
    "setmode": ("touch prompt; smbclient $o -D $in -c \"setmode prompt +h; setmode prompt -h\"", []),
}


@pytest.mark.parametrize("what", sorted(SMB))
def test_samba(room, shared, smbd, what):
    (room.out / "a").write_text("one\n", encoding="utf-8")
    line, expected = SMB[what]
    folder = str(room.path.relative_to(shared.path))
    shell(line, room.path, env={**room.env, "o": smbd, "in": folder})
    room.sent(expected)
