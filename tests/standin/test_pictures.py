# SPDX-License-Identifier: MIT
"""The pictures: their kind, size, contents and bytes."""
import base64
import hashlib
import subprocess
import zlib

import pytest

from standin import FLASH, FLASH_31, PRO, Png, jpeg_size, make_png, picture_size


def one(standin, prompt="a cat", model=PRO, **more):
    """The single picture of a call: its label and bytes."""
    answer = standin.generate(prompt, model, **more)
    assert answer.status == 200, answer.body
    picture, = answer.pictures()
    return picture


@pytest.mark.parametrize("model, mime", [
    (PRO, "image/jpeg"), (FLASH_31, "image/jpeg"), (FLASH, "image/png"), ("other", "image/png"),
    ("gemini-2.5-flash-image", "image/png"), ("gemini-3.2-anything", "image/jpeg")])
def test_kind_by_model(standin, model, mime):
    label, data = one(standin, model=model)
    assert label == mime
    assert data.startswith(b"\xff\xd8\xff" if mime == "image/jpeg" else b"\x89PNG")
    assert picture_size(data) == (1024, 1024)


@pytest.mark.parametrize("model, ratio, size, expected", [
    (PRO, "16:9", "1K", (1376, 768)), (PRO, "9:16", None, (768, 1376)),
    (PRO, "4:3", "1K", (1200, 896)), (PRO, "3:4", "1K", (896, 1200)),
    (PRO, "3:2", "1K", (1264, 848)), (PRO, "2:3", "1K", (848, 1264)),
    (PRO, "21:9", "1K", (1584, 672)), (PRO, "4:5", "1K", (928, 1152)),
    (PRO, "5:4", "1K", (1152, 928)), (PRO, "1:1", "2K", (2048, 2048)),
    (PRO, "16:9", "2K", (2752, 1536)), (PRO, None, "4K", (4096, 4096)),
    (FLASH, "16:9", "1K", (1344, 768)), (FLASH, "16:9", "2K", (1344, 768)),
    (FLASH, "21:9", None, (1536, 672)), (FLASH_31, "1:1", "512", (1024, 1024)),
    (FLASH_31, "16:9", "2K", (1376, 768)), (FLASH_31, "1:8", "1K", (352, 2928)),
    ("gemini-3.1-flash-image", "1:1", "512", (512, 512)),
    ("gemini-3.1-flash-image", "4:1", "2K", (4096, 1024)),
    ("other", "8:1", None, (2928, 352))])
def test_size(standin, model, ratio, size, expected):
    prompt = "a cat [[standin: picture_bytes=200000]]"
    assert picture_size(one(standin, prompt, model, ratio=ratio, size=size)[1]) == expected


def test_painted_at_every_scale(standin):
    assert jpeg_size(one(standin, "wide", ratio="21:9", size="2K")[1]) == (3168, 1344)
    png = Png(one(standin, "tall", "other", ratio="1:8", size="512")[1])
    assert (png.width, png.height) == (176, 1464)


@pytest.mark.parametrize("reference, expected", [
    ((100, 100), (1024, 1024)), ((160, 90), (1360, 768)), ((90, 160), (768, 1360)),
    ((1000, 10), (2896, 368)), ((10, 1000), (368, 2896))])
def test_ratio_of_the_first_reference(standin, reference, expected):
    references = [("image/png", make_png(*reference, (0, 0, 0))),
                  ("image/png", make_png(7, 13, (0, 0, 0)))]
    assert picture_size(one(standin, references=references)[1]) == expected
    assert picture_size(one(standin, references=references, ratio="1:1")[1]) == (1024, 1024)


def test_references_are_shown_in_order(standin):
    colours = [(230, 30, 30), (30, 200, 40), (40, 60, 230)]
    references = [("image/png", make_png(60, 40, colour)) for colour in colours]
    png = Png(one(standin, "three", FLASH, references=references, ratio="16:9")[1])
    row = [png.pixel(x, int(png.height * 0.8)) for x in range(png.width)]
    starts = [row.index(colour) for colour in colours]
    assert starts == sorted(starts)
    assert all(row.count(colour) > png.width // 12 for colour in colours)
    without = Png(one(standin, "three", FLASH, ratio="16:9")[1])
    assert not set(colours) & {without.pixel(x, int(png.height * 0.8)) for x in range(png.width)}


def test_a_painted_jpeg_reference_is_shown(standin):
    """What the stand-in made comes back as a reference and is decoded, not replaced."""
    red = one(standin, "[[standin: size=400x300]]", PRO)[1]
    shown = Png(one(standin, "x", FLASH, references=[("image/jpeg", red)])[1])
    broken = Png(one(standin, "x", FLASH, references=[("image/jpeg", red[:300])])[1])
    middle = (shown.width // 2, int(shown.height * 0.85))
    assert broken.pixel(*middle) != shown.pixel(*middle)
    grey = (115, 120, 133)  # of the placeholder
    row = broken.rows[int(shown.height * 0.79)]
    assert any(tuple(row[3 * x:3 * x + 3]) == grey for x in range(broken.width))


@pytest.mark.parametrize("data", [
    b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, make_png(9, 9, (1, 2, 3))[:50],
    b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + b"\0" * 100,
    b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff",
    make_png(1, 1, (0, 0, 0)).replace(b"\0\0\0\1\0\0\0\1", b"\x7f\xff\xff\xff\x7f\xff\xff\xff", 1)])
def test_hostile_references(standin, data):
    mime = "image/png" if data[:1] == b"\x89" else "image/jpeg"
    assert picture_size(one(standin, references=[(mime, data)])[1])


@pytest.mark.parametrize("prompt", [
    "x", "word " * 20000, "n" * 20000, "\n" * 500 + "x", "\t\x01\x7f", "猫" * 5000, "😀🏳️‍🌈 " * 50,
    "\u202eright to left\u202c مرحبا", "\ufffd\uffff\U0010ffff", "a [[standin: ok]] b"])
def test_any_prompt_can_be_painted(standin, prompt):
    assert picture_size(one(standin, prompt)[1]) == (1024, 1024)
    assert standin.log()[0]["prompt"] == prompt


def test_token_is_not_painted(standin):
    plain = one(standin, "a cat")[1]
    assert one(standin, "a cat[[standin: delay=1]]")[1] == plain
    assert one(standin, "[[standin: delay=1, words=\"]] , |\"]]a cat")[1] == plain
    assert one(standin, "a dog")[1] != plain


def test_each_request_of_a_prompt_is_another_picture(standin):
    pictures = [one(standin, "a cat")[1] for _ in range(3)]
    assert len(set(pictures)) == 3
    assert one(standin, "a cat [[standin: variant=1]]")[1] == pictures[1]
    assert one(standin, "a cat [[standin: variant=0]]", seed=7)[1] != pictures[0]


def test_pictures_and_duplicate(standin):
    answer = standin.generate("[[standin: pictures=3, size=64x64]]")
    assert len({data for _, data in answer.pictures()}) == 3
    answer = standin.generate("[[standin: pictures=2, duplicate, size=64x64]]")
    first, second, third, fourth = answer.pictures()
    assert first == second and third == fourth and first != third


@pytest.mark.parametrize("size, full", [
    (1000, False), (100_000, False), (132_941, False), (132_942, True), (132_943, False),
    (132_953, False), (132_954, True), (1_056_000, True), (3_200_000, True), (20_000_000, True)])
def test_picture_bytes_png(standin, size, full):
    """Exact; with fewer pixels where those of the asked size do not go into it."""
    label, data = one(standin, f"[[standin: picture=png, picture_bytes={size}]]", ratio="16:9")
    png = Png(data)
    assert (label, len(data)) == ("image/png", size)
    assert ((png.width, png.height) == (1376, 768)) == full


@pytest.mark.parametrize("size", [50_000, 1_000_000, 20_000_000])
def test_picture_bytes_jpeg(standin, size):
    label, data = one(standin, f"[[standin: picture_bytes={size}]]", ratio="16:9")
    assert (label, len(data), jpeg_size(data)) == ("image/jpeg", size, (1376, 768))


def test_fewest_picture_bytes(standin):
    png = Png(one(standin, "[[standin: picture_bytes=1]]", FLASH)[1])
    assert (png.width, png.height) == (1, 1)
    assert len(one(standin, "[[standin: picture_bytes=70]]", FLASH)[1]) == 70
    assert jpeg_size(one(standin, "[[standin: picture_bytes=1]]")[1]) == (1024, 1024)


def test_picture_bytes_are_incompressible_and_fixed(standin):
    first = one(standin, "[[standin: picture_bytes=1000000]]", FLASH)[1]
    again = one(standin, "other [[standin: picture_bytes=1000000]]", FLASH)[1]
    assert first == again
    assert len(zlib.compress(first)) > 990_000
    several = standin.generate("[[standin: picture_bytes=100000, pictures=2]]", FLASH).pictures()
    assert several[0][1] != several[1][1]


def magic(data, path):
    path.write_bytes(data)
    return subprocess.run(["file", "--brief", "--mime-type", str(path)], capture_output=True,
                          check=True).stdout.decode().strip()


@pytest.mark.parametrize("kind, mime, is_really", [
    ("webp", "image/webp", "image/webp"), ("gif", "image/gif", "image/gif"),
    ("text", "text/plain", "text/plain"), ("html", "text/html", "text/html"),
    ("svg", "image/svg+xml", "image/svg+xml"), ("bomb", "image/png", "image/png"),
    ("random", "image/png", "application/octet-stream")])
def test_odd_kinds(standin, tmp_path, kind, mime, is_really):
    label, data = one(standin, f"[[standin: picture={kind}]]")
    assert label == mime
    assert magic(data, tmp_path / "bytes") == is_really


def test_empty_picture(standin):
    assert one(standin, "[[standin: picture=empty]]") == ("image/png", b"")


def test_random_bytes(standin):
    assert len(one(standin, "[[standin: picture=random, picture_bytes=12345]]")[1]) == 12345
    assert len(one(standin, "[[standin: picture=random]]")[1]) == 4096


def test_webp_and_gif_have_the_asked_size(standin):
    data = one(standin, "[[standin: picture=webp]]", ratio="16:9")[1]
    bits = int.from_bytes(data[21:25], "little")
    assert ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1) == (1376, 768)
    assert len(data) == int.from_bytes(data[4:8], "little") + 8
    data = one(standin, "[[standin: picture=gif, size=300x200]]")[1]
    assert (int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")) == (300, 200)


def test_label_lies(standin):
    label, data = one(standin, "[[standin: label=image/webp]]", FLASH)
    assert label == "image/webp" and data.startswith(b"\x89PNG")


def test_size_override(standin):
    assert picture_size(one(standin, "[[standin: size=333x77]]", ratio="16:9")[1]) == (333, 77)
    answer = standin.generate("[[standin: size=16384x1]]")
    assert answer.status == 400
    assert answer.json()["error"]["message"] == \
        "stand-in: size=16384: not a number from 1 to 16383"
    assert picture_size(one(standin, "[[standin: size=1x1]]")[1]) == (1, 1)


SPELLINGS = ["plain", "urlsafe", "unpadded", "newlines", "crlf", "escaped_slash",
             "escaped_unicode", "escaped_all", "urlsafe+unpadded+newlines"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("size", [1000, 1001, 1002])
def test_base64_spellings(standin, spelling, size):
    answer = standin.generate(
        f"[[standin: base64={spelling}, picture=random, picture_bytes={size}, variant=0]]")
    text = [part["inlineData"]["data"] for part in answer.parts()
            if "inlineData" in part and not part.get("thought")][0]
    raw = answer.body.decode()
    lines = text.splitlines()
    joined = "".join(lines)
    padded = joined + "=" * (-len(joined) % 4)
    assert len(base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)) == size
    plain = "urlsafe" not in spelling
    assert ("+" in joined or "/" in joined) == plain
    assert ("-" in joined or "_" in joined) != plain
    assert joined.endswith("=") == (size % 3 != 0 and "unpadded" not in spelling)
    if spelling in ("newlines", "crlf"):
        assert text.count("\r\n" if spelling == "crlf" else "\n") == len(lines)
        assert {len(line) for line in lines[:-1]} == {76}
    else:
        assert len(lines) == 1 or "newlines" in spelling
    assert ("\\/" in raw) == (spelling == "escaped_slash")
    assert ("\\u002f" in raw) == (spelling in ("escaped_unicode", "escaped_all"))
    assert (raw.count("\\u00") > size) == (spelling == "escaped_all")


def test_same_bytes_in_every_spelling(standin):
    digests = set()
    for spelling in SPELLINGS:
        answer = standin.generate(f"a cat [[standin: base64={spelling}]]", FLASH)
        text = answer.parts()[0]["inlineData"]["data"]
        text = "".join(text.split()).replace("-", "+").replace("_", "/")
        data = base64.b64decode(text + "=" * (-len(text) % 4))
        digests.add(hashlib.sha256(data).hexdigest())
    assert len(digests) == 1


def test_broken_base64(standin):
    prompt = "[[standin: picture=random, picture_bytes=999, base64={}]]"
    text = standin.generate(prompt.format("broken"), FLASH).parts()[0]["inlineData"]["data"]
    assert (len(text), text[666], text.count("*")) == (1332, "*", 1)
    text = standin.generate(prompt.format("cut"), FLASH).parts()[0]["inlineData"]["data"]
    assert len(text) % 4 == 1
