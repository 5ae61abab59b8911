"""What a link does to packets, and what it saw of them: no device, no clock, seeded chance."""

import random
from dataclasses import dataclass, field
from enum import StrEnum

from tests.network.packets import SYN, Segment, advance

LATE = 0.02
"""Seconds that a packet is held back for others to overtake it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The state of a link, the same in both directions.

    Args:
        delay: seconds from one end to the other.
        jitter: up to so many seconds more; the order is kept.
        loss: the share of packets that are lost, from 0 to 1.
        reorder: the share of packets that arrive `LATE`, after others that were sent later.
        rate: bits per second.
        queue: bytes that may wait for their turn at that rate; more are dropped.
        outages: when nothing passes: from so many to so many seconds after this was set.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    reorder: float = 0.0
    rate: float = float("inf")
    queue: int = 1 << 20
    outages: tuple[tuple[float, float], ...] = ()

    def is_up(self, age: float) -> bool:
        """Return whether anything passes, `age` seconds after this was set."""
        return not any(begin <= age < end for begin, end in self.outages)


class Direction:
    """One way through the link.

    Attributes:
        packets: that came in.
        size: their bytes, the headers of IP and TCP included: what a meter would count.
        lost: packets of them that did not get through, by chance or by an outage.
        dropped: packets that found the queue full.
    """

    def __init__(self, seed: int) -> None:
        self.packets = self.size = self.lost = self.dropped = 0
        self._seed = seed
        self.set(Weather(), 0.0)

    def set(self, weather: Weather, now: float) -> None:
        """Change the weather; chance begins again, so that it is the same at every run."""
        self.weather = weather
        self._since = now
        self._random = random.Random(self._seed)
        self._free = self._last = now

    def saw(self, size: int) -> None:
        """Count a packet of so many bytes, whatever becomes of it."""
        self.packets += 1
        self.size += size

    def enter(self, size: int, now: float) -> float | None:
        """Take in a packet of so many bytes; return when it arrives, None if it never does."""
        weather, chance = self.weather, self._random.random
        if not weather.is_up(now - self._since) or (weather.loss and chance() < weather.loss):
            self.lost += 1
            return None
        waiting = max(0.0, self._free - now)
        if waiting and waiting * weather.rate > weather.queue * 8:
            self.dropped += 1
            return None
        self._free = now + waiting + size * 8 / weather.rate
        arrival = self._free + weather.delay
        if weather.jitter:
            arrival += weather.jitter * chance()
        if weather.reorder and chance() < weather.reorder:
            return arrival + LATE
        self._last = max(arrival, self._last)
        return self._last


class Fate(StrEnum):
    """What becomes of a connection."""

    LIVE = "live"
    """Its packets are carried."""
    CUT = "cut"
    """Nothing passes any more, and nobody is told."""
    RESET = "reset"
    """Each end is told that the other one has reset it, as soon as it sends something."""


@dataclass(slots=True)
class Flow:
    """A TCP connection, as seen by the link where the client's packets come in.

    Attributes:
        port: the client's.
        sent: bytes of payload that the client's packets carried, those carried again included.
        unique: of those, bytes that no earlier packet of this connection had: what the
            application has written. Whatever it writes twice, it counts twice.
        answered: unique bytes of the server.
    """

    port: int
    sent: int = 0
    unique: int = 0
    answered: int = 0
    fate: Fate = Fate.LIVE
    _next: dict[bool, int] = field(default_factory=dict)

    def saw(self, segment: Segment, *, from_client: bool) -> None:
        """Count a segment."""
        if segment.flags & SYN:
            self._next.setdefault(from_client, segment.sequence + 1)
            return
        position = self._next.get(from_client, segment.sequence)
        new = min(advance(position, segment.sequence + segment.size), segment.size)
        if new > 0:
            self._next[from_client] = segment.sequence + segment.size
        if from_client:
            self.sent += segment.size
            self.unique += max(new, 0)
        else:
            self.answered += max(new, 0)
