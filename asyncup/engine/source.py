"""Where parts come from: a file, to be read anywhere and again; for streams, see `stream`."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NoReturn, Protocol

from asyncup.core.errors import (
    SourceChanged,
    SourceUnsuitable,
)
from asyncup.core.model import ChecksumAlgorithm, Checksums, Fingerprint, Part
from asyncup.core.names import printable
from asyncup.core.plan import UploadPlan
from asyncup.edges.chunks import ChunkStore, StagedPart, compute, hold
from asyncup.edges.files import fingerprint
from asyncup.edges.held import HELD
from asyncup.edges.ranges import RangeReader

Algorithms = AbstractSet[ChecksumAlgorithm]


class Source(Protocol):
    """Gives the parts of one upload, ready to travel."""

    @property
    def name(self) -> str:
        """What it is called: a path, as Python has it, or what a stream is."""

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What all its parts are from; None if there is no such thing."""

    def refresh(self) -> int:
        """Take the source as it is now, and return its size."""

    def require_space(self, size: int) -> int | None:
        """Make sure that so many bytes can be staged at once, and return how many can; None: all.

        Raises:
            DiskFull: they cannot.
        """

    async def settle(self, plan: UploadPlan) -> UploadPlan:
        """Return the plan of a new upload, with all that the source can tell beforehand."""

    @property
    def is_held(self) -> bool:
        """Whether it travels from memory if it goes in one part, which takes no space."""

    @property
    def is_rereadable(self) -> bool:
        """Whether a part's bytes can be read before it is staged."""

    async def checksums(self, part: Part, algorithms: Algorithms) -> Checksums:
        """Read a part's bytes for their checksums only."""

    async def stage(self, part: Part, algorithms: Algorithms) -> StagedPart | None:
        """Make a part ready to travel; None if a stream ended before it."""

    def close(self) -> None:
        """Let go of what was staged and never asked for."""

    def check_unchanged(self) -> None:
        """Make sure that all parts come from one and the same state of the source.

        Raises:
            SourceChanged: they may not.
        """


class FileSource:
    """A file, known by its fingerprint from the beginning to the end.

    Without a chunk store, its parts travel from the file itself.

    Raises:
        SourceMissing, SourceUnreadable: there is nothing to read.
    """

    def __init__(self, path: Path, chunks: ChunkStore | None) -> None:
        self._path = path
        self._chunks = chunks
        self._fingerprint = fingerprint(path)

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def fingerprint(self) -> Fingerprint:
        """What the file was known by when it was looked at last."""
        return self._fingerprint

    def refresh(self) -> int:
        """Take the file as it is now, and return its size."""
        self._fingerprint = fingerprint(self._path)
        return self._fingerprint.size

    def require_space(self, size: int) -> int | None:
        """Make sure that there is room for chunk files, if there are any."""
        return None if self._chunks is None else self._chunks.require(size)

    async def settle(self, plan: UploadPlan) -> UploadPlan:
        """Return the plan: of a file, all is known."""
        return plan

    @property
    def is_held(self) -> bool:
        """Small files are."""
        return self._fingerprint.size <= HELD

    @property
    def is_rereadable(self) -> bool:
        """Files are."""
        return True

    def close(self) -> None:
        """Do nothing: a file's parts are asked for one by one."""

    async def checksums(self, part: Part, algorithms: Algorithms) -> Checksums:
        """Read a part's bytes for their checksums only."""
        with RangeReader(self._path, part.offset, part.size) as reader:
            found = await compute(reader, algorithms)
            await self._check_end(reader)
        self.check_unchanged()
        return found

    async def stage(self, part: Part, algorithms: Algorithms) -> StagedPart:
        """Split a part off into a chunk file, or only compute what has to go with it."""
        if self.is_held and part.size == self._fingerprint.size:
            with RangeReader(self._path, part.offset, part.size) as reader:
                found, blocks = await hold(reader, algorithms)
                await self._check_end(reader)
            self.check_unchanged()
            return StagedPart(part, found, self._path, part.offset, held=blocks)
        if self._chunks is None:
            found = await self.checksums(part, algorithms)
            return StagedPart(part, found, self._path, part.offset)
        with RangeReader(self._path, part.offset, part.size) as reader:
            staged = await self._chunks.split(part, reader, algorithms)
            try:
                await self._check_end(reader)
                self.check_unchanged()
            except BaseException:
                # Being stopped here, too: nobody else knows of the chunk file yet.
                staged.release()
                raise
        return staged

    async def _check_end(self, reader: RangeReader) -> None:
        """Refuse what gives more bytes than its size says, such as files below /proc."""
        if reader.end == self._fingerprint.size and await reader.has_more():
            self._refuse_more()

    def _refuse_more(self) -> NoReturn:
        self.check_unchanged()
        raise SourceUnsuitable(
            f"upload {printable(self.name)}: it has more bytes than the system says it has",
            hint="upload it as a stream, from standard input",
        )

    def check_unchanged(self) -> None:
        """Compare the file's fingerprint with that of the beginning.

        Raises:
            SourceChanged: they differ.
        """
        now, then = fingerprint(self._path), self._fingerprint
        if now == then:
            return
        change = "it was written to or replaced"
        if now.size != then.size:
            change = f"it had {then.size} bytes and has {now.size} now"
        raise SourceChanged(
            f"upload {printable(self.name)}: the file changed on the way: {change}",
            hint="run again when nothing writes to it any more; parts at S3 that still fit stay",
        )


OpenFile = Callable[[Path, ChunkStore | None], FileSource]
"""Gives the file of a path as a source; its parts travel from itself where there is no store."""
