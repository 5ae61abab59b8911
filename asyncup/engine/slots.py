"""Permission to hold a part in flight, as many at once as turn out to bring most."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from asyncup.core.aimd import Aimd, Ramp
from asyncup.core.conditions import (
    RateChanged,
    SlotsChanged,
    SlotsReason,
    WentOffline,
    WentOnline,
)
from asyncup.core.errors import AsyncupError, Throttled
from asyncup.core.events import (
    BytesSent,
    Event,
    Listener,
    PartUploaded,
    RetryScheduled,
)
from asyncup.core.options import Adaptive


class Places:
    """A semaphore whose limit may change; first come, first served.

    Attributes:
        limit: how many may be taken at once. A smaller one takes nothing away from anybody: it
            holds for who comes next.
        taken: how many are.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Wait for a place and take it."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._hand_over()
        try:
            await turn
        except asyncio.CancelledError:
            # The place may have been handed over in the same moment: somebody else may need it.
            if not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a place back."""
        self.taken -= 1
        self._hand_over()

    def resize(self, limit: int) -> None:
        """Set the limit."""
        self.limit = limit
        self._hand_over()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def _hand_over(self) -> None:
        """Give the free places to those who wait, so that nobody who comes now is before them."""
        while self._waiting and self.taken < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)


class Slots:
    """The slots of a run: places whose number follows from what is heard of the run.

    To be made, and told every event, in the event loop. A number that is pinned stays as it is,
    except that after an outage the parts that wait are let go one by one. During a pause there are
    none: what is in flight arrives, and teaches nothing.

    Args:
        bounds: how many there may be.
        announce: is told when there is another number of them.
        follow: is called with the number before that, for what depends on it.

    Attributes:
        is_paused: whether there is a pause.
    """

    def __init__(
        self, bounds: Adaptive, announce: Listener, follow: Callable[[int], None] = lambda _: None
    ) -> None:
        self._bounds = bounds
        self._announce = announce
        self._follow = follow
        self._places = Places(bounds.start)
        self._aimd = Aimd(bounds, _now())
        self._ramp: Ramp | None = None
        self._is_offline = False
        self.is_paused = False
        self._rooms: list[int] = []

    @property
    def limit(self) -> int:
        """How many parts may be in flight now."""
        return self._places.limit

    @property
    def are_free(self) -> bool:
        """Whether some are free, and nobody waits for one."""
        return self._places.taken < self._places.limit

    async def __aenter__(self) -> None:
        await self._places.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._places.release()

    def pin(self, number: int) -> int:
        """Let there be so many from now on, at least 1, and return how many there are.

        At most twice the number that was to be expected: so many connections there are.
        """
        number = max(1, min(number, 2 * self._bounds.most))
        self._aimd = Aimd(Adaptive.pinned(number), _now())
        self._resize(SlotsReason.ASKED)
        return min(self._limits())

    def unpin(self) -> None:
        """Let there be as many again as turn out to bring most, from the number that there is now.

        Where the bounds are one number, it is that one again.
        """
        bounds = self._bounds
        start = max(bounds.least, min(self.wanted, bounds.most))
        self._aimd = Aimd(replace(bounds, start=start), _now())
        reason = SlotsReason.ASKED if bounds.least == bounds.most else SlotsReason.UNPINNED
        before = self.limit
        self._resize(reason)
        if before == self.limit and not self.is_paused:
            # Who asked for it is to see that it was heard.
            self._announce(SlotsChanged(before, reason))

    @property
    def wanted(self) -> int:
        """How many there are to be as long as nothing is in the way."""
        return self._aimd.slots

    def pause(self) -> None:
        """Give out none from now on."""
        self.is_paused = True
        self._resize(SlotsReason.PAUSED)

    def go_on(self, reason: SlotsReason = SlotsReason.CONTINUED) -> None:
        """End a pause."""
        if self.is_paused:
            self.is_paused = False
            self._aimd.restart(_now())
            self._resize(reason)

    @contextmanager
    def at_most(self, number: int | None) -> Iterator[None]:
        """Hold no more than this, for as long as the context lasts; None is as many as usual."""
        if number is None:
            yield
            return
        self._rooms.append(number)
        self._resize(SlotsReason.DISK)
        try:
            yield
        finally:
            self._rooms.remove(number)
            self._resize(SlotsReason.DISK)

    def lose_packets(self) -> None:
        """Take in that many connections lose packets, and find the link not full."""
        if self._ramp is None and not self.is_paused:
            reason = self._aimd.lossy(_now(), self._places.taken)
            if reason is not None:
                self._resize(reason)

    def hear(self, event: Event, /) -> None:
        """Take in an event; most of them say nothing here."""
        match event:
            case BytesSent(count=count):
                self._moved(count=count)
            case PartUploaded():
                self._moved(parts=1)
            case RetryScheduled(part_number=number, error=error):
                # A list had no slot; but whoever asks for fewer requests means all of them.
                if number is not None or isinstance(error, Throttled):
                    self._failed(error)
            case _:
                self._hear_how_things_are(event)

    def _hear_how_things_are(self, event: Event) -> None:
        match event:
            case WentOffline():
                self._lose_the_way()
            case WentOnline() if self._ramp is not None:
                self._is_offline = False
                self._ramp.begin(_now())
            case RateChanged():
                self._aimd.restart(_now())
            case _:
                pass

    def _lose_the_way(self) -> None:
        if not self._is_offline:
            self._aimd.excuse(_now())
        self._is_offline = True
        self._ramp = Ramp()
        self._resize(SlotsReason.OFFLINE)

    def _moved(self, *, count: int = 0, parts: int = 0) -> None:
        if self._is_offline or self.is_paused:
            return
        if self._ramp is None:
            reason = self._aimd.moved(_now(), self._places.taken, count=count, parts=parts)
            if reason is not None:
                self._resize(reason)
            return
        self._ramp.moved(_now())
        self._resize(SlotsReason.RAMP)
        if self._ramp.slots >= self._aimd.slots:
            self._ramp = None
            self._aimd.restart(_now())

    def _failed(self, error: AsyncupError) -> None:
        if self._ramp is not None:
            self._ramp.failed(_now())
            self._resize(SlotsReason.RAMP)
        elif (reason := self._aimd.failed(_now(), error)) is not None:
            self._resize(reason)

    def _limits(self) -> list[int]:
        ramp = [] if self._ramp is None else [self._ramp.slots]
        return [self._aimd.slots, *self._rooms, *ramp]

    def _resize(self, reason: SlotsReason) -> None:
        limit = 0 if self.is_paused else min(self._limits())
        if limit == self._places.limit:
            return
        self._places.resize(limit)
        self._follow(limit)
        self._announce(SlotsChanged(limit, reason))


def _now() -> float:
    return asyncio.get_running_loop().time()
