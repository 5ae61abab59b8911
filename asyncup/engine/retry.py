"""The one loop of retries: ask the policy, announce, wait, try again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TypeVar

from asyncup.core import outage
from asyncup.core.backoff import RetryPolicy, is_free
from asyncup.core.errors import (
    AsyncupError,
    ConnectionLost,
    RetriesExhausted,
    Throttled,
    WorkerLost,
)
from asyncup.core.events import Listener, RetryScheduled
from asyncup.core.model import ObjectURI
from asyncup.engine.link import Link, pause

T = TypeVar("T")


@dataclass(slots=True)
class _Tally:
    """Attempts at one request that failed: those that count, and those in a row that do not.

    `losses` are those that lost their workers, `outages` what there were before the latest one.
    """

    is_part: bool = False
    failed: int = 0
    excused: int = 0
    losses: int = 0
    outages: int = 0


class Retrier:
    """Makes an attempt until it succeeds, fails for good, or the policy gives up.

    A delay ends at once when `stopping` is set, in Interrupted: nobody waits to be stopped.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        link: Link,
        announce: Listener,
        stopping: asyncio.Event,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._link = link
        self._announce = announce
        self._stopping = stopping
        self._chance = chance

    async def __call__(
        self,
        attempt: Callable[[int], Awaitable[T]],
        uri: ObjectURI,
        part_number: int | None = None,
    ) -> T:
        """Await `attempt(n)` for n = 1, 2, ... and return its first result.

        Those that failed because S3 was out of reach for everybody are not counted (as long as
        there are not too many of them in a row), nor those that ended in an error to be tried
        again at once, as long as it is not this request that ends one worker after the other.

        Raises:
            RetriesExhausted: the last attempt failed, too, with a transient error.
            GaveUp, Unreachable: see `asyncup.engine.link`.
            Interrupted: it was time to stop.
            AsyncupError: an attempt failed with an error that no retry mends.
        """
        tally = _Tally(is_part=part_number is not None)
        for number in count(1):
            await self._link.ready(uri)
            tally.outages = self._link.outages
            try:
                answer = await attempt(number)
            except AsyncupError as error:
                again = partial(RetryScheduled, uri, part_number, number, error=error)
                await self._recover(error, tally, uri, again)
            else:
                self._link.answered(acknowledged=part_number is not None)
                return answer
        raise AssertionError("unreachable")

    async def _recover(
        self,
        error: AsyncupError,
        tally: _Tally,
        uri: ObjectURI,
        again: Callable[..., RetryScheduled],
    ) -> None:
        """Wait until another attempt is due.

        Raises:
            AsyncupError: there is to be no other.
        """
        link, loop = self._link, asyncio.get_running_loop()
        known = {"has_answered": link.has_answered, "has_worked": link.has_worked}
        failed = tally.failed + 1
        may_pass = outage.may_pass(error, failed, **known)
        delay = self._policy.delay(
            failed,
            error,
            self._chance(),
            may_pass=may_pass,
            losses=tally.losses,
            # A part that has lost its connection, while S3 is there, asks nobody to wait.
            spared=tally.is_part and isinstance(error, ConnectionLost),
        )
        due = loop.time() + (delay or 0.0)
        if delay is not None:
            self._announce(again(delay=delay))
        is_excused = await link.examine(error, uri, tally.outages)
        if is_excused and tally.excused < self._policy.max_attempts:
            if delay is None:
                self._announce(again(delay=0.0))
            if not isinstance(error, Throttled):
                # Who asks for a pause gets it. Others go again at once, but not again and again:
                # it may be the request itself that brings the way down.
                due = loop.time() + self._policy.pause(tally.excused, self._chance())
            tally.excused += 1
            await pause(due - loop.time(), self._stopping, error)
            return
        if delay is None:
            if error.transient:
                raise RetriesExhausted(error, attempts=failed) from error
            raise error
        await pause(due - loop.time(), self._stopping, error)
        if not is_free(error, tally.losses):
            tally.failed, tally.excused = failed, 0
        tally.losses += isinstance(error, WorkerLost)
