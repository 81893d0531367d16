# SPDX-License-Identifier: MIT
"""What is installed, where, and that it works there; and the Debian package of it."""

import gzip
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from harness import BUILD, LIMIT

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(page.name for page in (REPOSITORY / "man").iterdir())
EXAMPLES = sorted(str(path.relative_to(REPOSITORY / "examples"))
                  for path in (REPOSITORY / "examples").iterdir()
                  if path.is_file() and path.name not in ("setup.sh", "demo.sh"))

# Below the prefix. `->` is a link.
EXPECTED = sorted([
    "bin/easelfs",
    "bin/easelfs-standin",
    "lib/systemd/system/easelfs@.service",
    "lib/systemd/user/easelfs.service",
    "lib/sysusers.d/easelfs.conf",
    "lib/tmpfiles.d/easelfs.conf",
    "sbin/mount.easelfs -> ../bin/easelfs",
    "sbin/mount.fuse.easelfs -> ../bin/easelfs",
    "share/bash-completion/completions/easelfs",
    "share/doc/easelfs/README.md",
    "share/doc/easelfs/changelog.gz",
    "share/doc/easelfs/copyright",
    "share/fish/vendor_completions.d/easelfs.fish",
    "share/man/man8/mount.easelfs.8.gz",
    "share/man/man8/mount.fuse.easelfs.8.gz",
    "share/zsh/vendor-completions/_easelfs",
    *(f"share/man/man{page[-1]}/{page}.gz" for page in PAGES),
    *(f"share/doc/easelfs/examples/{name}" for name in EXAMPLES),
])

EXECUTABLE = {"bin/easelfs", "bin/easelfs-standin",
              *(f"share/doc/easelfs/examples/{name}" for name in EXAMPLES
                if name.endswith(".sh"))}

# systemd.exec(5): each of these gives the unit a mount namespace, in which nobody sees its mount,
# or (PrivateUsers) a user namespace, in which it may not mount.
HIDING = """BindPaths BindReadOnlyPaths DynamicUser ExecPaths ExtensionDirectories ExtensionImages
    InaccessiblePaths LogNamespace MountFlags MountImages NoExecPaths PrivateDevices PrivateIPC
    PrivateMounts PrivateTmp PrivateUsers ProcSubset ProtectControlGroups ProtectHome
    ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem
    ReadOnlyPaths ReadWritePaths RootDirectory RootImage TemporaryFileSystem""".split()

needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                   reason="systemd is not installed")


def listing(prefix):
    found = []
    for root, _, names in os.walk(prefix):
        for name in names:
            path = Path(root, name)
            target = f" -> {os.readlink(path)}" if path.is_symlink() else ""
            found.append(f"{path.relative_to(prefix)}{target}")
    return sorted(found)


def run(*command, **named):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT,
                          **named).stdout


def test_every_file_is_in_its_place(installed):
    assert listing(installed) == EXPECTED
    for name in EXPECTED:
        path = installed / name.split(" ")[0]
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o755 if name in EXECUTABLE or path.is_symlink() else 0o644
        assert mode == wanted, name


def test_destdir_is_before_the_prefix(installed, tmp_path):
    run("cmake", "--install", BUILD, "--prefix", "/usr",
        env=dict(os.environ, DESTDIR=str(tmp_path)))
    assert listing(tmp_path / "usr") == EXPECTED
    assert os.listdir(tmp_path) == ["usr"]
    unit = "lib/systemd/system/easelfs@.service"
    assert "=/usr/sbin/mount.easelfs" in (tmp_path / "usr" / unit).read_text(encoding="utf-8")
    assert f"={installed}/sbin/mount.easelfs" in (installed / unit).read_text(encoding="utf-8")


def test_there_is_one_version(installed, installed_run, package):
    declared = re.search(r"^project\(easelfs VERSION (\S+)",
                         (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE)
    version = declared.group(1)
    assert installed_run("easelfs", "--version") == (0, f"easelfs {version}\n", "")
    assert installed_run("easelfs-standin", "--version")[1].strip().endswith(version)
    assert run("dpkg-deb", "-f", package, "Version") == f"{version}\n"
    with gzip.open(installed / "share/doc/easelfs/changelog.gz", "rt", encoding="utf-8") as file:
        assert file.readline().startswith(f"easelfs ({version}) ")


def test_the_licence_is_whole(installed):
    copyright_file = (installed / "share/doc/easelfs/copyright").read_text(encoding="utf-8")
    words = copyright_file.replace("\n .\n", "\n").split()
    licence = (REPOSITORY / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)
    assert licence[1].split() == "Copyright (c) 2026 the easelfs authors".split()
    assert " ".join(licence[2].split()) in " ".join(words)


def test_what_is_installed_reads(installed):
    """Every page is a page, and the helpers' lead to that of the program."""
    for page in PAGES:
        with gzip.open(installed / f"share/man/man{page[-1]}/{page}.gz", "rt",
                       encoding="utf-8") as file:
            assert file.read() == (REPOSITORY / "man" / page).read_text(encoding="utf-8")
    with gzip.open(installed / "share/man/man8/mount.easelfs.8.gz", "rt") as file:
        assert file.read() == ".so man1/easelfs.1\n"
    for shell, path in [("bash", "bash-completion/completions/easelfs"),
                        ("zsh", "zsh/vendor-completions/_easelfs"),
                        ("fish", "fish/vendor_completions.d/easelfs.fish")]:
        assert (installed / "share" / path).read_bytes() == (
            BUILD / "src" / f"easelfs.{shell}").read_bytes()


@pytest.mark.parametrize("unit,more", [("system/easelfs@.service", []),
                                       ("user/easelfs.service", ["--user"])])
@needs_analyze
def test_units_are_right(installed, tmp_path, unit, more):
    path = installed / "lib/systemd" / unit
    if "@" in unit:
        copy = tmp_path / "easelfs@srv-easel.service"
        shutil.copy(path, copy)
        path = copy
    done = subprocess.run(["systemd-analyze", *more, "--man=no", "verify", path], check=False,
                          capture_output=True, text=True, timeout=LIMIT,
                          env=dict(os.environ, XDG_RUNTIME_DIR=str(tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_unit_hides_its_mount():
    for unit in ("system/easelfs@.service", "user/easelfs.service"):
        text = (REPOSITORY / "examples/systemd" / unit).read_text(encoding="utf-8")
        found = re.findall(r"^(\w+)=", text, re.MULTILINE)
        assert not set(found) & set(HIDING)
        assert "Type=notify" in text and "ExecStopPost=-" in text
        if unit.startswith("user"):  # fusermount3 has to become root: see its head
            assert not [name for name in found if name.startswith(
                ("NoNewPrivileges", "Restrict", "SystemCall", "LockPersonality", "MemoryDeny",
                 "CapabilityBoundingSet", "ProtectClock", "ProtectHostname"))
                        and name not in ("Restart", "RestartSec", "RestartPreventExitStatus")]


@needs_analyze
def test_the_service_is_closed_in(installed):
    """4 is what a unit that makes a mount in the host's namespace can come to."""
    text = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=40",
               installed / "lib/systemd/system/easelfs@.service")
    exposure = float(re.search(r"exposure level .*: ([0-9.]+) ", text).group(1))
    assert exposure < 4.0


def expand(name):
    """The system calls of one of systemd's groups, or the one of that name."""
    if not name.startswith("@"):
        return {name}
    lines = run("systemd-analyze", "syscall-filter", name).splitlines()[1:]
    words = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return set().union(*map(expand, words))


def unit_lines(key):
    text = (REPOSITORY / "examples/systemd/system/easelfs@.service").read_text(encoding="utf-8")
    return re.findall(f"^{key}=(.*)", text, re.MULTILINE)


@needs_analyze
def test_the_service_may_do_what_the_daemon_does(make_mount, standin, tmp_path):
    """No call of its whole life, start and confinement included, is one that the unit refuses."""
    allowed = set()
    for line in unit_lines("SystemCallFilter"):
        names = set().union(*map(expand, line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    trace = tmp_path / "trace"
    mount = make_mount(standin.url, under=("strace", "-f", "-qq", "-o", trace))
    assert mount.generate("A cat") == ["0001.jpg"]
    mount.unmount()
    calls = trace.read_text(encoding="utf-8", errors="replace")
    made = set(re.findall(r"^\d+ +(\w+)\(", calls, re.MULTILINE))
    assert {"mount", "openat", "renameat2", "connect"} <= made
    assert made - allowed == set()
    families = set(re.findall(r"^\d+ +socket\((\w+),", calls, re.MULTILINE))
    assert families <= set(unit_lines("RestrictAddressFamilies")[0].split()), families
    assert not re.search(r"^\d+ +m(map|protect)\(.*PROT_WRITE\|PROT_EXEC", calls, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd is not installed")
def test_user_and_store_are_made(installed, tmp_path):
    (tmp_path / "etc").mkdir()
    for _ in range(2):
        run("systemd-sysusers", f"--root={tmp_path}", installed / "lib/sysusers.d/easelfs.conf")
        run("systemd-tmpfiles", f"--root={tmp_path}", "--create",
            installed / "lib/tmpfiles.d/easelfs.conf")
    passwd = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    name, _, user, group, _, home, shell = passwd.strip().split(":")
    assert (name, home, shell) == ("easelfs", "/var/lib/easelfs", "/usr/sbin/nologin")
    status = (tmp_path / "var/lib/easelfs").stat()
    assert (status.st_uid, status.st_gid) == (int(user), int(group))
    assert stat.S_IMODE(status.st_mode) == 0o700


def test_the_package_has_what_is_installed(package, tmp_path):
    run("dpkg-deb", "-x", package, tmp_path)
    assert listing(tmp_path / "usr") == EXPECTED
    assert os.listdir(tmp_path) == ["usr"]
    unit = tmp_path / "usr/lib/systemd/system/easelfs@.service"
    assert "=/usr/sbin/mount.easelfs" in unit.read_text(encoding="utf-8")
    owners = {line.split()[1] for line in run("dpkg-deb", "-c", package).splitlines()}
    assert owners == {"root/root"}


def test_the_package_needs_what_it_uses(package):
    fields = dict(re.findall(r"^([\w-]+): (.*)", run("dpkg-deb", "-f", package), re.MULTILINE))
    needed = re.split(r"[,|] *", fields["Depends"])
    names = {name.split(" ")[0] for name in needed}
    assert {"fuse3", "libfuse3-3", "libcurl4", "libcjson1", "libinih1", "libmagic1", "libc6",
            "libmicrohttpd12", "libcairo2"} <= names
    assert fields["Package"] == "easelfs"
    assert fields["Description"] == "image models as directories"
    control = run("dpkg-deb", "-I", package)
    assert set(re.findall(r"\* +(\w+) ", control)) == {"postinst", "prerm", "postrm"}


@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is not installed")
def test_lintian_finds_nothing(package):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package],
                          check=False, capture_output=True, text=True, timeout=6 * LIMIT)
    assert (done.returncode, done.stdout) == (0, "")
