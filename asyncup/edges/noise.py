"""Bytes that no server can shrink, to be sent for the sake of sending."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

from asyncup.core.model import ChecksumAlgorithm, Checksums
from asyncup.edges.body import PartBody
from asyncup.edges.chunks import compute
from asyncup.edges.held import HeldReader

_BLOCK = os.urandom(1 << 20)
"""Noise, which repeats itself only after more than any compression looks back at."""


def noise(size: int) -> HeldReader:
    """Return what gives so many bytes of it, the same ones each time."""
    block = memoryview(_BLOCK)
    whole, rest = divmod(size, len(block))
    return HeldReader([*repeat(block, whole), block[:rest]])


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise that is ready to travel, as often as it takes."""

    checksums: Checksums

    @classmethod
    async def of(cls, size: int) -> "Noise":
        """Return so many bytes of it."""
        return cls(await compute(noise(size), {ChecksumAlgorithm.MD5}))

    def body(self, moved: Callable[[int], None] = lambda _: None) -> PartBody:
        """Open the bytes for one attempt; `moved` is told what the network takes."""
        return PartBody(noise(self.checksums.size), self.checksums.size, moved)
