"""Bad weather on a real link: the object is the file all the same."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from asyncup.edges.body import FIRST_SLICE
from asyncup.edges.s3_http import BUFFERED
from asyncup.edges.tcp import UNSENT
from tests.certificates import make_certificate
from tests.network.link import Link
from tests.network.namespaces import inside
from tests.network.store import Store
from tests.network.upload import Upload, resent
from tests.network.weather import Weather
from tests.proxy import proxy_to

MIB = 1 << 20
MBIT = 1_000_000
BENEATH_TLS = 64 << 10
"""What asyncio holds of a connection beneath TLS, at most, as it does where nothing else is set."""

AHEAD = UNSENT + BUFFERED + BENEATH_TLS + 2 * FIRST_SLICE
"""Bytes that are taken before they leave; of slices, one is read and one is in between."""


WEATHER = {
    "loss of 1 %, reordering": Weather(delay=0.005, loss=0.01, reorder=0.05),
    "loss of 5 %": Weather(delay=0.001, loss=0.05),
    "80 ms": Weather(delay=0.08, jitter=0.02),
    "20 Mbit/s, a queue of 3 seconds": Weather(delay=0.01, rate=20 * MBIT, queue=8 * MIB),
}

WORSE = {
    "10 Mbit/s": Weather(delay=0.02, rate=10 * MBIT),
    "100 Mbit/s, loss": Weather(delay=0.02, rate=100 * MBIT, loss=0.001),
    "loss of 10 %": Weather(delay=0.005, loss=0.1),
    "300 ms": Weather(delay=0.3, jitter=0.1),
    "300 ms, loss of 1 %": Weather(delay=0.3, jitter=0.1, loss=0.01),
    "1 Mbit/s": Weather(delay=0.05, rate=MBIT),
    "1 Mbit/s, a queue of 8 seconds": Weather(delay=0.05, rate=MBIT, queue=MIB),
    "1 Mbit/s, loss of 5 %": Weather(delay=0.05, rate=MBIT, loss=0.05, queue=64 << 10),
    "10 Mbit/s, 80 ms, loss, reordering": Weather(
        delay=0.08, jitter=0.05, rate=10 * MBIT, loss=0.02, reorder=0.05
    ),
}


@pytest.mark.parametrize("weather", WEATHER)
def test_bad_weather(link: Link, upload: Upload, weather: str) -> None:
    """A file of two parts goes up, and no part travels twice: TCP mends that by itself."""
    upload.make(5 * MIB + 100_000)
    link.set(WEATHER[weather])
    ended = upload.run()
    upload.check(ended)
    assert resent(ended) == 0


@pytest.mark.parametrize(
    "size", [60_000, pytest.param(300_000, marks=[pytest.mark.network, pytest.mark.timeout(900)])]
)
def test_loss_of_a_fifth(link: Link, upload: Upload, size: int) -> None:
    """A file of one request goes up even then: at some 10 kB/s, TCP mostly waits."""
    upload.make(size)
    link.set(Weather(delay=0.001, loss=0.2))
    upload.check(upload.run())


@pytest.fixture
def secure(link: Link, store: Store, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Return the environment that reaches the server by TLS, which a proxy at its side speaks."""
    made = make_certificate(tmp_path, link.address)
    with ExitStack() as stack:
        # Its thread is of the namespace of who begins it.
        proxy = inside(
            link.server,
            lambda: stack.enter_context(
                proxy_to(store.url, certificate=made, address=link.address)
            ),
        )
        yield {"AWS_ENDPOINT_URL": proxy.url, "AWS_CA_BUNDLE": str(made.issuer)}


@pytest.mark.parametrize("is_secure", [False, True], ids=["TCP", "TLS"])
def test_slow_is_not_stalled(
    link: Link, upload: Upload, secure: Mapping[str, str], *, is_secure: bool
) -> None:
    """A link on which bytes move, but few in a stall time, is no reason to begin again.

    Nor is more told to be on its way than has left, but for what little the system takes ahead.
    """
    upload.make(700_000)
    link.set(Weather(delay=0.02, rate=MBIT // 2, queue=16 << 10))
    # TCP itself rests for a second or two when so short a queue has lost all that was under way.
    options = ("--stall-timeout=5s", "--retry-step=0.1s")
    running = upload.start(*options, env=secure if is_secure else {})
    most = 0
    while (event := running.wait_for("progress", "upload_completed"))["type"] == "progress":
        left = sum(connection.unique for connection in link.connections())
        assert event["bytes_committed"] + event["bytes_in_flight"] <= left + AHEAD
        most = max(most, event["bytes_in_flight"])
    assert most > AHEAD
    ended = running.finish()
    upload.check(ended)
    assert resent(ended) == 0


@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.parametrize("concurrency", [(), ("--concurrency=2",), ("--concurrency=16",)], ids=str)
@pytest.mark.parametrize("weather", WORSE)
def test_worse_weather(
    link: Link, upload: Upload, weather: str, concurrency: tuple[str, ...]
) -> None:
    """However slow, with the options as they come and with others, and nothing travels twice."""
    upload.make(12 * MIB)
    link.set(WORSE[weather])
    ended = upload.run(*concurrency)
    upload.check(ended)
    assert resent(ended) == 0
