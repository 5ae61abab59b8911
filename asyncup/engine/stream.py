"""Where the parts of a stream come from, which is read once."""

from dataclasses import replace
from typing import Protocol

from asyncup.core.errors import (
    SourceUnreadable,
)
from asyncup.core.model import ChecksumAlgorithm, Checksums, Part
from asyncup.core.plan import UploadPlan
from asyncup.edges.blocks import BLOCK
from asyncup.edges.chunks import ChunkStore, StagedPart, compute
from asyncup.edges.ranges import RangeReader, Take
from asyncup.edges.threads import in_thread
from asyncup.engine.source import Algorithms

_GIVEN_AT_ONCE = 4
"""Blocks of a stream: to hand them to a thread costs as much as to write one."""


class AsyncReader(Protocol):
    """An open stream of bytes, such as asyncio.StreamReader or a file of aiofiles."""

    async def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none only at the end."""


class StreamSource:
    """A stream: every part goes through a chunk file, one after the other.

    To settle a plan, the first part is read: a stream that ends within it goes in one request.
    """

    def __init__(self, stream: AsyncReader, name: str, chunks: ChunkStore) -> None:
        self._stream = stream
        self._chunks = chunks
        self._name = name
        self._first: StagedPart | None = None
        self._ended = False

    @property
    def name(self) -> str:
        """What the stream is called."""
        return self._name

    @property
    def fingerprint(self) -> None:
        """There is none: a stream that comes again may be another one."""
        return None

    def refresh(self) -> int:
        """Refuse: a stream's bytes are read once."""
        raise NotImplementedError

    def require_space(self, size: int) -> int:
        """Make sure that there is room for chunk files."""
        return self._chunks.require(size)

    async def settle(self, plan: UploadPlan) -> UploadPlan:
        """Read the first part; if the stream ended in it, its size is known after all."""
        self._first = await self._split(plan.part(1), {ChecksumAlgorithm.MD5})
        size = self._first.checksums.size
        return plan.closed_at(size) if size < plan.part_size else plan

    @property
    def is_held(self) -> bool:
        """Streams are not: nobody knows how long they are."""
        return False

    @property
    def is_rereadable(self) -> bool:
        """Streams are not."""
        return False

    async def checksums(self, part: Part, algorithms: Algorithms) -> Checksums:
        """Refuse: a stream's bytes are read once."""
        raise NotImplementedError

    async def stage(self, part: Part, algorithms: Algorithms) -> StagedPart | None:
        """Split the next part off the stream; parts are to be asked for in order."""
        if self._first is not None:
            staged = await _with_checksums(self._first, algorithms)
            self._first = None
            return staged
        staged = await self._split(part, algorithms)
        if staged.checksums.size == 0 and part.size:
            staged.release()
            return None
        return staged

    def close(self) -> None:
        """Delete what was read and never asked for."""
        if self._first is not None:
            self._first.release()

    async def _split(self, part: Part, algorithms: Algorithms) -> StagedPart:
        # A terminal goes on after its end; a part that is not full is the last one all the same.
        reader = _Limited(self._stream, self._name, 0 if self._ended else part.size)
        staged = await self._chunks.split(part, reader, algorithms)
        self._ended = staged.checksums.size < part.size
        return replace(staged, part=replace(part, size=staged.checksums.size))

    def check_unchanged(self) -> None:
        """Do nothing: a stream has no state to go back to."""


async def _with_checksums(staged: StagedPart, algorithms: Algorithms) -> StagedPart:
    """Return a staged part with checksums that nobody asked for when it was read."""
    if algorithms <= staged.checksums.values.keys():
        return staged
    with RangeReader(staged.path, staged.offset, staged.checksums.size) as reader:
        return replace(staged, checksums=await compute(reader, algorithms))


class _Limited:
    """The next `size` bytes of a stream."""

    def __init__(self, stream: AsyncReader, name: str, size: int) -> None:
        self._stream = stream
        self._name = name
        self._left = size

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        blocks: list[bytes] = []
        while len(blocks) < _GIVEN_AT_ONCE and (block := await self._read()):
            blocks.append(block)

        def give() -> int:
            for block in blocks:
                take(memoryview(block))
            return sum(map(len, blocks))

        return give() if is_quick else await in_thread(give)

    async def _read(self) -> bytes:
        if not self._left:
            return b""
        try:
            block = await self._stream.read(min(BLOCK, self._left))
        except OSError as error:
            raise SourceUnreadable(f"read {self._name}: {error.strerror or error}") from error
        # A terminal has more to say after its end.
        self._left = self._left - len(block) if block else 0
        return block
