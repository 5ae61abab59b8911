"""Looking at the files of a watched directory: which are there, which are wanted and not known."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from asyncup.core.errors import SourceMissing
from asyncup.core.events import FileSkipped, UploadFailed
from asyncup.core.model import Fingerprint
from asyncup.core.settling import OLD, Marker
from asyncup.edges.files import Found, Left
from asyncup.edges.remembered import Remembered
from asyncup.edges.threads import DaemonThreads
from asyncup.engine.jobs import Job, Selection

EVERYWHERE = "."
"""The path of a directory below itself."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that is wanted, as it was seen.

    `is_whole` says that it need not stand still any longer; `is_other` that it is not what it was
    when it was done last.
    """

    job: Job
    fingerprint: Fingerprint
    is_whole: bool
    is_other: bool


_Look = Seen | FileSkipped | UploadFailed | None


class Look:
    """Looks at what is below a directory, without holding up the event loop.

    Args:
        directory: that is looked at.
        selection: says which of the files in it are wanted.
        marker: by which files are marked as whole; None if they are not.
        remembered: files that are done, which are passed over as long as they are the same.
        now: the time of day, in seconds since 1970.

    Attributes:
        took: seconds that went into looking.
    """

    def __init__(
        self,
        directory: Path,
        selection: Selection,
        marker: Marker | None,
        remembered: Remembered,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._selection = selection
        self._marker = marker
        self._remembered = remembered
        self._now = now
        self._threads = DaemonThreads()
        self.took = 0.0

    async def identity(self) -> tuple[int, int] | str:
        """Return which directory is there, or in words why there is none."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._identity)

    def _identity(self) -> tuple[int, int] | str:
        try:
            status = self._directory.stat()
        except OSError as error:
            return error.strerror or str(error)
        if not self._directory.is_dir():
            return "it is no directory"
        return status.st_dev, status.st_ino

    async def at(
        self, relatives: Iterable[str]
    ) -> AsyncIterator[Seen | FileSkipped | UploadFailed]:
        """Yield what there is to say of these paths below the directory, and of all below them."""
        looking = self._looking(relatives)
        while batch := await self._batch(looking):
            for each in batch:
                if each is not None:
                    yield each

    async def _batch(self, looking: Iterator[_Look]) -> list[_Look]:
        """Take some at once, for fewer changes of threads."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        batch = await loop.run_in_executor(self._threads, list, islice(looking, _BATCH))
        self.took += loop.time() - began
        return batch

    def subjects(self, path: str) -> Iterator[str]:
        """Yield what is to be looked at, below the directory, if something happened at a path."""
        relative = path.removeprefix(f"{self._directory}/")
        yield EVERYWHERE if relative == str(self._directory) else relative
        if self._marker is not None:
            above, slash, name = relative.rpartition("/")
            if (marked := self._marker.marked_by(name)) is not None:
                yield f"{above}{slash}{marked}"

    def _looking(self, relatives: Iterable[str]) -> Iterator[_Look]:
        walk = self._selection.walk
        for relative in relatives:
            everything = relative == EVERYWHERE
            root = self._directory
            for found in walk.files(root) if everything else walk.at(root, relative):
                yield self._judge(found)

    def _judge(self, found: Found | Left) -> _Look:
        """Say what is to be said of something that is there; None if that is nothing."""
        if isinstance(found, Left):
            return self._left(found)
        name = str(found.path)
        is_same = self._remembered.is_same(name, found.fingerprint)
        is_marker = self._marker is not None and self._marker.marked_by(found.path.name) is not None
        if is_same or is_marker:
            return None
        selected = self._selection.judge(found, {})
        if not isinstance(selected, Job):
            return selected
        if self._marker is None:
            is_whole = self._now() - found.touched >= OLD
        elif not (is_whole := self._is_marked(found, self._marker)):
            return None
        return Seen(selected, found.fingerprint, is_whole, is_other=is_same is False)

    def _left(self, left: Left) -> FileSkipped | UploadFailed | None:
        if isinstance(left.error, SourceMissing) and not left.path.is_symlink():
            # It was there a moment ago.
            self._remembered.forget(str(left.path))
            return None
        selected = self._selection.judge(left, {})
        return None if isinstance(selected, Job) else selected

    @staticmethod
    def _is_marked(found: Found, marker: Marker) -> bool:
        """Return whether there is a marker, and one that is not of an earlier file of the name."""
        try:
            status = found.path.with_name(marker.of(found.path.name)).stat()
        except OSError:
            return False
        return status.st_mtime_ns >= found.fingerprint.mtime_ns
