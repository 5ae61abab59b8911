"""The `limit-rate` of the configuration file, looked at again and again while uploads go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from asyncup.cli.config import limit_rate_in
from asyncup.core.conditions import RateRefused
from asyncup.core.errors import UsageError
from asyncup.core.events import Listener
from asyncup.core.rates import RateLimit
from asyncup.edges.threads import DaemonThreads

_INTERVAL = 1.0

_State = tuple[int, int, int]


class RateFile:
    """Follows a configuration file when it is edited; `take` is told each new limit.

    What is no limit is announced, and changes nothing. `known` is the limit that the file set when
    the command began.
    """

    def __init__(
        self,
        path: Path,
        known: RateLimit,
        take: Callable[[RateLimit, str], None],
        announce: Listener,
    ) -> None:
        self._path = path
        self._known = known
        self._take = take
        self._announce = announce

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow the file, until left."""
        following = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            following.cancel()

    async def _follow(self) -> None:
        loop, threads = asyncio.get_running_loop(), DaemonThreads()
        last = read = None
        while True:
            await asyncio.sleep(_INTERVAL)
            # A disk that does not answer is nobody's business but the thread's.
            before, last = last, await loop.run_in_executor(threads, self._state)
            # It is read when it has stood still: while an editor writes, half of it is there.
            if last not in {None, read} and last == before:
                read = last
                try:
                    limit = await loop.run_in_executor(threads, limit_rate_in, self._path)
                except UsageError as error:
                    self._announce(RateRefused(str(error)))
                else:
                    self._set(limit)

    def _set(self, limit: RateLimit) -> None:
        # Something else in the file may be what was edited.
        if limit != self._known:
            self._known = limit
            self._take(limit, str(self._path))

    def _state(self) -> _State | None:
        """Return what changes when the file is edited; None: there is none just now."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
