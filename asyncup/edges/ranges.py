"""Ranges of bytes of local files, read a block at a time."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Self

from aiofiles.threadpool import wrap

from asyncup.core.errors import SourceChanged
from asyncup.core.names import printable
from asyncup.edges.blocks import BLOCK, LARGE, give_back, take_block
from asyncup.edges.files import source_error
from asyncup.edges.threads import in_thread

_AT_ONCE = 2
"""Blocks of one reader: who asks for the next one may still hold the one before."""

_LITTLE = 4 * BLOCK
"""Bytes of a range that is not worth a thread."""

_TURN = 0.05
"""Seconds after which a thread gives way: others read, too, and may want to stop."""

Take = Callable[[memoryview], object]
"""Is handed bytes, to be looked at before it returns."""

# preadv2(2), of Linux; other systems have neither the flag nor, some of them, the call.
_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


class RangeReader:
    """Reads `size` bytes of a file from `offset` on, a block at a time.

    To be sent, what the system has in memory is read at once, and all else in a thread; to be
    looked at or copied, all that is worth it. Opening and closing are not worth a thread; without
    one, no cancellation can lose the handle.

    Raises:
        SourceMissing, SourceUnreadable: the file cannot be opened, or read.
        SourceChanged: the file ends before the range does.
    """

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._path = path
        self._offset = offset
        self._size = size
        self._position = 0
        self._read_before: deque[bytearray] = deque()
        try:
            self._handle = path.open("rb")
        except OSError as error:
            raise source_error(path, error) from error
        self._is_cached = _NOWAIT is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()
        while self._read_before:
            give_back(self._read_before.popleft())

    @property
    def end(self) -> int:
        """Where in the file the range ends."""
        return self._offset + self._size

    async def has_more(self) -> bool:
        """Return whether the file goes on after the bytes that were read."""
        if self._is_cached:
            await asyncio.sleep(0)
            try:
                # What says of itself that it ends here need not be waited for: what can be read so
                # has the size that it says it has.
                where = self._offset + self._position
                return bool(os.preadv(self._handle.fileno(), [bytearray(1)], where, _NOWAIT or 0))
            except OSError:
                pass
        return bool(await self._read(1))

    def keep(self) -> None:
        """Leave the blocks that were read last to who has them, and gives them back."""
        self._read_before.clear()

    def rewind(self) -> None:
        """Start again at the beginning of the range."""
        self._position = 0

    async def read(self) -> memoryview:
        """Return the next block, empty at the end of the range.

        Whoever keeps a view of it keeps its bytes, too.
        """
        most = BLOCK if self._is_cached else LARGE
        wanted = min(most, self._size - self._position)
        if wanted <= 0:
            return memoryview(b"")
        block = await self._read(wanted)
        if not block:
            raise self._ended()
        self._position += len(block)
        return block

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        """Hand bytes that come next to `take`; return how many, 0 at the end of the range.

        That is done in a thread, unless the range is short and `take` is quick: the thread of the
        loop has enough to do with sending. After it was cancelled, `take` may be handed one block
        more, and nobody learns what comes of that.
        """
        if self._position >= self._size:
            return 0
        if is_quick and self._size <= _LITTLE:
            block = await self.read()
            take(block)
            return len(block)
        stop = Event()
        return await in_thread(partial(self._take_turn, take, stop), stop.set)

    def _take_turn(self, take: Take, stop: Event) -> int:
        begin, end = self._position, monotonic() + _TURN
        room = memoryview(bytearray(min(BLOCK, self._size - begin)))
        self._handle.seek(self._offset + begin)
        while left := self._size - self._position:
            try:
                count = self._handle.readinto(room[:left])
            except OSError as error:
                raise source_error(self._path, error) from error
            if not count:
                raise self._ended()
            self._position += count
            take(room[:count])
            # Not before there was one: a turn without any would be the end.
            if stop.is_set() or monotonic() > end:
                break
        return self._position - begin

    def _ended(self) -> SourceChanged:
        end = os.fstat(self._handle.fileno()).st_size
        return SourceChanged(
            f"read {printable(str(self._path))}: the file ends at byte {end} now, "
            f"{self._offset + self._size} or more were there",
            hint="upload it again when nothing writes to it any more",
        )

    async def _read(self, size: int) -> memoryview:
        room = self._room(size)
        try:
            count = self._read_cached(room)
            if count is None:
                self._handle.seek(self._offset + self._position)
                count = await wrap(self._handle).readinto(room)
            else:
                # Others want to go on, too, however fast this is.
                await asyncio.sleep(0)
        except OSError as error:
            raise source_error(self._path, error) from error
        return room[:count]

    def _room(self, size: int) -> memoryview:
        if len(self._read_before) == _AT_ONCE:
            give_back(self._read_before.popleft())
        block = take_block(size)
        self._read_before.append(block)
        return memoryview(block)[:size]

    def _read_cached(self, room: memoryview) -> int | None:
        """Read what needs no waiting; None if that is nothing.

        Whether the file ends, or cannot be read, is for who waits to say: Linux 5.9 and 5.10 may
        give 0 bytes here where there are some (readv(2), BUGS), and a sandbox may forbid the call.
        """
        if not self._is_cached:
            return None
        try:
            where = self._offset + self._position
            return os.preadv(self._handle.fileno(), [room], where, _NOWAIT or 0) or None
        except BlockingIOError:
            return None
        except OSError:
            self._is_cached = False
            return None
