# SPDX-License-Identifier: MIT
"""No answer can make this machine talk to its own network: RELIABILITY T2, on a real mount.

The daemon lives in a network where whatever it dials arrives at the test (own_network.py): of the
addresses that are not public, none may ever be dialled, however it is spelled, by whatever way the
link leads there. For the same ways to a public address, the picture comes.
"""

import contextlib

import pytest

from conftest import Desk, mounts, standins
from harness import sha256
from job_play import KEPT, PAID, directed, play
from job_rows import Ledger, desk, ledger, play_all
from own_network import PICTURE, Network, Resolver, World

__all__ = ["desk", "ledger"]  # fixtures

MAPPED = {"::ffff:a9fe:a9fe": "::ffff:169.254.169.254"}
ADVICE = "Where that is right, allow it with result_hosts."
BLOCKED = "The picture's link leads to %s (%s), which is not on the public network."
CIRCLED = ("The picture's link leads to ①②⑦.⓪.⓪.① (127.0.0.1), which is not on the public "
           "network.")
PUBLIC = "93.184.216.34"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The world, the resolver, and what makes mounts and stand-ins in there."""
    directory = tmp_path_factory.mktemp("network")
    with contextlib.ExitStack() as stack:
        stack.enter_context(Network(directory))
        resolver = Resolver()
        stack.callback(resolver.close)
        world = World()
        stack.callback(world.close)
        yield world, resolver


@pytest.fixture
def world(network):
    world = network[0]
    world.visits()
    yield world
    world.answers.clear()


@pytest.fixture
def zone(network):
    zone = network[1].zone
    yield zone
    zone.clear()


@pytest.fixture(scope="module")
def shared_standin(network, tmp_path_factory):
    with standins(tmp_path_factory.mktemp("shared")) as make:
        yield make()


def picture_at(url):
    return directed("A cat", f'form=file_data, url="external:{url}"')


def redirect_to(url):
    return directed("A cat", f'form=url, url="redirect_to:{url}"')


def refused(what, advice=ADVICE):
    return f"The picture could not be fetched. {what}\n{PAID}\n{advice}"


def check_refused(outcome, told):
    assert outcome.told().replace(outcome.record["id"], "JOB") == told
    assert (outcome.results, outcome.state, outcome.attempts) == ([], "failed", 1)
    assert outcome.charge == "certain"


# the host in the link: what it is read as, where that is not the same
FORBIDDEN = {
    "127.0.0.1": None, "127.1": "127.0.0.1", "2130706433": "127.0.0.1",
    "0x7f000001": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "0": "0.0.0.0", "0.0.0.0": None,
    "127.255.255.254": None, "10.1.2.3": None, "172.16.0.1": None, "172.31.255.255": None,
    "192.168.1.1": None, "100.64.0.1": None, "100.100.100.200": None, "100.127.255.255": None,
    "169.254.169.254": None, "169.254.170.2": None, "0xa9fea9fe": "169.254.169.254",
    "192.0.0.192": None, "168.63.129.16": None, "198.18.0.1": None, "198.19.255.255": None,
    "192.0.2.1": None, "224.0.0.1": None, "240.0.0.1": None, "255.255.255.255": None,
    "[::]": None, "[::1]": None, "[::ffff:127.0.0.1]": None, "[::ffff:a9fe:a9fe]": None,
    "[::127.0.0.1]": None, "[64:ff9b::7f00:1]": None, "[64:ff9b::a9fe:a9fe]": None,
    "[64:ff9b:1::7f00:1]": None, "[2002:7f00:1::1]": None, "[2002:a9fe:a9fe::1]": None,
    "[2001:0:5db8:d822::80ff:fffe]": None, "[fe80::1]": None, "[fe80::1%25lo]": None,
    "[fc00::1]": None, "[fd00::1]": None, "[fd00:ec2::254]": None, "[fec0::1]": None,
    "[ff02::1]": None, "[2001:db8::1]": None,
}


@pytest.mark.parametrize("host", FORBIDDEN)
def test_a_forbidden_address(desk, world, zone, host):
    """Directly, by a redirect of the API's host, by one of another host, and by a name."""
    address = FORBIDDEN[host] or host.strip("[]")
    shown = address.removesuffix("%25lo")
    label = f"[{shown}]" if ":" in shown else shown
    address = MAPPED.get(shown, shown)
    name = f"inside-{list(FORBIDDEN).index(host)}.example"  # libcurl remembers names for a minute
    zone[name] = [address]
    world.answers["/away"] = lambda _: (302, {"Location": f"http://{host}/x"}, b"")
    outcomes = play_all(desk, {
        "direct": picture_at(f"http://{host}/latest/meta-data/"),
        "redirect": redirect_to(f"http://{host}:81/x"),
        "away": picture_at(f"http://{PUBLIC}/away"),
        "name": picture_at(f"http://{name}/x"),
    })
    assert world.visits() == [(PUBLIC, 80)]
    check_refused(outcomes["direct"], refused(BLOCKED % (label, address)))
    check_refused(outcomes["redirect"], refused(BLOCKED % (f"{label}:81", address)))
    check_refused(outcomes["away"], refused(BLOCKED % (label, address)))
    check_refused(outcomes["name"], refused(BLOCKED % (name, address)))


# the link: (what people are told it leads to, addresses that it may say; libcurl sorts them)
NAMES = {
    "http://localhost/": ("localhost", {"127.0.0.1", "::1"}),
    "http://LOCALHOST:81/": ("LOCALHOST:81", {"127.0.0.1", "::1"}),
    "http://in-hosts.example/": ("in-hosts.example", {"10.9.9.9"}),
    "http://several.example/": ("several.example", {"10.0.0.1", "172.16.0.1"}),
    "http://both.example/": ("both.example", {"fd00::1", "192.168.0.1"}),
    "http://a.b.c.d.example:81/x": ("a.b.c.d.example:81", {"169.254.169.254"}),
}
ZONE = {"several.example": ["10.0.0.1", "172.16.0.1"], "both.example": ["fd00::1", "192.168.0.1"],
        "a.b.c.d.example": ["169.254.169.254"]}


@pytest.mark.parametrize("url", NAMES)
def test_a_name_of_forbidden_addresses(desk, world, zone, url):
    label, addresses = NAMES[url]
    zone.update(ZONE)
    outcomes = play_all(desk, {"direct": picture_at(url), "redirect": redirect_to(url)})
    told = {refused(BLOCKED % (label, address)) for address in addresses}
    assert {outcome.told() for outcome in outcomes.values()} <= told
    assert {outcome.state for outcome in outcomes.values()} == {"failed"}
    assert world.visits() == []


MIXED = [["10.0.0.1", PUBLIC], [PUBLIC, "10.0.0.1"], ["fd00::1", PUBLIC],
         ["10.0.0.1", "2606:2800:220:1::1"], ["127.0.0.1", "169.254.169.254", "::1", PUBLIC]]


@pytest.mark.parametrize("addresses", MIXED, ids="+".join)
def test_a_name_of_both_kinds_of_addresses(desk, world, zone, addresses):
    """Only the public one is dialled."""
    name = f"mixed-{MIXED.index(addresses)}.example"
    zone[name] = addresses
    outcome = play(desk.mount, desk.standin, desk.path, picture_at(f"http://{name}/x"))
    assert (outcome.state, outcome.sums) == ("done", [sha256(PICTURE)])
    public, = {PUBLIC, "2606:2800:220:1::1"} & set(addresses)
    assert world.visits() == [(public, 80)]


def test_a_name_that_changes_between_two_connections(desk, world, zone):
    """The first answer of the name server passes; by the time of the redirect it has another."""
    def move(_handler):
        zone["rebind.example"] = ["127.0.0.1"]
        return 302, {"Location": "http://rebind.example:81/inside"}, b""

    zone["rebind.example"] = [PUBLIC]
    world.answers["/move"] = move
    outcome = play(desk.mount, desk.standin, desk.path, picture_at("http://rebind.example/move"))
    check_refused(outcome, refused(BLOCKED % ("rebind.example:81", "127.0.0.1")))
    assert world.visits() == [(PUBLIC, 80)]


def test_a_name_that_changes_between_two_tries(desk, world, zone):
    """Each try is judged by the address that it dials."""
    def fail(_handler):
        zone["again.example"] = ["10.0.0.1"]
        return 503, {}, b""

    zone["again.example"] = [PUBLIC]
    world.answers["/fail"] = fail
    outcome = play(desk.mount, desk.standin, desk.path, picture_at("http://again.example/fail"))
    assert (outcome.state, outcome.results) == ("failed", [])
    assert {address for address, _ in world.visits()} == {PUBLIC}


URL = "The URL cannot be used: %s."
KEPT_LINK = "Its link is kept in the store, in done/JOB/answer."
UNUSABLE = f"The answer names a picture that cannot be read or fetched.\n{PAID}\n{KEPT}"
SCHEME = URL % "it is neither https nor http"
HOST = URL % "its host makes no sense"
USER = URL % "it has a user or a password in it"
MALFORMED = URL % "it is malformed"
LOCAL = BLOCKED % ("127.0.0.1", "127.0.0.1")

# the link: (what is told of it in an answer, None where it is no link; of it in a redirect)
LINKS = {
    "file:///etc/passwd": (None, SCHEME),
    "file://localhost/etc/passwd": (None, SCHEME),
    "gopher://127.0.0.1:70/_x": (None, SCHEME),
    "ftp://127.0.0.1:21/x": (None, SCHEME),
    "dict://127.0.0.1:81/x": (None, SCHEME),
    "scp://127.0.0.1/x": (None, SCHEME),
    "javascript:alert(1)": (None, SCHEME),
    "//127.0.0.1/x": (None, LOCAL),
    "http:127.0.0.1/x": (None, MALFORMED),
    "http://": (HOST, HOST),
    "http://[::1/x": (HOST, HOST),
    "http://127.0.0.1 .example/": (None, HOST),
    "http://x.example%00.y/": (HOST, HOST),
    "http://93.184.216.34:99999/": (MALFORMED, MALFORMED),
    "http://93.184.216.34@127.0.0.1/x": (USER, USER),
    "http://user:word@93.184.216.34/x": (USER, USER),
    "http://127.0.0.1%2f@x.example/": (USER, USER),
    "http://127.0.0.1#@93.184.216.34/": (LOCAL, LOCAL),
    "http://%31%32%37.0.0.1/": (LOCAL, LOCAL),
    "HTTP://127.0.0.1/": (LOCAL, LOCAL),
    "http://①②⑦.⓪.⓪.①/": (CIRCLED, CIRCLED),
}


@pytest.mark.parametrize("url", LINKS)
def test_a_link_that_is_none(desk, world, url):
    """In an answer, as a redirect of the API's host, and as one of another host."""
    answered, redirected = LINKS[url]
    world.answers["/away"] = lambda _: (302, {"Location": url.encode().decode("latin-1")}, b"")
    outcomes = play_all(desk, {"direct": picture_at(url), "redirect": redirect_to(url),
                               "away": picture_at(f"http://{PUBLIC}/away")})

    def told(what):
        return UNUSABLE if what is None else refused(what, ADVICE if what in (LOCAL, CIRCLED) else KEPT_LINK)

    check_refused(outcomes["direct"], told(answered))
    check_refused(outcomes["redirect"], told(redirected))
    check_refused(outcomes["away"], told(redirected))
    assert world.visits() == [(PUBLIC, 80)]


def test_a_name_that_nobody_has(desk, world):
    """Asked three times; then it is told, the same for a redirect."""
    outcomes = play_all(desk, {"direct": picture_at("http://nobody.example/x"),
                               "redirect": redirect_to("http://nobody.example/x")})
    for outcome in outcomes.values():
        check_refused(outcome, refused("No connection to nobody.example: could not resolve host.",
                                       KEPT_LINK))
    assert world.visits() == []


# Not forbidden: the neighbours of the forbidden networks, and of what embeds an IPv4 address.
ALLOWED = ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
           "126.255.255.255", "128.0.0.0", "168.63.129.15", "169.253.255.255", "169.255.0.0",
           "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
           "198.17.255.255", "198.20.0.0", "223.255.255.255", "[2606:2800:220:1::1]",
           "[2001:200::1]", "[64:ff9b::5db8:d822]", "[2002:5db8:d822::1]"]


def test_public_addresses(desk, world):
    """The same picture from all of them: only the first is kept, and each was asked."""
    outcomes = play_all(desk, {f"p{number}": picture_at(f"http://{host}/x")
                               for number, host in enumerate(ALLOWED)})
    for name, outcome in outcomes.items():
        assert (outcome.state, outcome.sums) == ("done", [sha256(PICTURE)]), name
    assert world.visits() == sorted((host.strip("[]"), 80) for host in ALLOWED)


def test_the_api_itself_may_be_asked_for_pictures(desk, world):
    """Its host and port, and no other port of it: that may be anything on this machine."""
    outcome = play(desk.mount, desk.standin, desk.path, directed("A cat", "form=url, variant=0"))
    assert outcome.state == "done"
    outcome = play(desk.mount, desk.standin, desk.path, redirect_to("http://127.0.0.1:81/x"))
    check_refused(outcome, refused(BLOCKED % ("127.0.0.1:81", "127.0.0.1")))
    port = desk.standin.url.rsplit(":", 1)[1]
    outcome = play(desk.mount, desk.standin, desk.path, picture_at(f"http://127.0.0.2:{port}/x"))
    check_refused(outcome, refused(BLOCKED % (f"127.0.0.2:{port}", "127.0.0.2")))
    assert world.visits() == []


# the link: the address it leads to where result_hosts allows it, else None
HOSTS = "named.example ported.example:81 10.1.1.1 10.1.1.2:81 [fd00::1]:81 fd00::2"
WITH_HOSTS = {
    "http://named.example/": "10.2.2.2", "http://NAMED.example:81/": "10.2.2.2",
    "http://sub.named.example/": None, "http://same-address.example/": None,
    "http://ported.example/": None, "http://ported.example:81/": "10.2.2.3",
    "http://10.1.1.1/": "10.1.1.1", "http://10.1.1.1:81/": "10.1.1.1",
    "http://leads-there.example/": "10.1.1.1", "http://[::ffff:10.1.1.1]/": "10.1.1.1",
    "http://10.1.1.2/": None, "http://10.1.1.2:81/": "10.1.1.2", "http://10.1.1.3/": None,
    "http://[fd00::1]/": None, "http://[fd00::1]:81/": "fd00::1",
    "http://[fd00::2]/": "fd00::2", "http://[fd00::3]/": None,
    f"http://{PUBLIC}/": PUBLIC,
}
HOSTS_ZONE = {"named.example": ["10.2.2.2"], "sub.named.example": ["10.2.2.2"],
              "same-address.example": ["10.2.2.2"], "ported.example": ["10.2.2.3"],
              "leads-there.example": ["10.1.1.1"]}


def test_result_hosts(shared_standin, tmp_path, world, zone):
    """Each link in an answer, and as a redirect."""
    zone.update(HOSTS_ZONE)
    expected = sorted((address, 81 if ":81" in url else 80)
                      for url, address in WITH_HOSTS.items() if address)
    with mounts(tmp_path) as make:
        mount = make(shared_standin.url, f"-oresult_hosts={HOSTS}")
        for number, make_text in enumerate((picture_at, redirect_to)):
            directory = mount.top / f"w{number}"
            directory.mkdir()
            outcomes = play_all(Desk(Ledger(mount), shared_standin, directory),
                                {url: make_text(url) for url in WITH_HOSTS})
            assert {url: outcome.state for url, outcome in outcomes.items()} == {
                url: "done" if address else "failed" for url, address in WITH_HOSTS.items()}
            assert {url for url, outcome in outcomes.items()
                    if "not on the public network" in (outcome.error or "")} == {
                        url for url, address in WITH_HOSTS.items() if not address}
            assert world.visits() == expected
        mount.unmount()


def test_no_proxy_is_asked_for_a_picture(shared_standin, tmp_path, world, monkeypatch):
    """It would dial for us, and what it dials nobody here would see."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{PUBLIC}:3128")
    with mounts(tmp_path) as make:
        mount = make(shared_standin.url)
        outcome = play(mount, shared_standin, mount.top, picture_at("http://10.0.0.1/x"))
        check_refused(outcome, refused(BLOCKED % ("10.0.0.1", "10.0.0.1")))
        outcome = play(mount, shared_standin, mount.top, picture_at(f"http://{PUBLIC}/x"))
        assert outcome.sums == [sha256(PICTURE)]
        mount.unmount()
    assert world.visits() == [(PUBLIC, 80)]
