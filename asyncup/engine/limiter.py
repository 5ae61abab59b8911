"""The one gate that all bytes of all parts pass on their way to S3."""

import asyncio
from collections import deque
from collections.abc import Awaitable

from asyncup.core.rates import Bucket, Meter


class Limiter:
    """Lets bytes go out no faster than a rate, slice by slice, to whoever asked first.

    Who has got a slice and wants another one stands behind all that wait, so that all parts get
    the same share. Without a limit nobody ever waits.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._bucket: Bucket | None = None
        self._meter = Meter(self._loop.time())
        self._waiting: deque[tuple[asyncio.Future[int], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def rate(self) -> int | None:
        """The most that goes out, in bytes per second; None is as fast as it goes."""
        return None if self._bucket is None else self._bucket.rate

    @property
    def measured(self) -> float:
        """What goes out just now, in bytes per second."""
        return self._meter.rate(self._loop.time())

    def limit(self, rate: int | None) -> None:
        """Let no more than `rate` go out from now on; those who wait are in it, too."""
        if rate is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = Bucket(rate, self._loop.time())
        else:
            self._bucket.rate = rate
        self._open()

    def take(self, most: int) -> int | Awaitable[int]:
        """Return how many bytes may go now, at most `most`, or what gives that when it is time."""
        now = self._loop.time()
        if self._bucket is None or (not self._waiting and self._bucket.opens_at <= now):
            return self._grant(now, most)
        return self._turn(most)

    async def _turn(self, most: int) -> int:
        turn: asyncio.Future[int] = self._loop.create_future()
        self._waiting.append((turn, most))
        if self._timer is None:
            self._open()
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and self._bucket is not None:
                # It was given bytes, and will not send them.
                self._bucket.give_back(turn.result())
                self._open()
            raise

    def _open(self, earliest: float = 0.0) -> None:
        """Give a slice to each who waits until the bucket is closed, and come back when it opens.

        A timer may ring a little before the moment that it was set for, which is `earliest`.
        """
        now = max(self._loop.time(), earliest)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and (self._bucket is None or self._bucket.opens_at <= now):
            turn, most = self._waiting.popleft()
            if not turn.done():
                turn.set_result(self._grant(now, most))
        if self._waiting and self._bucket is not None:
            when = self._bucket.opens_at
            self._timer = self._loop.call_at(when, self._open, when)

    def _grant(self, now: float, most: int) -> int:
        size = most if self._bucket is None else self._bucket.take(now, most)
        self._meter.add(now, size)
        return size
