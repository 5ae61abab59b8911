"""Which parts in flight travel so slowly that they had better begin anew, on other connections.

AWS says to leave the slowest 5 % of large requests for a fresh connection, which may take another
path to another server ("Timeouts and retries for latency-sensitive applications"). Slow is what
others are not: on a link that is slow for all, nothing is gained by sending anything twice, and
where nothing moves at all, the stall clock and a probe find out why.

Rates are in bytes per second, times in seconds.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from asyncup.core.sizes import format_size

MOST_DROPS = 3
"""How often a part is dropped at most, for whatever reason."""

SHARE = 3
"""A part is no straggler as long as it travels at the typical rate over this."""

WORTH = 2
"""A straggler is dropped if the rest of it takes longer than this many times a whole part."""

GRACE = 1.0
"""Seconds added to the time of a part: a new connection is not there at once."""

AT_A_TIME = 4
"""One straggler in so many parts in flight is sent again at a time."""

FEWEST = 3
"""Parts that have to have arrived before any rate is called typical."""

_MARKS = 32


class Track:
    """How far one attempt was when, for its rate over the last `window` seconds or fewer.

    Times are those since it began.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._marks = deque([(0.0, 0)])
        self._here = (0.0, 0)

    def note(self, now: float, sent: int) -> None:
        """Take in how many bytes are sent by now."""
        if sent < self._here[1]:
            # They were asked for again from the start.
            self._marks = deque([(now, sent)])
        self._here = (now, sent)
        if now - self._marks[-1][0] >= self._window / _MARKS:
            self._marks.append(self._here)
        while len(self._marks) > 1 and self._marks[1][0] <= now - self._window:
            self._marks.popleft()

    def rate(self, over: float) -> float | None:
        """Return the rate over the last seconds; None if there were not as many."""
        now, sent = self._here
        for then, before in reversed(self._marks):
            if then <= now - over:
                return (sent - before) / (now - then)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """What is known of an attempt to send a part.

    Attributes:
        id: what it goes by.
        size: bytes of the part.
        sent: those that the network has taken.
        drops: how often the part was dropped before.
        rate: over the stall time; None while it is younger than that.
        recent: over the time that the whole part would typically take; None as for `rate`.
    """

    id: int
    size: int
    sent: int
    drops: int = 0
    rate: float | None = None
    recent: float | None = None

    @property
    def is_on_the_way(self) -> bool:
        """Whether there are bytes left; if not, only the answer is waited for."""
        return self.sent < self.size

    @property
    def left(self) -> float:
        """The seconds until all bytes are sent, if it goes on like that."""
        return (self.size - self.sent) / self.recent if self.recent else float("inf")


def typical_rate(rates: Sequence[float]) -> float | None:
    """Return what can be expected of a part, by the rates of those that have arrived."""
    # What is empty has no rate.
    known = [rate for rate in rates if rate > 0]
    return median(known) if len(known) >= FEWEST else None


def typical_time(size: int, typical: float) -> float:
    """Return the seconds to give a part to show how fast it is: about what all of it takes."""
    return size / typical + GRACE


def to_drop(
    flights: Sequence[InFlight],
    *,
    min_rate: float,
    typical: float | None,
    is_idle: bool,
    fastest: float | None = None,
) -> dict[int, str]:
    """Return the attempts to be dropped, by their IDs, and what is to be said of each.

    Args:
        flights: all that are in flight.
        min_rate: what a part is to travel at; 0 for none.
        typical: what parts of this run have travelled at, if that is known.
        is_idle: slots are free, and no part waits for one.
        fastest: what the fastest part of those that have arrived has travelled at, if any has.
    """
    flights = [each for each in flights if each.is_on_the_way]
    found = {}
    if is_idle and typical:
        for each in _stragglers(flights, typical):
            found[each.id] = _told(each, each.recent or 0.0, "is typical", typical)
    for each in flights:
        if _is_too_slow(each, flights, min_rate, fastest or typical):
            found[each.id] = _told(each, each.rate or 0.0, "are asked for", min_rate)
    return found


def _is_too_slow(
    flight: InFlight, flights: Sequence[InFlight], min_rate: float, known: float | None
) -> bool:
    """Say whether a part is below the least rate, another one is not, and time is gained."""
    rate = flight.rate
    if not rate or rate >= min_rate or flight.drops >= MOST_DROPS:
        return False
    if (flight.size - flight.sent) / rate <= flight.size / min_rate:
        return False
    others = [each for each in flights if each is not flight]
    best = max((each.rate for each in others if each.rate is not None), default=known)
    # Where others are on their way, and nobody knows yet how fast, they are waited for.
    return best >= min_rate if best is not None else not others


def _stragglers(flights: Sequence[InFlight], typical: float) -> Iterator[InFlight]:
    """Yield the slowest of those that hold up the end of the run.

    Only some at a time: if a new connection turns out to be no faster, the others stay. One that
    is alone cannot be told from a link that is down; it is tried once.
    """
    if len(flights) > 1 and not any(each.recent for each in flights):
        return
    on_trial = sum(1 for each in flights if each.drops and not _keeps_up(each, typical))
    room = max(1, len(flights) // AT_A_TIME) - on_trial
    slow = [each for each in flights if not each.drops and _is_straggler(each, typical)]
    slow.sort(key=lambda each: each.left, reverse=True)
    yield from slow[: max(0, room)]


def _keeps_up(flight: InFlight, typical: float) -> bool:
    return flight.recent is not None and flight.recent >= typical / SHARE


def _is_straggler(flight: InFlight, typical: float) -> bool:
    if flight.recent is None or _keeps_up(flight, typical):
        return False
    return flight.left > WORTH * typical_time(flight.size, typical)


def _told(flight: InFlight, rate: float, yardstick: str, wanted: float) -> str:
    sent, size = format_size(flight.sent), format_size(flight.size)
    return (
        f"slower than others: {format_size(rate)}/s where {format_size(wanted)}/s {yardstick}, "
        f"after {sent} of {size}"
    )
