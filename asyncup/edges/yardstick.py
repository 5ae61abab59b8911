"""How fast this machine's disks are: the one for chunk files, and the one that a source is on."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from asyncup.core.errors import SourceMissing, SourceUnreadable
from asyncup.core.model import Part
from asyncup.core.names import printable
from asyncup.core.options import MIB
from asyncup.edges.blocks import BLOCK
from asyncup.edges.chunks import ChunkStore
from asyncup.edges.files import fingerprint, source_error
from asyncup.edges.noise import noise

WRITTEN = 32 * MIB
"""Bytes of the chunk file that is written."""

READ, READ_SECONDS = 256 * MIB, 3.0
"""Bytes of a source that are read at most, and for how long."""


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """Bytes that chunk files may take, and bytes per second that were written."""

    room: int
    rate: float


async def measure_split_dir(split_dir: Path, clock: Callable[[], float]) -> DiskSeen:
    """Write a chunk file to the disk, and remove it.

    Raises:
        SplitDirUnusable, DiskFull: there can be none.
    """
    with ChunkStore(split_dir) as store:
        room, part, began = store.require(WRITTEN), Part(1, 0, WRITTEN), clock()
        staged = await store.split(part, noise(WRITTEN), ())
        await asyncio.to_thread(_flush, staged.path)
        return DiskSeen(room, WRITTEN / max(clock() - began, 1e-6))


def _flush(path: Path) -> None:
    """Let a file be on the disk, not on the way there."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


async def measure_source(
    paths: Sequence[Path], clock: Callable[[], float] = time.monotonic
) -> float:
    """Return the bytes per second that files, and those below directories, are read with.

    Raises:
        SourceMissing, SourceUnreadable: there is nothing to read, or it cannot be.
        SourceUnsuitable: it is neither a file nor a directory.
    """
    return await asyncio.to_thread(_measure_source, paths, clock)


def _measure_source(paths: Sequence[Path], clock: Callable[[], float]) -> float:
    began, read = clock(), 0
    room = memoryview(bytearray(BLOCK))
    for file in chain.from_iterable(map(_files, paths)):
        try:
            with file.open("rb", buffering=0) as handle:
                _forget(handle.fileno())
                while count := handle.readinto(room):
                    read += count
                    if read >= READ or clock() - began >= READ_SECONDS:
                        return read / max(clock() - began, 1e-6)
        except OSError as error:
            raise source_error(file, error) from error
    if not read:
        named = printable(", ".join(map(str, paths)))
        raise SourceMissing(f"read {named}: there are no bytes in it")
    return read / max(clock() - began, 1e-6)


def _forget(descriptor: int) -> None:
    """Let the system read from the disk what it may have in memory, where it knows how to."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        fingerprint(path)
        yield path
        return

    def refuse(error: OSError) -> None:
        raise SourceUnreadable(str(source_error(path, error))) from error

    for directory, _, names in os.walk(path, onerror=refuse):
        yield from (each for name in sorted(names) if (each := Path(directory, name)).is_file())
