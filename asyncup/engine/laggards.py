"""Watches the parts in flight: an attempt that lags is dropped, so that its part goes again.

Where many of them lose packets on a link that is not full, that is told: more connections help.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import count

from asyncup.core.errors import Fault, TooSlow
from asyncup.core.laggards import InFlight, Track, to_drop, typical_rate, typical_time
from asyncup.edges.hands import Moving

TICK = 0.5
"""Seconds between two looks at what is in flight, at most."""

_LOOKS = 8
"""Looks in a window, at least."""

STANDSTILL = 10.0
"""Seconds, at least, in which nothing moved at all, for which no part can be blamed."""

MANY = 4
"""One in so many connections that lose packets on a link that is not full: there is room."""

_REMEMBERED = 32
"""Parts that have arrived, of which the typical rate is taken."""


class _Flight:
    """One attempt on its way; `scope` ends it, for a `reason`."""

    def __init__(self, body: Moving, drops: int, window: float, now: float, stood: float) -> None:
        self.scope = asyncio.timeout(None)
        self.reason = ""
        self._body = body
        self._drops = drops
        self._window = window
        self._began = now - stood
        self._track = Track(window)

    @property
    def sent(self) -> int:
        """Bytes of it that the network took."""
        return self._body.sent

    @property
    def loses(self) -> bool:
        """Whether its packets get lost though the link is not full."""
        return self._body.loses

    def age(self, now: float, stood: float) -> float:
        """Return for how long the network has had bytes to carry, or had to get ready for them.

        What holds them back on this side, such as a disk, is not the connection's fault; nor is
        that nothing moved at all, for `stood` seconds since this run has begun.
        """
        return now - stood - self._began - self._body.held(now)

    def rate(self, now: float, stood: float) -> float | None:
        """Return the rate of all of it, from the beginning to the answer."""
        age = self.age(now, stood)
        return len(self._body) / age if age > 0 else None

    def look(self, key: int, age: float, typical: float | None) -> InFlight:
        """Take note of how far it is at this age, and return what is known of it by now."""
        size, sent = len(self._body), self._body.sent
        self._track.note(age, sent)
        span = self._window if typical is None else typical_time(size, typical)
        return InFlight(
            id=key,
            size=size,
            sent=sent,
            drops=self._drops,
            rate=self._track.rate(self._window),
            recent=self._track.rate(min(span, self._window)),
        )


class Laggards:
    """Looks at the parts in flight once a second, and ends the attempts that lag.

    Args:
        min_rate: bytes per second that a part is to travel at, 0 for none.
        window: seconds over which that is taken.
        stopping: once set, nothing is dropped: what is in flight is to arrive.
        is_idle: says whether slots are free that no part waits for.
        lose_packets: is called, again and again, as long as many of them do.
    """

    def __init__(
        self,
        min_rate: float,
        window: float,
        stopping: asyncio.Event,
        is_idle: Callable[[], bool],
        lose_packets: Callable[[], None] = lambda: None,
    ) -> None:
        self._min_rate = min_rate
        self._window = window
        self._stopping = stopping
        self._is_idle = is_idle
        self._lose_packets = lose_packets
        self._flights: dict[int, _Flight] = {}
        self._ids = count()
        self._rates: deque[float] = deque(maxlen=_REMEMBERED)
        self._seen = (0.0, 0)
        self._stood = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def watch(self, body: Moving, fault: Fault, drops: int) -> AsyncIterator[None]:
        """Watch an attempt to send a part that was dropped `drops` times before.

        It is ended as by a time limit of its own, so whoever else cancels it is heard as well, and
        an answer that has come stands: only what has bytes left is dropped, and that has none.

        Raises:
            TooSlow: it was dropped; `fault` says what it was about.
        """
        loop = asyncio.get_running_loop()
        flight = _Flight(body, drops, self._window, loop.time(), self._stood)
        try:
            async with flight.scope:
                with self._in_flight(flight):
                    yield
        except TimeoutError as error:
            if not flight.reason:
                raise
            raise TooSlow(replace(fault, message=flight.reason)) from error
        rate = flight.rate(loop.time(), self._stood)
        if rate is not None:
            self._rates.append(rate)

    @contextmanager
    def _in_flight(self, flight: _Flight) -> Iterator[None]:
        key = next(self._ids)
        if not self._flights:
            self._seen = (asyncio.get_running_loop().time(), 0)
        self._flights[key] = flight
        self._look_later()
        try:
            yield
        finally:
            del self._flights[key]
            if not self._flights and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look_later(self) -> None:
        if self._timer is None:
            tick = min(TICK, self._window / _LOOKS)
            self._timer = asyncio.get_running_loop().call_later(tick, self._look)

    def _look(self) -> None:
        """Look at how far everybody is, and drop those that lag."""
        self._timer = None
        if self._stopping.is_set():
            return
        self._look_later()
        now, typical = asyncio.get_running_loop().time(), typical_rate(self._rates)
        flights = {key: each for key, each in self._flights.items() if not each.reason}
        if not self._have_moved(list(flights.values()), now):
            return
        if MANY * sum(flight.loses for flight in flights.values()) >= max(1, len(flights)):
            self._lose_packets()
        seen = [
            flight.look(key, flight.age(now, self._stood), typical)
            for key, flight in flights.items()
        ]
        found = to_drop(
            seen,
            min_rate=self._min_rate,
            typical=typical,
            is_idle=self._is_idle(),
            fastest=max(self._rates, default=None),
        )
        for key, reason in found.items():
            flights[key].reason = reason
            flights[key].scope.reschedule(now)

    def _have_moved(self, flights: list[_Flight], now: float) -> bool:
        """Say whether any of them has moved since this was asked last.

        A link that was down makes no part slower than another. One that is alone may as well have
        lost its connection: it is looked at all the same.
        """
        then, before = self._seen
        sent, is_alone = sum(flight.sent for flight in flights), len(flights) <= 1
        if sent == before and not is_alone:
            return False
        if now - then >= STANDSTILL and not is_alone:
            self._stood += now - then
        self._seen = (now, sent)
        return True
