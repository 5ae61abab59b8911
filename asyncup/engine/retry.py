"""The one loop of retries: ask the policy, announce, wait, try again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from asyncup.core.backoff import RetryPolicy
from asyncup.core.errors import AsyncupError, Interrupted, RetriesExhausted
from asyncup.core.events import Listener, RetryScheduled
from asyncup.core.model import ObjectURI

T = TypeVar("T")


class Retrier:
    """Makes an attempt until it succeeds, fails for good, or the policy gives up.

    A delay ends at once when `stopping` is set, in Interrupted: nobody waits to be stopped.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        announce: Listener,
        stopping: asyncio.Event,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._announce = announce
        self._stopping = stopping
        self._chance = chance

    async def __call__(
        self,
        attempt: Callable[[int], Awaitable[T]],
        uri: ObjectURI | None = None,
        part_number: int | None = None,
    ) -> T:
        """Await `attempt(n)` for n = 1, 2, ... and return its first result.

        Those that ended in an error to be tried again at once do not count.

        Raises:
            RetriesExhausted: the last attempt failed, too, with a transient error.
            Interrupted: it was time to stop.
            AsyncupError: an attempt failed with an error that no retry mends.
        """
        failed = 0
        for number in count(1):
            try:
                return await attempt(number)
            except AsyncupError as error:
                failed += not error.at_once
                delay = self._policy.delay(failed, error, self._chance())
                if delay is None:
                    if error.transient:
                        raise RetriesExhausted(error, attempts=failed) from error
                    raise
                self._announce(RetryScheduled(uri, part_number, number, delay, error))
                await self._wait(delay, error)
        raise AssertionError("unreachable")

    async def _wait(self, delay: float, error: AsyncupError) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise Interrupted(f"stopped while waiting to try again after: {error}") from error
