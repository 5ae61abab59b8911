"""A link or a server that goes away and comes back: the upload waits, goes on, and is proven."""

import signal
from collections.abc import Callable

import pytest

from tests.network.link import Link
from tests.network.names import NAME, Mood, NameServer
from tests.network.store import Store
from tests.network.upload import Upload, resent
from tests.network.weather import Weather

MIB = 1 << 20
PARTS = 4
SIZE = PARTS * 5 * MIB - 12345
BROADBAND = Weather(delay=0.005, rate=100_000_000)
HURRY = ("--concurrency=2", "--stall-timeout=1.5s", "--retry-step=0.5s", "--retry-cap=2s")
FOR_EVER = (0.0, 1e9)
LOST = {"Stalled", "TimedOut", "ConnectionLost", "TooSlow"}


def down(seconds: float) -> Weather:
    """Return the weather of a link that comes back after so long."""
    return Weather(delay=0.005, rate=100_000_000, outages=((0, seconds),))


@pytest.fixture(autouse=True)
def ready(link: Link, upload: Upload) -> None:
    """Make a file of some parts, and a link on which it takes a second or two."""
    upload.make(SIZE)
    link.set(BROADBAND)


def test_resets(link: Link, upload: Upload) -> None:
    """A reset in mid-part costs that part's bytes and no others."""
    for after in (2 * MIB, 7 * MIB, 12 * MIB):
        link.reset(after=after)
    ended = upload.run(*HURRY)
    upload.check(ended)
    assert 1 <= len(ended.events("retry_scheduled")) <= 3
    assert resent(ended) < 3 * 5 * MIB


def test_every_connection_reset(link: Link, upload: Upload) -> None:
    """So does a router that forgets all its connections at once."""
    link.reset(after=7 * MIB, every=True)
    ended = upload.run(*HURRY)
    upload.check(ended)
    assert resent(ended) < 2 * 5 * MIB


def test_one_connection_black_holed(link: Link, upload: Upload) -> None:
    """One connection of which nothing is heard any more does not hold up the others."""
    link.cut(after=7 * MIB)
    ended = upload.run(*HURRY)
    upload.check(ended)
    (retry,) = ended.events("retry_scheduled")
    # Near the end of a run, one that lags is not waited for until it stalls.
    assert retry["error"]["name"] in {"Stalled", "TooSlow"}
    uploaded = [event["part_number"] for event in ended.events("part_uploaded")]
    assert uploaded.index(retry["part_number"]) > 0


def test_connections_lost_in_sleep(link: Link, upload: Upload) -> None:
    """A machine that wakes up finds its connections half open: they cost the parts in flight."""
    running = upload.start(*HURRY, "--max-retry=2")
    running.wait_for("part_uploaded")
    running.process.send_signal(signal.SIGSTOP)
    link.cut(every=True)
    running.process.send_signal(signal.SIGCONT)
    ended = running.finish()
    upload.check(ended)
    assert {event["error"]["name"] for event in ended.events("retry_scheduled")} <= LOST
    assert resent(ended) <= 2 * 5 * MIB


@pytest.mark.parametrize(
    "seconds",
    [
        6,
        pytest.param(20, marks=pytest.mark.network),
        pytest.param(90, marks=[pytest.mark.network, pytest.mark.timeout(300)]),
        pytest.param(300, marks=[pytest.mark.network, pytest.mark.timeout(600)]),
    ],
)
def test_link_down(link: Link, upload: Upload, seconds: float) -> None:
    """A link that is down for a while costs no attempts and, of the parts, those in flight."""
    link.set(down(seconds), after=7 * MIB)
    ended = upload.run(*HURRY, "--max-retry=2")
    upload.check(ended)
    assert ended.events("went_offline")
    assert len(ended.events("went_online")) == 1
    assert resent(ended) <= 2 * 5 * MIB


def test_connections_outlive_an_outage(link: Link, upload: Upload) -> None:
    """Of four parts in flight, three go on where they were: what they had sent is not lost."""
    link.set(Weather(delay=0.005, rate=20_000_000))
    link.set(Weather(delay=0.005, rate=20_000_000, outages=((0, 5),)), after=5 * MIB)
    ended = upload.run(*HURRY, "--concurrency=4")
    upload.check(ended)
    assert ended.events("went_offline")
    assert len(ended.events("retry_scheduled")) <= 1
    assert resent(ended) <= 5 * MIB


def test_link_down_from_the_beginning(link: Link, upload: Upload) -> None:
    """Nothing has to be there when the command begins."""
    link.set(down(4))
    ended = upload.run(*HURRY, "--max-retry=2")
    upload.check(ended)
    assert resent(ended) == 0


@pytest.mark.parametrize(
    ("up", "down", "options"),
    [
        (2, 1, ("--concurrency=2", "--stall-timeout=10s")),
        pytest.param(4, 4, HURRY, marks=pytest.mark.network),
        pytest.param(10, 20, (), marks=[pytest.mark.network, pytest.mark.timeout(300)]),
        pytest.param(2, 2, (), marks=[pytest.mark.network, pytest.mark.timeout(300)]),
    ],
    ids=["connections outlive it", "connections do not", "rarely up", "often down"],
)
def test_flapping(link: Link, upload: Upload, up: int, down: int, options: tuple[str, ...]) -> None:
    """A link that is there for some seconds and away for some, again and again."""
    begins = range(up, 600, up + down)
    outages = tuple((begin, begin + down) for begin in begins)
    link.set(Weather(delay=0.005, rate=40_000_000, outages=outages))
    upload.check(upload.run(*options, "--max-retry=2"))


def test_interface_down(link: Link, upload: Upload) -> None:
    """A machine without a network, as a laptop that changes its own: connecting fails at once."""
    link.set(BROADBAND, after=7 * MIB)
    running = upload.start(*HURRY, "--max-retry=2")
    link.wait()
    link.pull_out()
    try:
        running.wait_for("went_offline")
    finally:
        link.plug_in()
    ended = running.finish()
    upload.check(ended)
    assert resent(ended) <= 2 * 5 * MIB


def test_server_killed(link: Link, store: Store, upload: Upload) -> None:
    """A server that dies in the middle of a part is waited for; what it had stays."""
    link.set(BROADBAND, after=12 * MIB)
    running = upload.start(*HURRY, "--max-retry=2")
    running.wait_for("part_uploaded")
    link.wait()
    store.kill()
    running.wait_for("went_offline")
    store.start_again()
    ended = running.finish()
    upload.check(ended)
    # Two parts are in flight; while it starts, it takes some in only to say that it cannot.
    assert resent(ended) <= 4 * 5 * MIB


@pytest.mark.parametrize("mood", [Mood.DENY, Mood.FAIL, Mood.SILENCE], ids=lambda mood: mood.name)
def test_name_not_found(upload: Upload, names: NameServer, mood: Mood) -> None:
    """A name that cannot be found may be there soon."""
    names.turn(mood)
    running = upload.start(
        *HURRY, "--max-retry=20", "--addressing-style=path", env=upload.by_name(NAME)
    )
    running.wait_for("went_offline")
    names.turn(Mood.ANSWER)
    upload.check(running.finish())


@pytest.mark.network
@pytest.mark.parametrize("mood", [Mood.DENY, Mood.FAIL, Mood.SILENCE], ids=lambda mood: mood.name)
def test_name_no_longer_found(link: Link, upload: Upload, names: NameServer, mood: Mood) -> None:
    """A name that was found, and cannot be found any more, may be there soon."""
    # By then, it is more than 10 s ago that it was found: for so long it is remembered.
    link.set(Weather(rate=10_000_000))
    link.reset(after=14 * MIB, every=True)
    running = upload.start(
        *HURRY, "--max-retry=2", "--addressing-style=path", env=upload.by_name(NAME)
    )
    running.wait_for("part_uploaded")
    names.turn(mood)
    running.wait_for("went_offline")
    names.turn(Mood.ANSWER)
    upload.check(running.finish())


def link_gone(link: Link, store: Store) -> Callable[[], None]:
    """Take the link away; return what brings it back."""
    del store
    link.set(Weather(outages=(FOR_EVER,)))
    return link.clear


def server_gone(link: Link, store: Store) -> Callable[[], None]:
    """Take the server away; return what brings it back."""
    del link
    store.kill()
    return store.start_again


@pytest.mark.parametrize("gone", [link_gone, server_gone])
def test_giving_up(
    link: Link,
    store: Store,
    upload: Upload,
    gone: Callable[[Link, Store], Callable[[], None]],
) -> None:
    """An outage longer than --give-up-after ends with status 75; run again, it goes on."""
    running = upload.start(*HURRY, "--max-retry=2", "--give-up-after=3s")
    running.wait_for("part_uploaded")
    back = gone(link, store)
    ended = running.finish()
    assert ended.code == 75, ended.out[-1000:] + ended.err
    at_s3 = {event["part_number"] for event in ended.events("part_uploaded")}
    assert at_s3
    back()
    ended = upload.run(*HURRY)
    upload.check(ended)
    assert {event["part_number"] for event in ended.events("part_kept")} >= at_s3
