"""The one loop of retries: ask the policy, announce, wait, try again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import TypeVar

from asyncup.core import outage
from asyncup.core.backoff import RetryPolicy
from asyncup.core.errors import AsyncupError, Interrupted, RetriesExhausted
from asyncup.core.events import Listener, RetryScheduled
from asyncup.core.model import ObjectURI
from asyncup.engine.link import Link

T = TypeVar("T")


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

        Those that failed because S3 was out of reach for everybody are not counted, nor those that
        ended in an error to be tried again at once.

        Raises:
            RetriesExhausted: the last attempt failed, too, with a transient error.
            GaveUp, Unreachable: see `asyncup.engine.link`.
            Interrupted: it was time to stop.
            AsyncupError: an attempt failed with an error that no retry mends.
        """
        failed = 0
        for number in count(1):
            await self._link.ready(uri)
            try:
                answer = await attempt(number)
            except AsyncupError as error:
                again = partial(RetryScheduled, uri, part_number, number, error=error)
                failed += not await self._recover(error, failed + 1, uri, again)
            else:
                self._link.answered(acknowledged=part_number is not None)
                return answer
        raise AssertionError("unreachable")

    async def _recover(
        self,
        error: AsyncupError,
        failed: int,
        uri: ObjectURI,
        again: Callable[..., RetryScheduled],
    ) -> bool:
        """Wait until another attempt is due; return whether this one is not to be counted.

        Raises:
            AsyncupError: there is to be no other.
        """
        may_pass = outage.may_pass(error, failed, has_worked=self._link.has_worked)
        delay = self._policy.delay(failed, error, self._chance(), may_pass=may_pass)
        loop = asyncio.get_running_loop()
        failed_at = loop.time()
        if delay is not None:
            self._announce(again(delay=delay))
        if await self._link.examine(error, uri):
            if delay is None:
                self._announce(again(delay=0.0))
            return True
        if delay is None:
            if error.transient:
                raise RetriesExhausted(error, attempts=failed) from error
            raise error
        await self._wait(failed_at + delay - loop.time(), error)
        return error.at_once

    async def _wait(self, delay: float, error: AsyncupError) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise Interrupted(f"stopped while waiting to try again after: {error}") from error
