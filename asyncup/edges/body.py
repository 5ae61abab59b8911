"""The body of a part on its way: a stream of small slices that never stands in memory whole.

What aiobotocore needs of a body, measured: `__len__` for the Content-Length, `read` to be taken
for a file, `seek` and `tell` as soon as botocore signs through awscrt. aiohttp then sends
whatever has `__aiter__`, slice by slice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, Self

from asyncup.core.errors import AsyncupError
from asyncup.edges.tcp import (
    UNSENT,
    Acknowledgements,
    Settable,
    limit_pauses,
    limit_unsent,
    path_of,
)

FIRST_SLICE, LEAST_SLICE, SLICE = 32 << 10, 4 << 10, 256 << 10
"""Bytes handed on at once: at first, at least, and at most."""

RISE = 8
"""A slice is no larger than what went before over this: at first, the kernel takes all at once."""

SOON, LATE = 0.1, 1.0
"""Seconds: a slice that is taken sooner is followed by a larger one, later by a smaller one. So on
a slow link, bytes are seen to move evenly, and whoever is paced gets its turn; on a fast one, few
slices cost little.
"""

LOOK = 0.5
"""Seconds between two looks at the way that a connection takes."""

AHEAD = 2
"""Slices that the kernel takes ahead at most, once they are large: to ask for the next one sooner
costs as much as to send a part of it.
"""

Pace = Callable[[int], int | Awaitable[int]]
"""Asked before bytes are handed on: of so many, how many may go, now or when it is awaited."""


Persist = Callable[[float], float]
"""Asked when no byte has moved for so many seconds: for how many more may it go on? 0 ends it."""


def at_once(most: int) -> int:
    """Let all go; the pace of who knows no limit."""
    return most


def no_longer(_stood_for: float) -> float:
    """Give up what stands still: so persists who knows of nothing else."""
    return 0.0


class Floor:
    """What all connections to a server have in common: the shortest round trip, in seconds."""

    def __init__(self) -> None:
        self.least = float("inf")


class SliceSize:
    """How many bytes suit a connection at once; the bodies that follow each other there share it.

    It also looks at the way that they take, and lets the kernel's pauses suit it.

    Attributes:
        current: the size of the next slice.
        loses: whether packets get lost on the way, and no queue is full.
    """

    def __init__(self, connection: Settable | None = None, floor: Floor | None = None) -> None:
        self._connection = connection
        self._floor = floor or Floor()
        self._sent = 0
        self._looked_at = float("-inf")
        self.loses = False
        self.current = min(FIRST_SLICE, SLICE)

    def look(self, now: float) -> None:
        """See how the way is; `now` is the time of the event loop."""
        if self._connection is None or now - self._looked_at < LOOK:
            return
        self._looked_at = now
        if (path := path_of(self._connection)) is not None:
            self._floor.least = min(self._floor.least, path.least)
            self.loses = path.loses(self._floor.least)
            limit_pauses(self._connection, path)

    def took(self, seconds: float, count: int) -> None:
        """Take note of how long a slice of `count` bytes took."""
        self._sent += count
        size = self.current
        if seconds > LATE:
            size = max(min(LEAST_SLICE, SLICE), size // 2)
        elif seconds < SOON and 2 * size <= min(SLICE, max(FIRST_SLICE, self._sent // RISE)):
            size = 2 * size
        if size != self.current:
            self.current = size
            if self._connection is not None:
                limit_unsent(self._connection, max(UNSENT, AHEAD * size))


class Rewindable(Protocol):
    """Gives the bytes of a body a block at a time, empty at the end, as often as it is rewound."""

    async def read(self) -> memoryview:
        """Return the next block."""

    def rewind(self) -> None:
        """Start again at the beginning."""

    def __exit__(self, *_: object) -> None: ...


class PartBody:
    """The bytes of one attempt to send a part.

    Args:
        reader: where the bytes come from; it is closed with the body.
        size: their number.
        moved: is told how many bytes the network took since it was last told; a negative number
            takes them back when S3 wants them from the start again (a redirect).
        pace: how fast they may go.
        persist: whether they are waited for after they have ceased to move.

    Attributes:
        persist: that.
        failure: what went wrong while reading. The HTTP client wraps exceptions of a body in its
            own, which hides that it was not the network.
        acknowledgements: those of the connection that it travels on, while there is one.
        slice_size: that of this connection.
    """

    def __init__(
        self,
        reader: Rewindable,
        size: int,
        moved: Callable[[int], None],
        pace: Pace = at_once,
        persist: Persist = no_longer,
    ) -> None:
        self.persist = persist
        self._reader = reader
        self._size = size
        self._moved = moved
        self._pace = pace
        self._slices = memoryview(b"")
        self._handed = 0
        self._sent = 0
        self._handed_at = 0.0
        self._held = 0.0
        self._asked_at: float | None = None
        self._moved_at = float("-inf")
        self._is_paced = False
        self.failure: AsyncupError | None = None
        self.acknowledgements: Acknowledgements | None = None
        self.slice_size = SliceSize()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._slices = memoryview(b"")
        self._reader.__exit__()

    @property
    def sent(self) -> int:
        """Bytes of this attempt that the network took."""
        return self._sent

    @property
    def loses(self) -> bool:
        """Whether packets get lost on the way, and no queue is full, as far as the system tells."""
        return self.slice_size.loses

    @property
    def has_left(self) -> bool:
        """Whether all of it was taken, and the other side has it, as far as the system knows."""
        known = self.acknowledgements
        return self._sent == self._size and not (known is not None and known.are_due)

    def held(self, now: float) -> float:
        """Return the seconds in which the network waited for bytes, and not they for it.

        `now` is the time of the event loop.
        """
        return self._held + (0.0 if self._asked_at is None else now - self._asked_at)

    def moved_at(self, now: float) -> float:
        """Return when bytes moved last: taken from here, or acknowledged by the other side.

        As long as they are held back here on purpose, that is now. `now` is the time of the event
        loop, and without any movement yet, the answer is long ago.
        """
        if self._is_paced:
            return now
        if self.acknowledgements is None:
            return self._moved_at
        return max(self._moved_at, self.acknowledgements.last(now))

    def __len__(self) -> int:
        return self._size

    def __aiter__(self) -> Self:
        if self._handed:
            raise RuntimeError("a body travels once, unless it is rewound")
        return self

    async def __anext__(self) -> memoryview:
        # Being asked for more is the sign that the slice before was taken.
        loop = asyncio.get_running_loop()
        self._asked_at = loop.time()
        count = self._handed - self._sent
        self._took(count, self._asked_at)
        if self._handed:
            self.slice_size.took(self._asked_at - self._handed_at, count)
            self.slice_size.look(self._asked_at)
        try:
            return await self._next()
        finally:
            self._handed_at = loop.time()
            self._held, self._asked_at = self.held(self._handed_at), None

    async def _next(self) -> memoryview:
        if not self._slices:
            self._slices = memoryview(b"")
            try:
                self._slices = await self._reader.read()
            except AsyncupError as error:
                self.failure = error
                raise
        if not self._slices:
            raise StopAsyncIteration
        size = self._pace(min(len(self._slices), self.slice_size.current))
        if not isinstance(size, int):
            size = await self._paced(size)
        piece, self._slices = self._slices[:size], self._slices[size:]
        self._handed += size
        return piece

    async def _paced(self, turn: Awaitable[int]) -> int:
        self._is_paced = True
        try:
            return await turn
        finally:
            self._is_paced = False
            self._moved_at = asyncio.get_running_loop().time()

    def _took(self, count: int, now: float) -> None:
        if count:
            self._sent += count
            self._moved_at = now
            self._moved(count)

    def tell(self) -> int:
        """Return the position, as a file does."""
        return self._handed

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the start; botocore does so before it follows a redirect."""
        if offset or whence:
            raise ValueError("a body can only be rewound")
        if self._handed:
            self._reader.rewind()
            self._took(-self._sent, self._moved_at)
            self._slices, self._handed, self._sent = memoryview(b""), 0, 0
        return 0

    def read(self, size: int = -1) -> bytes:
        """Refuse: a body is streamed. Whoever reads it would hash or copy it in the event loop."""
        raise RuntimeError(f"a body is streamed, not read ({size} bytes asked for)")
