"""Chunk files: a part's bytes on local disk between the source and S3.

Retries read the chunk file, never the source again. A run keeps its chunk files in a directory
of its own, whose lock says that the run is alive; what a killed run left behind is removed at
the next start, never used. There is no fsync: a chunk file is a copy, and its checksums tell if
it is whole.

Measured: to delete a file and to write a new one costs twice as much as to write over the old one.
So what S3 has is written over by the parts that come next, while there are any.
"""

import asyncio
import errno
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from aiofiles.threadpool import wrap

from asyncup.core.checksums import RunningChecksums
from asyncup.core.errors import DiskFull, SourceChanged, SplitDirUnusable
from asyncup.core.model import ChecksumAlgorithm, Checksums, Part
from asyncup.core.names import printable
from asyncup.core.sizes import format_size
from asyncup.edges.blocks import give_back
from asyncup.edges.body import Pace, PartBody, Persist, at_once, no_longer
from asyncup.edges.held import HeldReader
from asyncup.edges.locks import Lock
from asyncup.edges.ranges import RangeReader, Take

_RUN = re.compile(r"asyncup-run-[0-9a-f]{16}")
_MOST_SPARE = 2
"""Chunk files that wait to be written over: parts come and go about one by one."""

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Giver(Protocol):
    """Gives bytes, once, from front to end."""

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        """Hand bytes that come next to `take`; return how many, 0 at the end.

        See `asyncup.edges.ranges.RangeReader`.
        """


@dataclass(frozen=True, slots=True)
class StagedPart:
    """A part that is ready to travel, as often as it takes.

    Attributes:
        part: which it is.
        checksums: of its bytes.
        path: a file that has them from `offset` on: a chunk file, or the source.
        store: whose chunk file that is; None if it is the source.
        held: the bytes themselves, if they are in memory.
    """

    part: Part
    checksums: Checksums
    path: Path
    offset: int
    store: "ChunkStore | None" = None
    held: Sequence[memoryview] | None = None

    @property
    def is_copy(self) -> bool:
        """Whether it is what was read once, whatever becomes of the source."""
        return self.store is not None or self.held is not None

    def body(
        self, moved: Callable[[int], None], pace: Pace = at_once, persist: Persist = no_longer
    ) -> PartBody:
        """Open the bytes for one attempt; the arguments are those of `PartBody`."""
        return PartBody(self._reader(), self.checksums.size, moved, pace, persist)

    def _reader(self) -> RangeReader | HeldReader:
        if self.held is not None:
            return HeldReader(self.held)
        return RangeReader(self.path, self.offset, self.checksums.size)

    async def check(self) -> None:
        """Read the bytes again, after S3 said that others arrived.

        Raises:
            SourceChanged: they are not the ones that were staged.
        """
        with self._reader() as reader:
            again = await compute(reader, self.checksums.values)
        if again != self.checksums:
            raise SourceChanged(
                f"read {printable(str(self.path))} again: its bytes are not those of before",
                hint="nothing may write to it"
                if self.store is None
                else "look after the disk it is on",
            )

    def retire(self) -> None:
        """Let the chunk file be written over: nobody reads it any more, nor ever will."""
        if self.store is not None:
            self.store.retire(self.path)

    def release(self) -> None:
        """Delete the chunk file, or let the memory be used again."""
        if self.store is not None:
            self.store.delete(self.path)
        for block in self.held or ():
            if isinstance(block.obj, bytearray):
                give_back(block.obj)


async def compute(giver: Giver, algorithms: Iterable[ChecksumAlgorithm]) -> Checksums:
    """Return the checksums of all that is given."""
    running = RunningChecksums(algorithms)
    while await giver.give(running.update, is_quick=running.is_quick):
        pass
    return running.result()


async def hold(
    reader: RangeReader, algorithms: Iterable[ChecksumAlgorithm]
) -> tuple[Checksums, Sequence[memoryview]]:
    """Return the checksums of all that a reader gives, and that itself."""
    running, blocks = RunningChecksums(algorithms), []
    while block := await reader.read():
        if running.is_quick:
            running.update(block)
        else:
            await asyncio.to_thread(running.update, block)
        blocks.append(block)
        reader.keep()
    return running.result(), blocks


class ChunkStore:
    """The chunk files of one run, below `split_dir`.

    Use as a context manager: entering makes the run's directory, leaving removes it.

    Raises:
        SplitDirUnusable: on entering, if chunk files cannot be kept there.
    """

    def __init__(self, split_dir: Path) -> None:
        self._split_dir = split_dir
        self._directory = split_dir / f"asyncup-run-{secrets.token_hex(8)}"
        self._lock = Lock(self._directory.with_name(f"{self._directory.name}.lock"))
        self._count = 0
        self._in_use: set[Path] = set()
        self._spare: list[Path] = []

    def __enter__(self) -> Self:
        try:
            self._split_dir.mkdir(parents=True, exist_ok=True)
            self._remove_dead_runs()
            # First the lock, then the directory: one without a lock held belongs to nobody.
            if not self._lock.acquire():
                raise self._unusable("no lock can be taken there")
            self._directory.mkdir()
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _unusable(self, cause: str) -> SplitDirUnusable:
        return SplitDirUnusable(
            f"keep chunk files in {printable(str(self._split_dir))}: {cause}",
            hint="name a directory that can be written with --split-dir, or use --direct",
        )

    def _remove_dead_runs(self) -> None:
        # Found by its lock, which no directory of another origin has beside it. A start that was
        # killed leaves a lock without a directory.
        for found in list(self._split_dir.glob("*.lock")):
            if not _RUN.fullmatch(found.stem):
                continue
            lock = Lock(found)
            # A lock that cannot be had is that of a run that is alive, or somebody else's.
            with suppress(OSError):
                if lock.acquire():
                    with lock:
                        shutil.rmtree(found.with_suffix(""), ignore_errors=True)

    def require(self, size: int) -> int:
        """Make sure that `size` bytes of chunk files can be held at once; return how many can.

        Raises:
            DiskFull: they cannot.
        """
        free = shutil.disk_usage(self._directory).free
        held = sum(chunk.stat().st_size for chunk in self._directory.iterdir())
        if free + held < size:
            raise DiskFull(
                f"keep chunk files in {printable(str(self._split_dir))}: "
                f"{format_size(size)} needed, {format_size(free + held)} free",
                hint="free some space, name another disk with --split-dir, lower --part-size "
                "or --concurrency, or use --direct",
            )
        return free + held

    async def split(
        self, part: Part, giver: Giver, algorithms: Iterable[ChecksumAlgorithm]
    ) -> StagedPart:
        """Copy all that is given to a chunk file, with its checksums, in one pass.

        Raises:
            DiskFull: the disk has no room; the partial chunk file is gone.
            SplitDirUnusable: it cannot be written.
        """
        path = self.new_path(part)
        try:
            found = await copy(path, giver, algorithms)
        except BaseException:
            self.delete(path)
            raise
        return StagedPart(part, found, path, 0, self)

    def new_path(self, part: Part) -> Path:
        """Return where a part's chunk file is to be written, until it is deleted or retired.

        No other gets the same. Beside it there may be a spare one, which `copy` takes.
        """
        self._count += 1
        path = self._directory / f"{self._count:06}-part{part.number:05}"
        self._in_use.add(path)
        if self._spare:
            with suppress(OSError):  # then it is a new one
                self._spare.pop().rename(_spare_for(path))
        return path

    def retire(self, path: Path) -> None:
        """Let a chunk file be written over by the next one; too many are none the better."""
        if len(self._spare) == _MOST_SPARE:
            self.delete(path)
            return
        self._in_use.remove(path)
        self._spare.append(path)
        self._delete_what_nobody_needs()

    def delete(self, path: Path) -> None:
        """Delete a chunk file, unless it was retired."""
        if path in self._in_use:
            self._in_use.remove(path)
            path.unlink(missing_ok=True)
            _spare_for(path).unlink(missing_ok=True)
            self._delete_what_nobody_needs()

    def _delete_what_nobody_needs(self) -> None:
        # Whoever watches a directory may have nothing to send for days.
        while self._spare and not self._in_use:
            self._spare.pop().unlink(missing_ok=True)


async def copy(path: Path, giver: Giver, algorithms: Iterable[ChecksumAlgorithm]) -> Checksums:
    """Write all that is given to a chunk file and return its checksums, in one pass.

    Raises: as `ChunkStore.split`.
    """
    running = RunningChecksums(algorithms)
    try:
        with _open(path) as handle, _dropped_if_it_fails(handle, path):

            def take(block: memoryview) -> None:
                running.update(block)
                handle.write(block)

            while await giver.give(take):
                pass
            # What was there before may have been longer.
            await wrap(handle).truncate()
    except OSError as error:
        raise _write_error(path, error) from error
    return running.result()


def _spare_for(path: Path) -> Path:
    return path.with_name(f"spare-{path.name}")


def _open(path: Path) -> BinaryIO:
    """Open a chunk file that nobody else has ever opened under this name, whoever tries to."""
    try:
        _spare_for(path).rename(path)
    except FileNotFoundError:
        return path.open("xb")
    return path.open("r+b")


def _write_error(path: Path, error: OSError) -> SplitDirUnusable:
    # What the user knows is the directory that the run's own is in.
    where = printable(str(path.parent.parent))
    cause = error.strerror or str(error)
    if error.errno in _FULL:
        return DiskFull(
            f"write a chunk file in {where}: {cause}",
            hint="free some space, or name another disk with --split-dir, and run again",
        )
    return SplitDirUnusable(f"write a chunk file in {where}: {cause}")


@contextmanager
def _dropped_if_it_fails(handle: BinaryIO, path: Path) -> Iterator[None]:
    """Delete what was written if not all of it could be."""
    try:
        yield
    except BaseException:
        # Closing writes what is left in the buffer, which may fail, too: that is no news.
        with suppress(OSError):
            handle.close()
        path.unlink(missing_ok=True)
        raise
