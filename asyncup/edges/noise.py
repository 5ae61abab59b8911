"""Bytes that no server can shrink, to be sent for the sake of sending."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from asyncup.core.model import ChecksumAlgorithm, Checksums
from asyncup.edges.body import PartBody
from asyncup.edges.chunks import compute

_BLOCK = os.urandom(1 << 20)
"""Noise, which repeats itself only after more than any compression looks back at."""


class NoiseReader:
    """Gives so many bytes of noise, a block at a time, the same ones each time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size

    def __exit__(self, *_: object) -> None:
        pass

    def rewind(self) -> None:
        """Start again at the beginning."""
        self._left = self._size

    async def read(self) -> memoryview:
        """Return the next block, empty at the end."""
        block = memoryview(_BLOCK)[: self._left]
        self._left -= len(block)
        return block


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise that is ready to travel, as often as it takes."""

    checksums: Checksums

    @classmethod
    async def of(cls, size: int) -> "Noise":
        """Return so many bytes of it."""
        return cls(await compute(NoiseReader(size), {ChecksumAlgorithm.MD5}))

    def body(self, moved: Callable[[int], None] = lambda _: None) -> PartBody:
        """Open the bytes for one attempt; `moved` is told what the network takes."""
        return PartBody(NoiseReader(self.checksums.size), self.checksums.size, moved)
