# SPDX-License-Identifier: MIT
"""`models = auto`: the API is asked for its list before the mount is ready. What it lists, what
stands in the place of a list, and what is kept in the store for a start without a network."""

import os
import signal
import socket
import subprocess
import time

import pytest

from harness import (BUILD, FLASH, KEY, LIMIT, MODEL, SUSPICIOUS, environment, mounted, run, until)

FLASH_31 = "gemini-3.1-flash-image-preview"
THREE = [MODEL, FLASH, FLASH_31]
AUTO = "-omodels=auto"
MEND = "easelfs: Mend that, or name the models to mount in place of auto.\n"
OK, FAILURE, CONFIG, NO_KEY = 0, 1, 3, 4


def key_option(directory):
    file = directory / "start.key"
    file.write_text(KEY, encoding="utf-8")
    file.chmod(0o600)
    return f"-oapi_key_file={file}"


@pytest.fixture
def scripted(make_standin, tmp_path):
    """A stand-in with a script."""
    def make(*lines, **named):
        script = tmp_path / "script"
        script.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return make_standin("--script", script, **named)
    return make


@pytest.fixture
def start(tmp_path):
    """Run easelfs in the foreground to its end: (status, standard error). It must not mount."""
    path = tmp_path / "mountpoint"
    path.mkdir()

    def start(url, *options, key=KEY, arguments=("-f",)):
        command = [BUILD / "src" / "easelfs", *arguments, AUTO, f"-ostore={tmp_path / 'store'}",
                   *options, url, path]
        if key:
            command.insert(1, key_option(tmp_path))
        done = run(command, check=False, stdin=subprocess.DEVNULL, timeout=2 * LIMIT,
                   env=environment(HOME=str(tmp_path)))
        assert not mounted(path)
        text = (done.stdout + done.stderr).decode()
        assert not SUSPICIOUS.search(text) and KEY not in text
        return done.returncode, text
    return start


def lists(standin):
    """The GETs of the list: their queries. Nothing else may have been asked."""
    entries = standin.entries()
    assert {(entry["method"], entry["path"]) for entry in entries} <= {("GET", "/v1beta/models")}
    return [entry["query"] for entry in entries]


def models(mount):
    return sorted(path.name for path in mount.path.iterdir() if path.is_dir())


def kept(mount):
    """The list in the store: base URL and names."""
    file = mount.store / "models"
    assert file.stat().st_mode & 0o7777 == 0o600
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "easelfs models 1"
    time.strptime(lines[2], "%Y-%m-%dT%H:%M:%SZ")
    return lines[1], lines[3:]


@pytest.fixture
def dead_url():
    """The URL of a port where nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


# What is listed

def test_those_that_make_pictures_are_mounted(make_mount, standin):
    mount = make_mount(standin.url, AUTO)
    assert lists(standin) == ["pageSize=200"]
    assert standin.entries()[0]["key"] == "bearer"
    assert models(mount) == sorted(THREE)
    assert kept(mount) == (standin.url, THREE)
    assert mount.generate("A cat [[standin: size=16x16]]") == ["0001.jpg"]
    mount.unmount()


def test_the_key_goes_in_the_other_header(standin, start):
    assert start(standin.url, "-oauth=goog", arguments=("--check",))[0] == OK
    assert [entry["key"] for entry in standin.entries()] == ["goog"]


SHAPES = [
    ("list=google", THREE), ("list=bare", THREE), ("list=openai", THREE), ("list=array", THREE),
    ('list_names="models/a-image b-image:predict gemini-2.5-flash-image:x c"', ["a-image"]),
    ('list=bare, list_names="x/image:predict imagen-4 Image-2 x/image x_image"',
     ["x_image", "Image-2"]),
    ('list=openai, list_names="../image .image status.txt image permissive"', ["image"]),
    (f'list=openai, list_names="image-{KEY} image"', ["image"]),
    ("fault=gzip", THREE), ("fault=chunked", THREE), ("fault=until_close", THREE),
    ("list=loop", THREE),
]


@pytest.mark.parametrize("directives,names", SHAPES)
def test_shapes(make_mount, scripted, directives, names):
    standin = scripted(f"models * {directives}")
    mount = make_mount(standin.url, AUTO)
    assert models(mount) == sorted(names)
    assert len(lists(standin)) == (2 if "loop" in directives else 1)
    mount.unmount()


def test_all_pages_are_read(make_mount, scripted):
    standin = scripted("models list=endless", "models list_count=3",
                       'models list_names="a b c d-image"')
    mount = make_mount(standin.url, AUTO)
    assert lists(standin) == ["pageSize=200", "pageSize=200&pageToken=1"]
    assert kept(mount)[1] == [f"standin-image-{number}" for number in (1, 2, 3)]
    mount.unmount()


def test_pages_without_end(make_mount, scripted):
    standin = scripted("models * list=endless")
    mount = make_mount(standin.url, AUTO)
    assert lists(standin) == ["pageSize=200"] + [f"pageSize=200&pageToken={number}"
                                                 for number in range(1, 32)]
    assert len(models(mount)) == 32
    assert ("models = auto: the API's list has more than 32 pages; the rest is left out\n"
            in mount.log_text())
    mount.unmount()


def test_more_models_than_can_be_mounted(make_mount, scripted):
    standin = scripted("models * list_count=257")
    mount = make_mount(standin.url, AUTO)
    assert len(lists(standin)) == 2
    assert len(models(mount)) == 256
    assert "standin-image-257" not in models(mount)
    assert "models = auto: only the first 256 models are mounted; left out: 1\n" in mount.log_text()
    mount.unmount()


def test_settings_of_the_configuration(make_mount, standin, tmp_path):
    config = tmp_path / "easelfs.conf"
    config.write_text(f"[model {FLASH}]\naspect_ratio = 16:9\n", encoding="utf-8")
    mount = make_mount(standin.url, AUTO, f"--config={config}")
    mount.generate("A cat [[standin: size=16x16]]", directory=mount.path / FLASH)
    sent = standin.requests()[0]["generationConfig"]["imageConfig"]
    assert sent == {"aspectRatio": "16:9"}
    mount.unmount()


def test_a_model_that_is_gone_keeps_its_data(make_mount, scripted):
    standin = scripted("models ok", 'models list_names="new-image"', "models ok")
    mount = make_mount(standin.url, AUTO)
    (mount.top / "notes.txt").write_text("mine", encoding="utf-8")
    mount.unmount()
    mount.start()
    assert models(mount) == ["new-image"]
    assert (mount.store / "tree" / MODEL / "notes.txt").read_text(encoding="utf-8") == "mine"
    mount.unmount()
    mount.start()
    assert models(mount) == sorted(THREE)
    assert (mount.top / "notes.txt").read_text(encoding="utf-8") == "mine"
    mount.unmount()


def test_a_list_of_names_asks_nobody(make_mount, standin):
    mount = make_mount(standin.url)
    assert models(mount) == sorted(THREE)
    assert lists(standin) == []
    assert not (mount.store / "models").exists()
    mount.unmount()


def test_demo(tmp_path):
    path = tmp_path / "demo"
    path.mkdir()
    command = [BUILD / "src" / "easelfs", "-f", "--demo", AUTO, path]
    with open(tmp_path / "demo.log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=environment(HOME=str(tmp_path)))
    try:
        until(lambda: mounted(path), "the demo")
        assert sorted(entry.name for entry in path.iterdir() if entry.is_dir()) == sorted(THREE)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0


# What stands in its place

FAILURES = [
    # the answer, requests, status, the sentence
    ("status=401", 1, NO_KEY, "The API does not accept the key: {message}"),
    ("status=403", 1, NO_KEY, "The API does not allow this request: {message}"),
    ("status=404", 1, FAILURE, "The API does not know this model or address: {message}"),
    ("status=400", 1, FAILURE, "The API refused the request: {message}"),
    ("status=500", 3, FAILURE, "The API failed while it worked on the request: {message}"),
    ("status=503", 3, FAILURE, "The API is overloaded: {message}"),
    ("status=429, retry_after=3600", 1, FAILURE, "The API's rate limit is reached: {message}"),
    ("list=error", 1, FAILURE, "The API answered with an error: {message}"),
    ("list=html", 1, FAILURE, "What the API gave as its list of models is not JSON."),
    ("list=cut", 1, FAILURE, "The API's list of models broke off before it was complete."),
    ("list=openai, list_count=100000", 1, FAILURE, "The answer from {host} is larger than 1 MiB."),
    ("fault=garbage", 3, FAILURE, "What {host} answered is not HTTP"),
    ("fault=close_before_answer", 3, FAILURE, "{host} closed the connection without an answer."),
    ("fault=truncate:20", 3, FAILURE, "The answer from {host} ended early: 20 of "),
    ("fault=reset_after:20", 3, FAILURE, "The answer from {host} ended early: 20 of "),
]


@pytest.mark.parametrize("directives,requests,status,sentence", FAILURES)
def test_failures(scripted, start, directives, requests, status, sentence):
    standin = scripted(f'models * {directives}, message="So it said with {KEY}."'
                       if "fault" not in directives else f"models * {directives}")
    got, text = start(standin.url)
    host = standin.url.removeprefix("http://")
    sentence = sentence.format(host=host, message="So it said with [key].")
    assert text.startswith(f"easelfs: models = auto: {sentence}"), text
    assert text.endswith("\n" + MEND)
    assert text.count("\n") == 2
    assert (got, len(lists(standin))) == (status, requests)


def test_a_failure_that_passes(make_mount, scripted):
    standin = scripted("models status=500", "models fault=close_before_answer", "models ok")
    mount = make_mount(standin.url, AUTO)
    assert models(mount) == sorted(THREE)
    assert lists(standin) == ["pageSize=200"] * 3
    mount.unmount()


def test_a_failure_on_a_later_page_is_one(scripted, start):
    standin = scripted("models list=endless", "models status=401")
    assert start(standin.url)[0] == NO_KEY
    assert lists(standin) == ["pageSize=200", "pageSize=200&pageToken=1"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(scripted, start, code):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        host = f"127.0.0.1:{elsewhere.getsockname()[1]}"
        standin = scripted(f'models * redirect="{code}:http://{host}/{KEY}"')
        status, text = start(standin.url)
        assert status == CONFIG
        assert text == (f"easelfs: models = auto: The base URL redirects to http://{host}/[key].\n"
                        + MEND)
        assert len(lists(standin)) == 1
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.parametrize("directives,listed", [
    ("list_count=0", 0), ("list=array, list_count=0", 0),
    ('list_names="a b imagen-4 image:predict"', 4)])
def test_none_that_makes_pictures(scripted, start, directives, listed):
    standin = scripted(f"models * {directives}")
    status, text = start(standin.url)
    assert status == FAILURE
    assert text == (f"easelfs: models = auto: the API lists {listed} models, and none that makes "
                    "pictures.\neaselfs: Name the models to mount in place of auto.\n")
    assert len(lists(standin)) == 1


def test_no_network_and_nothing_kept(start, dead_url):
    status, text = start(dead_url)
    sentence = f"No connection to {dead_url.removeprefix('http://')}: Connection refused."
    assert status == FAILURE
    assert text == f"easelfs: models = auto: {sentence}\n{MEND}"
    debug = start(dead_url, "-olog_level=debug")[1]
    for attempt in (1, 2):
        assert f"easelfs: debug: the API's list of models, attempt {attempt}: {sentence}\n" in debug


def test_no_key_and_nothing_kept(standin, start):
    status, text = start(standin.url, key=None)
    assert status == NO_KEY
    assert text.splitlines()[-2:] == [
        "easelfs: models = auto: without a key the API cannot be asked for its models.",
        "easelfs: Set api_key_file, or name the models to mount in place of auto."]
    assert lists(standin) == []


def test_in_the_background_the_status_is_the_same(scripted, start):
    standin = scripted("models * status=401")
    assert start(standin.url, arguments=())[0] == NO_KEY


@pytest.mark.parametrize("arguments", [["-f"], []], ids=["foreground", "background"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_asking(scripted, tmp_path, number, arguments):
    standin = scripted("models * fault=stall:600000")
    path = tmp_path / "stopped"
    path.mkdir()
    process = subprocess.Popen(
        [BUILD / "src" / "easelfs", *arguments, AUTO, f"-ostore={tmp_path / 'store'}",
         key_option(tmp_path), standin.url, path],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(HOME=str(tmp_path)))
    until(lambda: len(lists(standin)) == 1, "a request")
    process.send_signal(number)
    _, text = process.communicate(timeout=LIMIT)
    assert text.decode() == ("easelfs: models = auto: Stopped while the API was asked for its list "
                             "of models.\n")
    assert process.returncode == FAILURE
    assert not mounted(path)


# What is kept

def test_a_start_without_a_network(make_mount, make_standin):
    standin = make_standin()
    mount = make_mount(standin.url, AUTO)
    mount.generate("A cat [[standin: size=16x16]]")
    before = kept(mount)
    mount.unmount()
    standin.stop()
    mount.start()
    host, text = mount.url.removeprefix("http://"), mount.log_text()
    assert f"models = auto: No connection to {host}: Connection refused.\n" in text
    time_kept = (mount.store / "models").read_text(encoding="utf-8").split("\n")[2]
    assert f"models = auto: the list of {time_kept} is used\n" in text
    assert models(mount) == sorted(THREE)
    assert (mount.top / "0001.jpg").stat().st_size > 100
    assert kept(mount) == before
    mount.unmount()


@pytest.mark.parametrize("directives,sentence", [
    ("status=401", "The API does not accept the key"),
    ("status=500", "The API failed while it worked on the request"),
    ("list=html", "What the API gave as its list of models is not JSON."),
    ("fault=stall:600000", "The API did not give its list of models within 10 seconds."),
])
def test_the_kept_list_stands_in(make_mount, scripted, directives, sentence):
    standin = scripted("models ok", f"models * {directives}")
    mount = make_mount(standin.url, AUTO)
    mount.unmount()
    began = time.monotonic()
    mount.start()
    assert time.monotonic() - began < LIMIT / 2
    assert models(mount) == sorted(THREE)
    assert f"models = auto: {sentence}" in mount.log_text()
    mount.unmount()


def test_the_kept_list_stands_in_without_a_key(make_mount, standin):
    mount = make_mount(standin.url, AUTO)
    mount.unmount()
    mount.options = [option for option in mount.options if "api_key_file" not in option]
    mount.start()
    assert models(mount) == sorted(THREE)
    assert lists(standin) == ["pageSize=200"]
    mount.unmount()


def test_an_answer_without_pictures_is_believed(make_mount, scripted, start):
    standin = scripted("models ok", "models list_count=0", "models status=401")
    mount = make_mount(standin.url, AUTO)
    mount.unmount()
    before = kept(mount)
    assert start(standin.url)[0] == FAILURE
    assert kept(mount) == before
    mount.start()
    assert models(mount) == sorted(THREE)
    mount.unmount()


def test_a_newer_list_takes_its_place(make_mount, scripted):
    standin = scripted("models ok", 'models list_names="b-image a-image"', "models * status=500")
    mount = make_mount(standin.url, AUTO)
    mount.unmount()
    mount.start()
    assert kept(mount)[1] == ["b-image", "a-image"]
    mount.unmount()
    mount.start()
    assert models(mount) == ["a-image", "b-image"]
    listed = [name for name in os.listdir(mount.path) if name.endswith("image")]
    assert listed == ["b-image", "a-image"]
    mount.unmount()


def test_it_is_of_use_for_the_same_api_only(make_mount, standin, start, dead_url):
    make_mount(standin.url, AUTO).unmount()
    assert start(dead_url)[0] == FAILURE


LINES = "easelfs models 1\n{url}\n2026-11-22T00:00:00Z\n"
DAMAGES = [b"", b"\0", b"\xff\xfe", b"garbage\n", "easelfs models 2\n{url}\nx\nimage\n", LINES,
           LINES + "image", LINES + "../image\n", LINES + "\n", LINES + "image\nmodels/\n",
           LINES + "image\n" * 257, "x" * 100000, None]


@pytest.mark.parametrize("damage", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_list_is_none(make_mount, scripted, start, damage):
    standin = scripted("models ok", "models status=401", "models * ok")
    mount = make_mount(standin.url, AUTO)
    mount.unmount()
    file = mount.store / "models"
    if damage is None:
        file.unlink()
        os.symlink("/etc/passwd", file)
    elif isinstance(damage, bytes):
        file.write_bytes(damage)
    else:
        file.write_text(damage.format(url=standin.url), encoding="utf-8")
    assert start(standin.url)[0] == NO_KEY
    mount.start()
    assert kept(mount) == (standin.url, THREE)
    assert not file.is_symlink()
    mount.unmount()


def test_as_many_names_as_can_be_kept(make_mount, scripted):
    names = [f"image-{number:03}-{'x' * 118}" for number in range(256)]
    standin = scripted(f'models list=openai, list_names="{" ".join(names)}"',
                       "models * status=401")
    mount = make_mount(standin.url, AUTO)
    assert kept(mount)[1] == names
    mount.unmount()
    mount.start()
    assert models(mount) == names
    mount.unmount()


# --check and --print-config

def check(start, url, **named):
    """--check: its status and its lines on the API and on models, without the milliseconds."""
    aside = ("store", "API key  found", "sandbox")
    status, text = start(url, arguments=("--check",), **named)
    lines = [line.rsplit(", ", 1)[0] if "answers" in line else line for line in text.splitlines()]
    return status, [line for line in lines if not line.startswith(aside)]


def test_check_lists_the_models(standin, start):
    assert check(start, standin.url) == (OK, [
        f"API      {standin.url} answers (HTTP/1.1, status 200",
        "models   the API lists 5, 3 of them make pictures:",
        *(f"         {name}" for name in THREE)])
    assert lists(standin) == ["pageSize=200"]


@pytest.mark.parametrize("directives,status,lines", [
    ("status=401", NO_KEY, ["API key  refused by the API"]),
    ("status=500, message=Gone", FAILURE,
     ["models   The API failed while it worked on the request: Gone."]),
    ("list=html", FAILURE, ["models   What the API gave as its list of models is not JSON."]),
    ("list_count=0", FAILURE, ["models   the API lists 0, 0 of them make pictures"]),
    (f'redirect="302:http://127.0.0.1:9/{KEY}"', CONFIG,
     ["API      The base URL redirects to http://127.0.0.1:9/[key]. Use that URL."]),
])
def test_check_tells_what_is_wrong(scripted, start, directives, status, lines):
    standin = scripted(f"models * {directives}")
    got, told = check(start, standin.url)
    assert (got, told[1:]) == (status, lines)
    assert lists(standin) == ["pageSize=200"]


def test_check_without_a_network(start, dead_url):
    assert check(start, dead_url) == (FAILURE, [
        f"API      No connection to {dead_url.removeprefix('http://')}: Connection refused."])


def test_check_without_a_key(standin, start):
    status, lines = check(start, standin.url, key=None)
    assert status == NO_KEY
    assert "API key  refused by the API" not in lines
    assert [entry["key"] for entry in standin.entries()] == ["none"]


def test_check_of_a_list_of_names_asks_for_one_page(scripted, start):
    standin = scripted("models * list=endless")
    assert check(start, standin.url)[0] == OK
    assert len(lists(standin)) == 32
    done = run([BUILD / "src" / "easelfs", "--check", standin.url],
               env=environment(HOME=str(standin.log.parent), EASELFS_API_KEY=KEY), check=False)
    assert done.returncode == OK
    assert done.stdout.decode().startswith("models   3 configured\n")
    assert len(lists(standin)) == 33


def test_print_config_asks_nobody(standin, start):
    status, text = start(standin.url, arguments=("--print-config",))
    assert status == OK
    assert "\nmodels = auto\n" in text
    assert lists(standin) == []
