"""Workers that read and send parts, and what they look like to those who plan.

An attempt that a worker makes looks like one of this process: it moves, it can be dropped, it ends
in an answer or one of our errors. A worker that ends is started again when it is needed next; one
that ends again and again is not, and when there is none left, this process does it all itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from asyncup.core.conditions import RateChanged
from asyncup.core.errors import WorkerLost
from asyncup.core.events import Event
from asyncup.core.identity import Identity
from asyncup.core.messages import (
    Answer,
    ObjectTaken,
    PartTaken,
    PutObject,
    Ration,
    ReadSpan,
    Span,
    SpanRead,
    UploadPart,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Upload,
)
from asyncup.core.rates import lease
from asyncup.edges.body import Pace, Persist
from asyncup.edges.chunks import StagedPart
from asyncup.edges.hands import Attempt, Hands, Sent
from asyncup.edges.hired import Hired
from asyncup.edges.workbench import read

MOST_LOSSES = 3
"""Times in a row that a worker may end without having done anything."""

A = TypeVar("A", bound=Answer)


class Crew:
    """Workers that share the work; use as a context manager.

    Args:
        workers: who they are.
        identity: gives what a request is to be signed with.
        own: carries parts when no worker is left, or as long as none is needed.
        is_needed: whether any is, by now.
    """

    def __init__(
        self,
        workers: Sequence[Hired],
        identity: Callable[[], Awaitable[Identity]],
        own: Hands,
        is_needed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._workers = workers
        self._numbers = count(1)
        self._is_needed = is_needed
        self.identity = identity
        self.own = own
        self.rate: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        ending = asyncio.gather(*(worker.close() for worker in self._workers))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            # They are killed already, so this does not take long; none is left behind.
            await ending
            raise

    def hear(self, event: Event, /) -> None:
        """Take in an event: if a limit is set, nothing goes any more that was not asked for."""
        if isinstance(event, RateChanged):
            self.rate = event.rate
            if self.rate is not None:
                for worker in self._workers:
                    worker.tell(Ration())

    def attempt(
        self, staged: StagedPart, moved: Sent, pace: Pace, persist: Persist
    ) -> "CrewAttempt":
        """Return an attempt that a worker makes."""
        return CrewAttempt(self, staged, moved, pace, persist)

    async def read(
        self,
        span: Span,
        algorithms: Iterable[ChecksumAlgorithm],
        *,
        into: Path | None,
        is_end: bool,
    ) -> SpanRead:
        """Read a span and return its checksums; see `ReadSpan`.

        Workers that end meanwhile are replaced a few times; then this process reads it.

        Raises:
            SourceError: it cannot be read, or not be copied.
        """
        wanted, lost = frozenset(algorithms), 0
        while True:
            # What ends one worker after the other is not to be read by all of them.
            worker = self.who() if lost < MOST_LOSSES else None
            call = next(self._numbers)
            asked = ReadSpan(call=call, span=span, algorithms=wanted, into=into, is_end=is_end)
            if worker is None:
                return await read(asked)
            try:
                answer = await worker.call(asked)
            except WorkerLost:
                # What it has written is not whole. Another one may do better.
                _remove(into)
                lost += 1
            else:
                return _expected(answer, SpanRead)

    def who(self) -> Hired | None:
        """Return who has the least to do; None if nobody is left, or needed."""
        if not self._is_needed():
            return None
        left = [worker for worker in self._workers if worker.losses < MOST_LOSSES]
        return min(left, key=lambda worker: worker.load, default=None)

    def number(self) -> int:
        """Return a number for a call."""
        return next(self._numbers)


class CrewAttempt:
    """An attempt by a worker; see `asyncup.edges.hands.Attempt`.

    Attributes:
        persist: whether the worker waits for bytes that have ceased to move.
    """

    def __init__(
        self, crew: Crew, staged: StagedPart, moved: Sent, pace: Pace, persist: Persist
    ) -> None:
        self.persist = persist
        self._crew = crew
        self._staged = staged
        self._moved = moved
        self._pace = pace
        self._sent = 0
        self._held = 0.0
        self._loses = False
        self._own: Attempt | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __len__(self) -> int:
        return self._staged.checksums.size

    @property
    def sent(self) -> int:
        """Bytes that the network took, as far as the worker has told."""
        return self._sent if self._own is None else self._own.sent

    @property
    def loses(self) -> bool:
        """Whether packets get lost on the way, and no queue is full."""
        return self._loses if self._own is None else self._own.loses

    def held(self, now: float) -> float:
        """Return the seconds in which the network waited for bytes."""
        return self._held if self._own is None else self._own.held(now)

    def told(self, sent: int, held: float, *, loses: bool) -> None:
        """Take note of how far the worker is."""
        self._loses = loses
        count, self._sent, self._held = sent - self._sent, sent, held
        if count:
            self._moved(count)
        if count > 0 and self._crew.rate is None:
            # It went without being asked for, and is to be measured all the same.
            self._pace(count)

    def allowance(self, most: int) -> int | Awaitable[int] | None:
        """Return how many bytes the worker may send now, or what gives that; None: all."""
        rate = self._crew.rate
        return None if rate is None else self._pace(min(most, lease(rate)))

    async def upload_part(self, upload: Upload, number: int) -> str:
        """Send it as a part and return its ETag."""
        if self._is_for_others():
            asked = UploadPart(upload=upload, number=number, **await self._common())
            # Others may have been given something to do meanwhile, or have ended.
            if (worker := self._crew.who()) is not None:
                return _expected(await worker.call(asked, self), PartTaken).etag
        with self._by_ourselves() as own:
            return await own.upload_part(upload, number)

    async def put_object(
        self,
        uri: ObjectURI,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        """Store it as an object."""
        if self._is_for_others():
            asked = PutObject(
                uri=uri,
                attributes=attributes,
                algorithm=algorithm,
                only_if_absent=only_if_absent,
                **await self._common(),
            )
            if (worker := self._crew.who()) is not None:
                return _expected(await worker.call(asked, self), ObjectTaken).head
        with self._by_ourselves() as own:
            return await own.put_object(
                uri, attributes, algorithm=algorithm, only_if_absent=only_if_absent
            )

    def _is_for_others(self) -> bool:
        # What is in memory here is nowhere else.
        return self._staged.held is None and self._crew.who() is not None

    def _by_ourselves(self) -> Attempt:
        self._own = self._crew.own.attempt(self._staged, self._moved, self._pace, self.persist)
        return self._own

    async def _common(self) -> dict[str, Any]:
        """Return what every request to send something has."""
        staged = self._staged
        identity = await self._crew.identity()
        return {
            "call": self._crew.number(),
            "span": Span(staged.path, staged.offset, staged.checksums.size),
            "checksums": staged.checksums,
            "identity": identity,
            "is_limited": self._crew.rate is not None,
        }


def _remove(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)


def _expected(answer: Answer, kind: type[A]) -> A:
    if not isinstance(answer, kind):
        raise TypeError(f"{answer} answers something else")
    return answer
