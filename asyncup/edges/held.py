"""Small files in memory: to write them to a chunk file first takes longer than to send them."""

import asyncio
from collections.abc import Sequence
from typing import Self

from asyncup.edges.ranges import Take

HELD = 1 << 20
"""Bytes that a file may have to be held in memory instead of a chunk file, as one part."""


class HeldReader:
    """Gives blocks in memory, as `asyncup.edges.ranges.RangeReader` gives those of a file."""

    def __init__(self, blocks: Sequence[memoryview]) -> None:
        self._blocks = blocks
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Who holds this holds them no more: their memory is wanted for others.
        self._blocks = ()

    def rewind(self) -> None:
        """Start again at the first block."""
        self._next = 0

    async def read(self) -> memoryview:
        """Return the next block, empty at the end."""
        if self._next == len(self._blocks):
            return memoryview(b"")
        self._next += 1
        return self._blocks[self._next - 1]

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        """Hand the next block to `take`, in a thread unless that is quick; return its size."""
        block = await self.read()
        if is_quick:
            take(block)
        else:
            await asyncio.to_thread(take, block)
        return len(block)
