# SPDX-License-Identifier: MIT
"""The text of a prompt: nothing but its last line end is dropped, and what cannot be sent is
refused as early as it can be told, with the exact errno, an error file, and no request."""

import os
import subprocess

import pytest

from harness import LIMIT, RENAME_EXCHANGE, error_of, png, renameat2, run, shell

MAX = 65536


# --- what is sent

EXACT = {
    "a line": (b"a cat\n", "a cat"),
    "no line end": (b"a cat", "a cat"),
    "two line ends": (b"a cat\n\n", "a cat\n"),
    "DOS": (b"a\r\ncat\r\n", "a\r\ncat"),
    "spaces around": (b"  a cat \t\n", "  a cat \t"),
    "a line end before": (b"\n\na cat\n", "\n\na cat"),
    "JSON's own": (b'"quoted" \\ / {} [] \\u0041 \\n', '"quoted" \\ / {} [] \\u0041 \\n'),
    "control characters": (b"\x01\x02\x1b[31m\x7f", "\x01\x02\x1b[31m\x7f"),
    "many scripts": ("ä€日本🐈‍⬛ é e\u0301 \u2028 \ufffd".encode(),
                     "ä€日本🐈‍⬛ é e\u0301 \u2028 \ufffd"),
    "the last code point": ("\U0010ffff".encode(), "\U0010ffff"),
    "markup": (b"<b>&amp;</b> $(rm) `id` %s %n", "<b>&amp;</b> $(rm) `id` %s %n"),
    "dashes": (b"--- not settings ---\n", "--- not settings ---"),
    "dashes without an end": (b"---\nseed: 1\ntext\n", "---\nseed: 1\ntext"),
    "the longest": (b"x" * MAX, "x" * MAX),
    "the longest with a line end": (b"x" * (MAX - 1) + b"\n", "x" * (MAX - 1)),
    "the longest in two bytes": ("ü".encode() * (MAX // 2), "ü" * (MAX // 2)),
    "one character": (b"x", "x"),
}


@pytest.mark.parametrize("what", sorted(EXACT))
@pytest.mark.parametrize("way", ["write", "rename"])
def test_the_text_is_sent_as_it_is(desk, what, way):
    content, expected = EXACT[what]
    name = "prompt" if way == "write" else "draft"
    (desk.path / name).write_bytes(content)
    (desk.path / name).rename(desk.path / "prompt")
    assert desk.prompts() == [expected]
    assert (desk.path / "prompt").read_bytes() == content


@pytest.mark.parametrize("size", [1, 2, 3, 5, 4095, 4096, 4097])
def test_a_character_may_be_cut_by_the_end_of_a_write(desk, size):
    content = "aä€🐈".encode() * 1200
    fd = os.open(desk.path / "prompt", os.O_WRONLY | os.O_CREAT)
    for start in range(0, min(len(content), size * 400), size):
        assert os.write(fd, content[start:start + size]) == len(content[start:start + size])
    os.pwrite(fd, content, 0)
    os.close(fd)
    assert desk.prompts() == [content.decode()]


def test_front_matter_is_no_part_of_the_text(desk):
    (desk.path / "prompt").write_text("---\naspect_ratio: 16:9\nseed: 7\n---\na cat\n")
    request = desk.requests()[0]
    assert request["prompt"] == "a cat"
    assert request["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9"}
    assert request["generationConfig"]["seed"] == 7


# --- what is refused

BAD = {
    "NUL": (b"a\0cat", "EILSEQ", "The prompt is not UTF-8 text."),
    "Latin-1": ("Käthe".encode("latin-1"), "EILSEQ", "The prompt is not UTF-8 text."),
    "a surrogate": (b"\xed\xa0\x80", "EILSEQ", "The prompt is not UTF-8 text."),
    "an overlong form": (b"\xc0\xaf", "EILSEQ", "The prompt is not UTF-8 text."),
    "a picture": (png(1), "EILSEQ", "The prompt is not UTF-8 text."),
    "one byte too many": (b"x" * (MAX + 1), "EFBIG", "The prompt is longer than 64 KiB."),
    "a megabyte": (b"x" * (1 << 20), "EFBIG", "The prompt is longer than 64 KiB."),
}
BAD_AT_CLOSE = {
    "half a character": ("cat €".encode()[:-1], "EILSEQ", "The prompt is not UTF-8 text."),
    "an unknown key": (b"---\nfoo: 1\n---\nx\n", "EINVAL", "Line 2 of the front matter: "),
    "a bad value": (b"---\nseed: 1\ncount: 99\n---\nx\n", "EINVAL",
                    "Line 3 of the front matter: "),
    "settings without text": (b"---\nseed: 1\n---\n", "EINVAL",
                              "The prompt has settings, but no text below them."),
}


def check_refused(desk, sentence, name="prompt.error.txt"):
    assert desk.prompts() == []
    assert (desk.path / name).read_text().startswith(sentence)
    assert "not sent" not in (desk.path / name).read_text()


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_bad_text_is_refused_at_the_write(desk, what):
    content, number, sentence = BAD[what]
    fd = os.open(desk.path / "prompt", os.O_WRONLY | os.O_CREAT)
    assert error_of(os.write, fd, content) == number
    assert error_of(os.close, fd) == number
    check_refused(desk, sentence)
    assert desk.mount.wait(".prompt.wait", desk.path) == ([], True)


@pytest.mark.parametrize("what", sorted(BAD_AT_CLOSE))
def test_what_only_the_end_shows_is_refused_at_the_close(desk, what):
    content, number, sentence = BAD_AT_CLOSE[what]
    fd = os.open(desk.path / "prompt", os.O_WRONLY | os.O_CREAT)
    assert os.write(fd, content) == len(content)
    again = os.dup(fd)
    assert error_of(os.close, again) == number
    assert error_of(os.close, fd) == number
    check_refused(desk, sentence)
    assert desk.mount.wait(".prompt.wait", desk.path) == ([], True)


@pytest.mark.parametrize("what", sorted({**BAD, **BAD_AT_CLOSE}))
@pytest.mark.parametrize("flags", [0, RENAME_EXCHANGE], ids=["rename", "exchange"])
def test_a_bad_draft_is_refused_at_the_rename(desk, what, flags):
    content, number, sentence = {**BAD, **BAD_AT_CLOSE}[what]
    (desk.path / "draft").write_bytes(content)
    (desk.path / "prompt").touch()
    assert error_of(renameat2, desk.path / "draft", desk.path / "prompt", flags) == number
    check_refused(desk, sentence)
    assert (desk.path / "draft").read_bytes() == content
    assert (desk.path / "prompt").read_bytes() == b""


@pytest.mark.parametrize("what", ["NUL", "one byte too many"])
def test_a_bad_draft_is_refused_even_if_it_is_still_open(desk, what):
    content, number, sentence = BAD[what]
    with open(desk.path / "draft", "wb") as draft:
        draft.write(content)
        draft.flush()
        assert error_of(os.rename, desk.path / "draft", desk.path / "prompt") == number
    check_refused(desk, sentence)


def test_the_longest_prompt_takes_no_further_byte(desk):
    (desk.path / "prompt").write_bytes(b"x" * MAX)
    assert desk.prompts() == ["x" * MAX]
    fd = os.open(desk.path / "prompt", os.O_WRONLY | os.O_APPEND)
    assert error_of(os.write, fd, b"y") == "EFBIG"
    assert error_of(os.close, fd) == "EFBIG"
    assert desk.prompts() == ["x" * MAX]
    assert "longer than 64 KiB" in (desk.path / "prompt.error.txt").read_text()
    with open(desk.path / "prompt", "r+b") as file:
        file.write(b"shorter")
        file.truncate()
    assert desk.prompts() == ["shorter", "x" * MAX]
    assert not (desk.path / "prompt.error.txt").exists()


def test_nothing_is_allocated_beyond_the_limit(desk):
    fd = os.open(desk.path / "prompt", os.O_RDWR | os.O_CREAT)
    table = [lambda: os.pwrite(fd, b"x", 1 << 30), lambda: os.ftruncate(fd, MAX + 1),
             lambda: os.truncate(desk.path / "prompt", 1 << 40),
             lambda: os.posix_fallocate(fd, 0, MAX + 1),
             lambda: os.posix_fallocate(fd, (1 << 62), 1 << 62)]
    assert [error_of(action) for action in table] == ["EFBIG"] * len(table)
    assert os.fstat(fd).st_size == 0
    os.ftruncate(fd, 0)
    os.close(fd)
    assert desk.prompts() == []


def test_a_zero_byte_by_extending_is_found_at_the_close(desk):
    fd = os.open(desk.path / "prompt", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"text")
    os.ftruncate(fd, 10)
    assert error_of(os.close, fd) == "EILSEQ"
    check_refused(desk, "The prompt is not UTF-8 text.")


def test_a_refused_prompt_is_corrected_and_sent(desk):
    with pytest.raises(OSError):
        (desk.path / "prompt").write_bytes(b"K\xe4the")
    check_refused(desk, "The prompt is not UTF-8 text.")
    (desk.path / "prompt").write_text("Käthe")
    assert desk.prompts() == ["Käthe"]
    assert not (desk.path / "prompt.error.txt").exists()


def test_a_refused_prompt_is_not_sent_by_touching_or_renaming_it(desk):
    fd = os.open(desk.path / "prompt", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"good so far, ")
    assert error_of(os.write, fd, b"bad \xff") == "EILSEQ"
    assert error_of(os.close, fd) == "EILSEQ"
    shell("touch prompt; mv prompt a.prompt; mv a.prompt prompt", desk.path)
    check_refused(desk, "The prompt is not UTF-8 text.")


def test_other_files_take_everything(desk):
    for name in ("notes.txt", "prompt.bak", ".prompt", "prompt~"):
        (desk.path / name).write_bytes(b"\0\xff" * 100_000)
    assert desk.prompts() == []


PROGRAMS = {
    "bash": ("printf 'K\\xe4the\\n' > prompt", "Invalid or incomplete multibyte"),
    "/bin/printf": ("/usr/bin/printf 'K\\xe4the' > prompt", "Invalid or incomplete multibyte"),
    "cp": ("cp $bad prompt", "Invalid or incomplete multibyte"),
    "mv": ("cp $bad d; mv d prompt", "Invalid or incomplete multibyte"),
    "tee": ("tee prompt < $bad", "Invalid or incomplete multibyte"),
    "dd": ("dd if=$bad of=prompt status=none", "Invalid or incomplete multibyte"),
    "sed -i": ("touch prompt; cp $bad d; cat d | sed -n 'w prompt'", "multibyte"),
    "rsync": ("cp $bad $out/prompt; rsync $out/prompt .", "multibyte"),
    "python": ("python3 -c \"with open('prompt', 'wb') as f: f.write(b'\\\\xff')\"", "multibyte"),
    "perl -i": ("echo x > d; mv d prompt; perl -pi -e 's/x/\\xff/' prompt", "multibyte"),
    "curl": ("curl -sS -o prompt file://$bad", ""),
    "gio copy": ("gio copy $bad prompt", "multibyte"),
    "gio save": ("touch prompt; gio save prompt < $bad", "multibyte"),
    "too long": ("head -c 70000 /dev/zero | tr '\\0' x > prompt", "File too large"),
    "settings": ("printf -- '---\\nfoo: 1\\n---\\nx' > d;"
                 " python3 -c \"import os; os.replace('d', 'prompt')\"", "Invalid argument"),
    "settings, cp": ("printf -- '---\\nfoo: 1\\n---\\nx' > d; cp d prompt", "Invalid argument"),
}


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_the_program_says_what_is_wrong(desk, tmp_path, program):
    line, words = PROGRAMS[program]
    (tmp_path / "bad").write_bytes("Käthe".encode("latin-1"))
    env = {**os.environ, "bad": str(tmp_path / "bad"), "out": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + line], cwd=desk.path, env=env,
                          capture_output=True, check=False, timeout=LIMIT)
    assert done.returncode != 0
    assert words in done.stderr.decode(errors="replace")
    assert [p for p in desk.prompts() if p != "x"] == []


# --- without a key

def test_without_a_key_prompts_cannot_be_opened_and_all_else_works(make_mount, standin):
    mount = make_mount(standin.url, key=None)
    top = mount.top
    (top / "notes.txt").write_text("notes")
    (top / "low").mkdir()
    table = [
        ("ENOKEY", lambda: os.open(top / "prompt", os.O_WRONLY)),
        ("ENOKEY", lambda: os.open(top / "prompt", os.O_RDWR | os.O_APPEND)),
        ("ENOKEY", lambda: os.open(top / "prompt", os.O_WRONLY | os.O_TRUNC)),
        ("ENOKEY", lambda: os.open(top / "new.prompt", os.O_WRONLY | os.O_CREAT)),
        ("ENOKEY", lambda: os.open(top / "low/prompt.txt", os.O_WRONLY | os.O_CREAT, 0o644)),
        ("ENOKEY", lambda: os.rename(top / "notes.txt", top / "prompt")),
        ("ENOKEY", lambda: renameat2(top / "notes.txt", top / "prompt", RENAME_EXCHANGE)),
        (None, lambda: os.close(os.open(top / "prompt", os.O_RDONLY))),
        (None, lambda: os.rename(top / "prompt", top / "old")),
        (None, lambda: os.rename(top / "old", top / "prompt")),
        (None, lambda: os.unlink(top / "prompt")),
        (None, lambda: os.close(os.open(top / "other", os.O_WRONLY | os.O_CREAT))),
    ]
    assert [error_of(action) for _, action in table] == [name for name, _ in table]
    assert not (top / "new.prompt").exists()
    done = run("echo hi > prompt", cwd=top, check=False, text=True)
    assert done.returncode != 0 and "Required key not available" in done.stderr
    mount.settled()
    for path in (top / "prompt.error.txt", top / "new.error.txt", top / "low/prompt.error.txt"):
        assert path.read_text().startswith("This mount has no API key.\nSet api_key_file, mount "
                                           "again, and save the prompt again.\n")
    assert standin.entries() == []
