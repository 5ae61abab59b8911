"""Local files: walk them, and know them again."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asyncup.core.errors import (
    SourceError,
    SourceMissing,
    SourceUnreadable,
    SourceUnsuitable,
)
from asyncup.core.model import Fingerprint
from asyncup.core.names import printable

_Above = tuple[tuple[int, int], ...]
"""The identities of the directories on the way to one, to see loops."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that can be read; `relative` is its path below the source, with `/`.

    `touched` is when it, or what is known about it, was changed last, in seconds since 1970.
    """

    path: Path
    relative: str
    size: int
    fingerprint: Fingerprint
    touched: float


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

    def at(self, root: Path, relative: str) -> Iterator[Found | Left]:
        """Yield what `files` yields of a path below a directory, and of all below that path."""
        *way, name = relative.split("/")
        path, prefix = root, ""
        try:
            above: _Above = (_identity(root.stat()),)
            for each in way:
                path, prefix = path / each, prefix + each
                here = _identity(path.stat())
                if not path.is_dir() or self._left_out(path, prefix, here, above) is not None:
                    return
                prefix, above = f"{prefix}/", (*above, here)
        except OSError:
            # It is gone with the directory that it was in.
            return
        yield from self._child(path / name, relative, above)

    def _directory(self, directory: Path, prefix: str, above: _Above) -> Iterator[Found | Left]:
        """Yield what is in a directory."""
        try:
            with os.scandir(directory) as listing:
                names = sorted(entry.name for entry in listing)
        except OSError as error:
            yield _left(directory, error)
            return
        for name in names:
            yield from self._child(directory / name, prefix + name, above)

    def _child(self, path: Path, relative: str, above: _Above) -> Iterator[Found | Left]:
        try:
            status = path.stat()
        except OSError as error:
            yield _left(path, error)
            return
        if not stat.S_ISDIR(status.st_mode):
            yield _entry(path, relative, status)
        elif (left := self._left_out(path, relative, _identity(status), above)) is not None:
            yield left
        else:
            yield from self._directory(path, f"{relative}/", (*above, _identity(status)))

    def _left_out(
        self, path: Path, relative: str, identity: tuple[int, int], above: _Above
    ) -> Left | None:
        """Say why a directory is not walked; None if it is."""
        if self.prunes(relative):
            return Left(path, "excluded by pattern", filtered=True)
        if not self.recursive:
            return Left(path, "a directory, not a file beside it", filtered=True)
        if not self.follow and path.is_symlink():
            return Left(path, "a symbolic link to a directory (--follow goes there)")
        if identity in above:
            return _unsuitable(path, "a symbolic link that leads back to a directory above it")
        return None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _entry(path: Path, relative: str, status: os.stat_result) -> Found | Left:
    """Return a regular file, or why the thing is none."""
    if not stat.S_ISREG(status.st_mode):
        return _unsuitable(path, f"{_kind(status.st_mode)}, not a file")
    if not os.access(path, os.R_OK):
        return _left(path, PermissionError(0, "Permission denied"))
    known = _fingerprint(status)
    return Found(path, relative, known.size, known, max(status.st_mtime, status.st_ctime))


def _unsuitable(path: Path, problem: str) -> Left:
    return Left(path, problem, SourceUnsuitable(f"skip {_shown(path)}: {problem}"))


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
    return _fingerprint(status)


def _fingerprint(status: os.stat_result) -> Fingerprint:
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
