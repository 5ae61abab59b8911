"""Bad weather on a real link: the object is the file all the same."""

import pytest

from tests.network.link import Link
from tests.network.upload import Upload, resent
from tests.network.weather import Weather

MIB = 1 << 20
MBIT = 1_000_000

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


def test_slow_is_not_stalled(link: Link, upload: Upload) -> None:
    """A link on which bytes move, but few in a stall time, is no reason to begin again."""
    upload.make(500_000)
    link.set(Weather(delay=0.02, rate=MBIT // 2, queue=16 << 10))
    # TCP itself rests for a second or two when so short a queue has lost all that was under way.
    ended = upload.run("--stall-timeout=5s", "--retry-step=0.1s")
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
