"""Files whose parts are read by workers."""

from pathlib import Path

from asyncup.core.messages import Span
from asyncup.core.model import Checksums, Part
from asyncup.edges.chunks import ChunkStore, StagedPart
from asyncup.edges.crew import Crew
from asyncup.engine.source import Algorithms, FileSource


class CrewFileSource(FileSource):
    """A file whose parts are read by a crew; the other arguments are those of `FileSource`."""

    def __init__(self, crew: Crew, path: Path, chunks: ChunkStore | None) -> None:
        super().__init__(path, chunks)
        self._crew = crew

    @property
    def is_held(self) -> bool:
        """Small files are, as long as this process keeps up."""
        return super().is_held and self._crew.who() is None

    async def checksums(self, part: Part, algorithms: Algorithms) -> Checksums:
        """Let a part's bytes be read for their checksums only."""
        return await self._read(part, algorithms, None)

    async def stage(self, part: Part, algorithms: Algorithms) -> StagedPart:
        """Let a part be split off into a chunk file, or only what has to go with it be computed."""
        if self._chunks is None or self.is_held:
            return await super().stage(part, algorithms)
        path = self._chunks.new_path(part)
        try:
            found = await self._read(part, algorithms, path)
        except BaseException:
            self._chunks.delete(path)
            raise
        return StagedPart(part, found, path, 0, self._chunks)

    async def _read(self, part: Part, algorithms: Algorithms, into: Path | None) -> Checksums:
        is_end = part.offset + part.size == self._fingerprint.size
        span = Span(self._path, part.offset, part.size)
        answer = await self._crew.read(span, algorithms, into=into, is_end=is_end)
        if answer.has_more:
            self._refuse_more()
        self.check_unchanged()
        return answer.checksums
