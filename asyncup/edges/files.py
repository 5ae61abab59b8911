"""Local files: walk them, know them again, read a range of bytes."""

import asyncio
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Self

from aiofiles.threadpool import wrap

from asyncup.core.errors import (
    SourceChanged,
    SourceError,
    SourceMissing,
    SourceUnreadable,
    SourceUnsuitable,
)
from asyncup.core.model import Fingerprint
from asyncup.core.names import printable
from asyncup.edges.blocks import BLOCK, SPARE
from asyncup.edges.threads import in_thread

_AT_ONCE = 2
"""Blocks of one reader: who asks for the next one may still hold the one before."""

_LITTLE = 4 * BLOCK
"""Bytes of a range that is not worth a thread."""

_TURN = 0.05
"""Seconds after which a thread gives way: others read, too, and may want to stop."""

Take = Callable[[memoryview], object]
"""Is handed bytes, to be looked at before it returns."""

# preadv2(2), of Linux; other systems have neither the flag nor, some of them, the call.
_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that can be read; `relative` is its path below the source, with `/`."""

    path: Path
    relative: str
    size: int


@dataclass(frozen=True, slots=True)
class Left:
    """Something on the way that is not walked or taken: skipped for a reason, or an error.

    `filtered` says that the user's own wish left it out.
    """

    path: Path
    reason: str
    error: SourceError | None = None
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Walk:
    """How a directory is walked.

    Args:
        recursive: also what lies in directories below.
        follow: also what lies behind symbolic links to directories.
        prunes: whether a directory (its relative path) need not be read.
    """

    recursive: bool = True
    follow: bool = False
    prunes: Callable[[str], bool] = lambda _: False

    def files(self, root: Path, *, relative: str | None = None) -> Iterator[Found | Left]:
        """Yield what a source names: itself, or all in it in order of name.

        `relative` is the key's part for the source itself, which has to be a file then: whoever
        lists names means those and no others. By default it is the file's name.
        """
        try:
            status = root.stat()
        except OSError as error:
            yield _left(root, error)
            return
        except ValueError as error:
            # A list that was NUL-separated, and read as lines.
            hint = "is the list NUL-separated? then it takes -0"
            problem = SourceUnsuitable(f"skip {_shown(root)}: {error}", hint=hint)
            yield Left(root, str(error), problem)
            return
        if not stat.S_ISDIR(status.st_mode):
            yield _entry(root, root.name if relative is None else relative, status)
        elif relative is not None:
            yield Left(root, "a directory; what is in it has to be listed itself")
        else:
            yield from self._directory(root, "", (_identity(status),))

    def _directory(
        self, directory: Path, prefix: str, above: tuple[tuple[int, int], ...]
    ) -> Iterator[Found | Left]:
        """Yield what is in a directory; `above` are the directories on the way, to see loops."""
        try:
            with os.scandir(directory) as listing:
                names = sorted(entry.name for entry in listing)
        except OSError as error:
            yield _left(directory, error)
            return
        for name in names:
            yield from self._child(directory / name, prefix + name, above)

    def _child(
        self, path: Path, relative: str, above: tuple[tuple[int, int], ...]
    ) -> Iterator[Found | Left]:
        try:
            status = path.stat()
        except OSError as error:
            yield _left(path, error)
            return
        if not stat.S_ISDIR(status.st_mode):
            yield _entry(path, relative, status)
        elif self.prunes(relative):
            yield Left(path, "excluded by pattern", filtered=True)
        elif not self.recursive:
            yield Left(path, "a directory, not a file beside it", filtered=True)
        elif not self.follow and path.is_symlink():
            yield Left(path, "a symbolic link to a directory (--follow goes there)")
        elif _identity(status) in above:
            problem = "a symbolic link that leads back to a directory above it"
            yield Left(path, problem, SourceUnsuitable(f"skip {_shown(path)}: {problem}"))
        else:
            yield from self._directory(path, f"{relative}/", (*above, _identity(status)))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _entry(path: Path, relative: str, status: os.stat_result) -> Found | Left:
    """Return a regular file, or why the thing is none."""
    if not stat.S_ISREG(status.st_mode):
        problem = f"{_kind(status.st_mode)}, not a file"
        return Left(path, problem, SourceUnsuitable(f"skip {_shown(path)}: {problem}"))
    if not os.access(path, os.R_OK):
        return _left(path, PermissionError(0, "Permission denied"))
    return Found(path, relative, status.st_size)


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a character device"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "something else")


def _left(path: Path, error: OSError) -> Left:
    return Left(path, error.strerror or str(error), source_error(path, error))


def _shown(path: Path) -> str:
    return printable(str(path))


def source_error(path: Path, error: OSError) -> SourceError:
    """Turn what the system says of a path into an error of ours."""
    cause = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        if path.is_symlink():
            return SourceMissing(f"read {_shown(path)}: a symbolic link to nothing")
        return SourceMissing(f"read {_shown(path)}: no such file or directory")
    if isinstance(error, PermissionError):
        return SourceUnreadable(
            f"read {_shown(path)}: {cause}", hint="let this user read it, or exclude it"
        )
    return SourceUnreadable(f"read {_shown(path)}: {cause}")


def fingerprint(path: Path) -> Fingerprint:
    """Return what a file is known by.

    Raises:
        SourceMissing, SourceUnreadable: the system does not tell.
        SourceUnsuitable: it is no regular file, so its size says nothing about its content.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise source_error(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceUnsuitable(
            f"read {_shown(path)}: it is no regular file",
            hint="what a device or a pipe gives can be uploaded as a stream, from standard input",
        )
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)


class RangeReader:
    """Reads `size` bytes of a file from `offset` on, a block at a time.

    To be sent, what the system has in memory is read at once, and all else in a thread; to be
    looked at or copied, all that is worth it. Opening and closing are not worth a thread; without
    one, no cancellation can lose the handle.

    Raises:
        SourceMissing, SourceUnreadable: the file cannot be opened, or read.
        SourceChanged: the file ends before the range does.
    """

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._path = path
        self._offset = offset
        self._size = size
        self._position = 0
        self._read_before: deque[bytearray] = deque()
        try:
            self._handle = path.open("rb")
        except OSError as error:
            raise source_error(path, error) from error
        self._file = wrap(self._handle)
        self._is_cached = _NOWAIT is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()
        while self._read_before:
            SPARE.give_back(self._read_before.popleft())

    @property
    def end(self) -> int:
        """Where in the file the range ends."""
        return self._offset + self._size

    async def has_more(self) -> bool:
        """Return whether the file goes on after the bytes that were read."""
        return bool(await self._read(1))

    def rewind(self) -> None:
        """Start again at the beginning of the range."""
        self._position = 0

    async def read(self) -> memoryview:
        """Return the next block, empty at the end of the range.

        Whoever keeps a view of it keeps its bytes, too.
        """
        wanted = min(BLOCK, self._size - self._position)
        if wanted <= 0:
            return memoryview(b"")
        block = await self._read(wanted)
        if not block:
            raise self._ended()
        self._position += len(block)
        return block

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        """Hand bytes that come next to `take`; return how many, 0 at the end of the range.

        That is done in a thread, unless the range is short and `take` is quick: the thread of the
        loop has enough to do with sending. After it was cancelled, `take` may be handed one block
        more, and nobody learns what comes of that.
        """
        if self._position >= self._size:
            return 0
        if is_quick and self._size <= _LITTLE:
            block = await self.read()
            take(block)
            return len(block)
        stop = Event()
        return await in_thread(partial(self._take_turn, take, stop), stop.set)

    def _take_turn(self, take: Take, stop: Event) -> int:
        begin, end = self._position, monotonic() + _TURN
        room = memoryview(bytearray(min(BLOCK, self._size - begin)))
        self._handle.seek(self._offset + begin)
        while left := self._size - self._position:
            try:
                count = self._handle.readinto(room[:left])
            except OSError as error:
                raise source_error(self._path, error) from error
            if not count:
                raise self._ended()
            self._position += count
            take(room[:count])
            # Not before there was one: a turn without any would be the end.
            if stop.is_set() or monotonic() > end:
                break
        return self._position - begin

    def _ended(self) -> SourceChanged:
        end = os.fstat(self._handle.fileno()).st_size
        return SourceChanged(
            f"read {_shown(self._path)}: the file ends at byte {end} now, "
            f"{self._offset + self._size} or more were there",
            hint="upload it again when nothing writes to it any more",
        )

    async def _read(self, size: int) -> memoryview:
        room = self._room(size)
        try:
            count = self._read_cached(room)
            if count is None:
                self._handle.seek(self._offset + self._position)
                count = await self._file.readinto(room)
            else:
                # Others want to go on, too, however fast this is.
                await asyncio.sleep(0)
        except OSError as error:
            raise source_error(self._path, error) from error
        return room[:count]

    def _room(self, size: int) -> memoryview:
        if len(self._read_before) == _AT_ONCE:
            SPARE.give_back(self._read_before.popleft())
        block = SPARE.take()
        self._read_before.append(block)
        return memoryview(block)[:size]

    def _read_cached(self, room: memoryview) -> int | None:
        """Read what needs no waiting; None if that is nothing.

        Whether the file ends, or cannot be read, is for who waits to say: Linux 5.9 and 5.10 may
        give 0 bytes here where there are some (readv(2), BUGS), and a sandbox may forbid the call.
        """
        if not self._is_cached:
            return None
        try:
            where = self._offset + self._position
            return os.preadv(self._handle.fileno(), [room], where, _NOWAIT or 0) or None
        except BlockingIOError:
            return None
        except OSError:
            self._is_cached = False
            return None
