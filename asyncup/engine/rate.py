"""Which limit holds, and who may change it: the time of day, a signal, the configuration."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from asyncup.core.conditions import RateChanged
from asyncup.core.events import Listener
from asyncup.core.rates import RateLimit, doubled, halved
from asyncup.edges.body import Pace
from asyncup.engine.limiter import Limiter


def _local_time() -> datetime:
    return datetime.now(UTC).astimezone()


class RateControl:
    """Sets the rate of a run, and announces every change; leaving it ends the timetable.

    `now` tells the local time of day.
    """

    def __init__(
        self,
        limit: RateLimit,
        announce: Listener,
        now: Callable[[], datetime] = _local_time,
    ) -> None:
        self._limit = limit
        self._announce = announce
        self._now = now
        self._limiter = Limiter()
        self._scheduled: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self.follow(self._limit, "as asked for")
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def pace(self) -> Pace:
        """How fast bodies may go."""
        return self._limiter.take

    def follow(self, limit: RateLimit, reason: str) -> None:
        """Keep to another limit from now on."""
        self.__exit__()
        self._limit = limit
        self._scheduled = limit.rate_at(self._now())
        self._change(self._scheduled, reason)
        self._look_again()

    def halve(self, reason: str) -> None:
        """Let half as much out; where there is no limit, half of what goes out just now."""
        self._change(halved(self._limiter.rate, self._limiter.measured), reason)

    def double(self, reason: str) -> None:
        """Let twice as much out."""
        self._change(doubled(self._limiter.rate), reason)

    def _look(self) -> None:
        """Follow the timetable; what was set by hand stays until its next switch."""
        rate = self._limit.rate_at(self._now())
        if rate != self._scheduled:
            self._scheduled = rate
            self._change(rate, "timetable")
        self._look_again()

    def _look_again(self) -> None:
        """Come back with the next second, for clocks are set, and machines sleep."""
        if not self._limit.is_constant:
            left = 1 - self._now().microsecond / 1e6
            self._timer = asyncio.get_running_loop().call_later(left, self._look)

    def _change(self, rate: int | None, reason: str) -> None:
        if rate != self._limiter.rate:
            self._limiter.limit(rate)
            self._announce(RateChanged(rate, reason))
