"""Where parts come from: a file, to be read anywhere and again, or a stream, read once."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, Protocol

from asyncup.core.errors import (
    SourceChanged,
    SourceUnreadable,
    SourceUnsuitable,
)
from asyncup.core.messages import Span
from asyncup.core.model import ChecksumAlgorithm, Checksums, Fingerprint, Part
from asyncup.core.names import printable
from asyncup.core.plan import UploadPlan
from asyncup.edges.blocks import BLOCK
from asyncup.edges.chunks import ChunkStore, StagedPart, compute
from asyncup.edges.crew import Crew
from asyncup.edges.files import RangeReader, Take, fingerprint
from asyncup.edges.threads import in_thread

_GIVEN_AT_ONCE = 4
"""Blocks of a stream: to hand them to a thread costs as much as to write one."""

Algorithms = AbstractSet[ChecksumAlgorithm]


class AsyncReader(Protocol):
    """An open stream of bytes, such as asyncio.StreamReader or a file of aiofiles."""

    async def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none only at the end."""


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
        if self._chunks is None:
            found = await self.checksums(part, algorithms)
            return StagedPart(part, found, self._path, part.offset, owned=False)
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


class CrewFileSource(FileSource):
    """A file whose parts are read by a crew; the other arguments are those of `FileSource`."""

    def __init__(self, crew: Crew, path: Path, chunks: ChunkStore | None) -> None:
        super().__init__(path, chunks)
        self._crew = crew

    async def checksums(self, part: Part, algorithms: Algorithms) -> Checksums:
        """Let a part's bytes be read for their checksums only."""
        return await self._read(part, algorithms, None)

    async def stage(self, part: Part, algorithms: Algorithms) -> StagedPart:
        """Let a part be split off into a chunk file, or only what has to go with it be computed."""
        if self._chunks is None:
            return await super().stage(part, algorithms)
        path = self._chunks.new_path(part)
        try:
            found = await self._read(part, algorithms, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return StagedPart(part, found, path, 0, owned=True)

    async def _read(self, part: Part, algorithms: Algorithms, into: Path | None) -> Checksums:
        is_end = part.offset + part.size == self._fingerprint.size
        span = Span(self._path, part.offset, part.size)
        answer = await self._crew.read(span, algorithms, into=into, is_end=is_end)
        if answer.has_more:
            self._refuse_more()
        self.check_unchanged()
        return answer.checksums


OpenFile = Callable[[Path, ChunkStore | None], FileSource]
"""Gives the file of a path as a source; its parts travel from itself where there is no store."""


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
