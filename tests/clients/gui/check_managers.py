# SPDX-License-Identifier: MIT
"""File managers on a mount: what they show, what they wait for, what they send, what they tell.

Each check leaves screenshots, to be looked at. run.sh has how to run them.
"""

import signal
import time

import pytest

from harness import run, sha256, until
from managers import Stuck
from screen import HEIGHT, WIDTH

JOBS = 20
PIXELS = 300  # of a thumbnail's that have a colour of the picture's
FREEZE = 1.0  # seconds in the kernel
SLACK = 5.0  # seconds that a loaded machine may take; what waits for a job waits for ever


@pytest.fixture(autouse=True)
def windows(session):
    yield
    session.manager.close()


def bright():
    """A picture as no window has it."""
    return run(["convert", "-size", "240x180", "gradient:orange-blue", "png:-"]).stdout


def test_a_result_appears_by_itself_with_its_thumbnail(session):
    screen, manager = session.screen, session.manager
    place = session.begin("live")
    window = manager.show(place)
    before = screen.picture(window)
    session.shot("live-1-before")
    began = time.monotonic()
    session.shell("echo 'A red kite over dunes' > prompt; cat .prompt.wait", place)
    seen = screen.home / "seen.jpg"
    session.shell(f"cp 0001.jpg {seen}", place)
    until(lambda: screen.find(window, seen, before)[0] >= PIXELS, "the thumbnail in the window")
    took = time.monotonic() - began
    print(f"\n{manager.name}: the thumbnail is seen {took:.1f} s after the save")
    if manager.keeps_thumbnails:
        until(lambda: manager.thumbnail(place / "0001.jpg"), "the thumbnail in the cache")
    session.shot("live-2-after")
    assert [request["prompt"] for request in session.requests()] == ["A red kite over dunes"]


def test_a_result_that_is_removed_disappears_by_itself(session):
    screen, manager = session.screen, session.manager
    place = session.begin("gone")
    before = screen.picture(manager.show(place))
    manager.close()
    session.shell("echo 'A red kite over dunes' > prompt; cat .prompt.wait", place)
    seen = screen.home / "seen-gone.jpg"
    session.shell(f"cp 0001.jpg {seen}", place)
    window = manager.show(place)
    until(lambda: screen.find(window, seen, before)[0] >= PIXELS, "the thumbnail in the window")
    session.shell("rm -f 0001.jpg", place)
    until(lambda: screen.find(window, seen, before)[0] == 0, "a window without it")
    session.shot("gone")
    assert len(session.requests()) == 1


def begin_jobs(session, place):
    """Have 20 jobs under way, which the API does not answer; to be let go on."""
    session.shell(f"for i in $(seq -w {JOBS}); do"
                  " echo '[[standin: delay=3000]]' text $i > $i.prompt; done", place)
    session.standin.await_requests(session.before + JOBS)
    session.standin.process.send_signal(signal.SIGSTOP)


class Opening:
    """A file manager that is started on a folder: how long it takes, and how it answers to keys."""

    def __init__(self, session, folder):
        screen, manager = session.screen, session.manager
        manager.close()
        began = time.monotonic()
        process = screen.start(manager.name, *manager.options, str(folder))
        with Stuck(process.pid) as self.stuck:
            self.window = until(lambda: screen.windows(f"^{folder.name}( |$)"), "a window")[-1]
            self.mapped = time.monotonic() - began
            manager.await_quiet(self.window)
            self.quiet = time.monotonic() - began
            self.answers = [self.answer(screen, key) for key in ("ctrl+a", "Right", "ctrl+a")]
            screen.keys(self.window, "F5")
            manager.await_quiet(self.window)

    def answer(self, screen, key):
        pixels = screen.picture(self.window).pixels
        began = time.monotonic()
        screen.keys(self.window, key)
        until(lambda: screen.picture(self.window).pixels != pixels, f"an answer to {key}")
        return time.monotonic() - began

    def assert_like(self, other):
        """Nothing waited for more than what takes its time in `other`, too."""
        assert self.stuck.samples and self.stuck.longest < FREEZE, self.stuck.where
        assert self.mapped < 2 * other.mapped + SLACK
        assert self.quiet < 2 * other.quiet + SLACK
        assert max(self.answers) < 2 * max(other.answers) + SLACK

    def __str__(self):
        return (f"window {self.mapped:.2f} s, quiet {self.quiet:.2f} s, answers to keys "
                f"{', '.join(f'{answer:.2f}' for answer in self.answers)} s, longest wait in the"
                f" kernel {self.stuck.longest * 1000:.0f} ms {self.stuck.where}"
                f" ({self.stuck.samples} looks)")


def test_a_folder_with_20_jobs_under_way_freezes_nothing(session):
    manager = session.manager
    place = session.begin("busy")
    plain = session.file("plain", "00.prompt", b"text").parent
    session.shell(f"for i in $(seq -w {JOBS}); do echo text $i > $i.prompt; done", plain)
    expected = Opening(session, plain)
    manager.close()
    begin_jobs(session, place)
    try:
        found = Opening(session, place)
        session.shot("busy-1-under-way")
        manager.close()
        top = Opening(session, session.mount.top)
        session.shot("busy-2-top")
        manager.close()
        window = manager.show(place)
        before = session.screen.picture(window)
        assert session.shell("ls | grep -c jpg || true", place).strip() == "0"
    finally:
        session.standin.process.send_signal(signal.SIGCONT)
    print(f"\n{manager.name}, plain: {expected}\n{manager.name}, busy: {found}\n"
          f"{manager.name}, the model's directory: {top}")
    found.assert_like(expected)
    top.assert_like(expected)
    assert len(session.requests()) == JOBS
    seen = session.screen.home / "seen-busy.jpg"
    session.shell(f"cp 01.jpg {seen}", place)
    until(lambda: session.screen.find(window, seen, before)[0] >= PIXELS,
          "the thumbnails in the window")
    manager.await_quiet(window)
    session.shot("busy-3-done")


def send_with_reference(session, place, picture):
    """Nothing was sent by now; the picture goes with the next prompt."""
    assert session.requests() == []
    session.shell("echo 'The same in green' > prompt; cat .prompt.wait", place)
    request, = session.requests()
    assert request["prompt"] == "The same in green"
    assert [reference["sha256"] for reference in request["references"]] == \
        [sha256(picture.read_bytes())]


def is_there(session, path, content):
    command = f"test -f {path} && sha256sum < {path} || true"
    return session.shell(command, "/").startswith(sha256(content))


def test_a_picture_that_is_pasted_is_a_reference(session):
    screen, manager = session.screen, session.manager
    place = session.begin("pasted")
    picture = session.file("pictures", "cat.png", bright())
    manager.take(picture)
    window = manager.show(place)
    screen.keys(window, "ctrl+v")
    until(lambda: is_there(session, place / "cat.png", picture.read_bytes()), "the picture")
    manager.await_quiet(window)
    session.shot("pasted")
    send_with_reference(session, place, picture)


def test_a_picture_that_is_dragged_and_dropped_is_a_reference(session):
    screen, manager = session.screen, session.manager
    place = session.begin("dropped")
    picture = session.file("album", "dog.png", bright())
    target = manager.show(place)
    blank = screen.picture(target)
    screen.put(target, WIDTH // 2, 0)
    source = manager.show(picture.parent)
    screen.put(source, 0, 0)
    until(lambda: screen.find(source, picture, blank)[0] >= PIXELS, "the thumbnail")
    manager.await_quiet(source)
    _, x, y = screen.find(source, picture, blank)
    session.shot("dropped-1-before")
    screen.drag((source, x, y), (target, WIDTH // 4 + 60, HEIGHT // 2))
    until(lambda: is_there(session, place / "dog.png", picture.read_bytes()), "the picture")
    manager.await_quiet(target)
    session.shot("dropped-2-after")
    send_with_reference(session, place, picture)


def test_a_prompt_that_is_pasted_is_sent_once(session):
    screen, manager = session.screen, session.manager
    place = session.begin("sent")
    manager.take(session.file("texts", "prompt", b"A red kite over dunes"))
    window = manager.show(place)
    screen.keys(window, "ctrl+v")
    session.standin.await_requests(session.before + 1)
    assert [request["prompt"] for request in session.requests()] == ["A red kite over dunes"]
    manager.await_quiet(window)
    session.shot("sent")


def test_a_prompt_that_is_pasted_over_another_is_sent_once(session):
    screen, manager = session.screen, session.manager
    place = session.begin("replaced")
    session.shell("echo old > prompt; cat .prompt.wait", place)
    manager.take(session.file("newer", "prompt", b"A red kite over dunes"))
    window = manager.show(place)
    screen.keys(window, "ctrl+v")
    button = screen.press(*manager.replace)
    session.standin.await_requests(session.before + 2)
    assert [request["prompt"] for request in session.requests()] == \
        ["old", "A red kite over dunes"]
    print(f"\n{manager.name}: asked, and told: {button}")
    manager.await_quiet(window)
    session.shot("replaced")


@pytest.mark.parametrize("before", ["", "old"], ids=["new", "over"])
def test_a_prompt_that_thunar_copies_under_another_name_first_is_sent_once(session, before):
    """As `prompt.partial~`, which is then renamed."""
    screen, manager = session.screen, session.manager
    if manager.name != "thunar":
        pytest.skip("of Thunar's")
    screen.run("xfconf-query", "-c", "thunar", "-p", "/misc-transfer-use-partial", "-n", "-t",
               "string", "-s", "THUNAR_USE_PARTIAL_MODE_ALWAYS")
    place = session.begin(f"partial{before}")
    if before:
        session.shell("echo old > prompt; cat .prompt.wait", place)
    manager.take(session.file(f"part{before}", "prompt", b"A red kite over dunes"))
    window = manager.show(place)
    with screen.watch(place) as names:
        screen.keys(window, "ctrl+v")
        if before:
            screen.press(*manager.replace)
        session.standin.await_requests(session.before + (2 if before else 1))
    assert "prompt.partial~" in names()
    assert [request["prompt"] for request in session.requests()] == \
        ([before] if before else []) + ["A red kite over dunes"]
    screen.run("xfconf-query", "-c", "thunar", "-p", "/misc-transfer-use-partial", "-r")


REFUSALS = {
    "no-text": (b"A \xff kite", "Invalid or incomplete multibyte or wide character",
                "The prompt is not UTF-8 text."),
    "too-long": (b"A kite " * 10000, "File too large", "The prompt is longer than 64 KiB."),
    "no-setting": (b"---\naspect_ratio: 5:17\n---\nA kite", "Invalid argument", "aspect_ratio"),
}


def paste_a_refused_prompt(session, what, text, over, sentence):
    """Paste a prompt, perhaps over one that is empty: a dialogue has the sentence."""
    screen, manager = session.screen, session.manager
    place = session.begin(what)
    if over:
        session.shell("touch prompt", place)
    manager.take(session.file(f"in-{what}", "prompt", text))
    window = manager.show(place)
    screen.keys(window, "ctrl+v")
    if over:
        screen.press(*manager.replace)
    words = until(lambda: [words for _, words in screen.words() if sentence in words],
                  f"a dialogue with {sentence!r}: {screen.words()}")
    until(lambda: "prompt.error.txt" in session.shell("ls", place), "the error file")
    manager.await_quiet(window)
    session.shot(what)
    print(f"\n{manager.name}, {what}: {words}")
    assert session.requests() == []
    return place


@pytest.mark.parametrize("over", [False, True], ids=["new", "over"])
@pytest.mark.parametrize("why", sorted(REFUSALS))
def test_a_dialogue_has_a_sentence_for_a_refused_prompt(session, why, over):
    text, sentence, advice = REFUSALS[why]
    what = f"refused-{why}" + ("-over" if over else "")
    place = paste_a_refused_prompt(session, what, text, over, sentence)
    assert advice in session.shell("cat prompt.error.txt", place)


def test_a_dialogue_has_a_sentence_where_there_is_no_key(session):
    with session.other_mount("keyless", key=None):
        place = paste_a_refused_prompt(session, "refused-no-key", b"A kite", False,
                                       "Required key not available")
        assert "no API key" in session.shell("cat prompt.error.txt", place)


def test_a_dialogue_has_a_sentence_where_the_day_is_over(session):
    with session.other_mount("spent", "-oimages_per_day=1") as mount:
        session.shell("echo 'A red kite' > prompt; cat .prompt.wait", mount.top)
        place = paste_a_refused_prompt(session, "refused-day-is-over", b"A kite", False,
                                       "Disk quota exceeded")
        assert "pictures a day" in session.shell("cat prompt.error.txt", place)
