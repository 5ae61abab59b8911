"""What the tools are put through."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.network.link import Link
from tests.network.store import Store
from tests.network.weather import Weather

MB = 1_000_000
MBIT = 1_000_000
RTT = 0.08
_FOR_EVER = 3600


def _nothing(_link: Link, _size: int) -> None:
    pass


def _leave_alone(_store: Store) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way in which a network is bad.

    Args:
        name: what it is called on the command line.
        told: what happens, for readers.
        size: of the file, in bytes.
        weather: of the link when the tool begins.
        before: what is arranged before the tool begins to upload a file of a size.
        meanwhile: what is done to the server while it runs.
        away: seconds during which nothing can be sent, whatever a tool does.
    """

    name: str
    told: str
    size: int
    weather: Weather
    before: Callable[[Link, int], None] = _nothing
    meanwhile: Callable[[Store], None] = _leave_alone
    away: float = 0

    @property
    def title(self) -> str:
        """What happens, and to how much."""
        return f"{self.size / MB:g} MB, {self.told}"

    @property
    def ideal(self) -> float:
        """The seconds that the bytes alone take at the link's rate."""
        return self.size * 8 / self.weather.rate + self.away


def _path(rate: int, loss: float = 0, outages: tuple[tuple[float, float], ...] = ()) -> Weather:
    """Return a path of 80 ms there and back, with a queue of as much as it holds."""
    queue = int(rate * RTT / 8)
    return Weather(delay=RTT / 2, rate=rate, queue=queue, loss=loss, outages=outages)


def _cut_one(link: Link, size: int) -> None:
    link.cut(after=size // 3)


def _reset_some(link: Link, size: int) -> None:
    for number in range(5):
        link.reset(after=size // 10 + number * size // 5)


def _restart(store: Store) -> None:
    time.sleep(_SERVER_RUNS)
    store.kill()
    time.sleep(_SERVER_AWAY)
    store.start_again()


_SERVER_RUNS, _SERVER_AWAY = 5, 10
_OUTAGE = 90

SCENARIOS = (
    Scenario(
        name="clean",
        told="100 Mbit/s, 80 ms",
        size=200 * MB,
        weather=_path(100 * MBIT),
    ),
    Scenario(
        name="loss-1",
        told="100 Mbit/s, 80 ms, 1 % of packets lost",
        size=100 * MB,
        weather=_path(100 * MBIT, loss=0.01),
    ),
    Scenario(
        name="loss-5",
        told="100 Mbit/s, 80 ms, 5 % of packets lost",
        size=30 * MB,
        weather=_path(100 * MBIT, loss=0.05),
    ),
    Scenario(
        name="outage",
        told="50 Mbit/s, 80 ms, 0.5 % lost; down for 90 s from second 6 on",
        size=100 * MB,
        weather=_path(50 * MBIT, loss=0.005, outages=((6, 6 + _OUTAGE),)),
        away=_OUTAGE,
    ),
    Scenario(
        name="flapping",
        told="50 Mbit/s, 80 ms; up for 5 s, down for 5 s, again and again",
        size=50 * MB,
        weather=_path(
            50 * MBIT,
            outages=tuple((begin, begin + 5) for begin in range(5, _FOR_EVER, 10)),
        ),
        away=5,
    ),
    Scenario(
        name="server-restart",
        told="100 Mbit/s, 80 ms; the server is killed at second 5 and starts at second 15",
        size=100 * MB,
        weather=_path(100 * MBIT),
        meanwhile=_restart,
        away=_SERVER_AWAY,
    ),
    Scenario(
        name="black-hole",
        told="100 Mbit/s, 80 ms; after a third, one connection falls silent",
        size=100 * MB,
        weather=_path(100 * MBIT),
        before=_cut_one,
    ),
    Scenario(
        name="resets",
        told="100 Mbit/s, 80 ms; a connection is reset five times",
        size=100 * MB,
        weather=_path(100 * MBIT),
        before=_reset_some,
    ),
)
QUICK = ("clean", "loss-1", "black-hole")
QUICK_SIZE = 20 * MB
