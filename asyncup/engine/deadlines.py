"""When what is under way has to end, after a stop: soon, or as soon as nothing moves any more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from asyncup.core.errors import Interrupted

SILENCE = 0.8
"""Seconds without a sign of life, after which whoever wants to stop is not kept waiting: where
nothing moves, a run is over within a second, the end of its process included.
"""


class Deadlines:
    """The common end of all that is under way; to be used in the event loop."""

    def __init__(self) -> None:
        self._scopes: set[asyncio.Timeout] = set()
        self._latest: float | None = None
        self._sign = 0.0

    def stop(self, grace: float) -> None:
        """Let everything end within `grace` seconds, and sooner if nothing moves."""
        # Also what has long been silent may be answered in this moment.
        self._sign = asyncio.get_running_loop().time()
        self._latest = self._sign + grace
        self._set()

    def moved(self) -> None:
        """Note a sign of life: bytes that left, or something that S3 acknowledged."""
        self._sign = asyncio.get_running_loop().time()
        if self._latest is not None:
            self._set()

    def _set(self) -> None:
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(self._end)

    @property
    def _end(self) -> float | None:
        return None if self._latest is None else min(self._latest, self._sign + SILENCE)

    @asynccontextmanager
    async def until_stopped(
        self, what: str, remaining: Callable[[], int | None] = lambda: None
    ) -> AsyncIterator[None]:
        """Let something go on; after a stop, until its deadline.

        Raises:
            Interrupted: the deadline has come; `remaining` says how many bytes are left then.
        """
        scope = asyncio.timeout_at(self._end)
        self._scopes.add(scope)
        try:
            async with scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            raise Interrupted(f"{what}: stopped in the middle", remaining=remaining()) from None
        finally:
            self._scopes.discard(scope)
