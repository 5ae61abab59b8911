"""Letting go of files that are at S3: each is deleted or moved if it is still exactly that file.

No link is followed, and no name is trusted: directories are opened one below the other, and a file
is taken aside before it is looked at for the last time, so that what another program puts under
its name in that moment is never what goes.
"""

import fcntl
import os
import signal
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EXDEV
from pathlib import Path

from asyncup.core.errors import (
    SourceBusy,
    SourceChanged,
    SourceError,
    SourceUnsuitable,
    UsageError,
)
from asyncup.core.model import Fingerprint
from asyncup.core.names import printable
from asyncup.edges.files import source_error

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_MOST_NAMES = 1000
"""Files of one name that a directory takes, told apart by a number."""

_ELSEWHERE = "it is on another file system; only a directory on the same one can take files"


class LetGo:
    """Deletes files below a directory, or moves them to another one on the same file system.

    Args:
        root: the directory.
        to: where they go, at the same path below it, and with `.1`, `.2`, ... added to their name
            if that is taken; None deletes them.
        marker: returns the name of the file that marks another one; it is deleted, too.

    Attributes:
        to: as above.

    Raises:
        UsageError: `to` cannot take them.
    """

    def __init__(
        self, root: Path, to: Path | None, marker: Callable[[str], str] | None = None
    ) -> None:
        self._root = root
        self.to = to
        self._marker = marker
        if to is not None:
            _check_same(root, to)

    def __call__(self, relative: str, proven: Fingerprint) -> Path | None:
        """Let go of the file at a path below the root; return where it lies now, None if nowhere.

        `proven` is the file that S3 was shown to hold.

        Raises:
            SourceChanged, SourceBusy: it is another one by now, or may be soon.
            SourceError: it cannot be; it stays where it is.
        """
        path = self._root / relative
        *way, name = relative.split("/")
        try:
            with _directory(self._root, way) as directory, _open(name, directory) as file:
                if not _is(file, proven):
                    raise _changed(path)
                with _nobody_writes(path, file):
                    if self.to is None:
                        self._delete(path, directory, proven)
                        gone_to = None
                    else:
                        gone_to = self._move(path, directory, proven, way)
                if self._marker is not None:
                    # If it stays, it is older than what comes next under the name, so it marks it
                    # not.
                    with suppress(OSError):
                        os.unlink(self._marker(name), dir_fd=directory)
                return gone_to
        except OSError as error:
            raise _stays(path, error) from error

    def _delete(self, path: Path, directory: int, proven: Fingerprint) -> None:
        aside = _reserve(directory, f".asyncup-{os.getpid()}-{proven.inode}")
        _take(path, (directory, path.name), (directory, aside), proven)
        os.unlink(aside, dir_fd=directory)

    def _move(self, path: Path, directory: int, proven: Fingerprint, way: Sequence[str]) -> Path:
        if self.to is None:
            raise AssertionError("unreachable: it is deleted then")
        with _directory(self.to, way, make=True) as target:
            name = _reserve(target, path.name)
            _take(path, (directory, path.name), (target, name), proven)
        return self.to.joinpath(*way, name)


_Place = tuple[int, str]
"""A name in an open directory."""


def _take(path: Path, place: _Place, aside: _Place, proven: Fingerprint) -> None:
    """Rename a file to where a name is reserved, if it is the proven one there.

    Raises:
        SourceChanged: it is not, and stays.
    """
    try:
        _rename(place, aside)
    except OSError:
        os.unlink(aside[1], dir_fd=aside[0])
        raise
    if _fingerprint(os.stat(aside[1], dir_fd=aside[0], follow_symlinks=False)) == proven:
        return
    try:
        _reserve(*place, most=1)
    except FileExistsError:
        # Another one has come meanwhile; this one is not to take its place.
        raise _changed(path, f"what was there before lies beside it, as {aside[1]}") from None
    _rename(aside, place)
    raise _changed(path)


def _rename(one: _Place, other: _Place) -> None:
    os.rename(one[1], other[1], src_dir_fd=one[0], dst_dir_fd=other[0])


def _reserve(directory: int, name: str, most: int = _MOST_NAMES) -> str:
    """Make an empty file under a name that is free, for a rename to take its place."""
    for number in range(most):
        numbered = f"{name}.{number}" if number else name
        with suppress(FileExistsError):
            os.close(os.open(numbered, _NEW, 0o600, dir_fd=directory))
            return numbered
    raise FileExistsError(0, f"there are {most} files of this name")


@contextmanager
def _directory(root: Path, way: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Open a directory below one that may itself be behind a link."""
    handle = os.open(root, _DIRECTORY & ~os.O_NOFOLLOW)
    try:
        for name in way:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=handle)
            below = os.open(name, _DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _open(name: str, directory: int) -> Iterator[int]:
    handle = os.open(name, _FILE, dir_fd=directory)
    try:
        yield handle
    finally:
        os.close(handle)


def _is(file: int, proven: Fingerprint) -> bool:
    status = os.fstat(file)
    return stat.S_ISREG(status.st_mode) and _fingerprint(status) == proven


def _fingerprint(status: os.stat_result) -> Fingerprint:
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)


@contextmanager
def _nobody_writes(path: Path, file: int) -> Iterator[None]:
    """Keep everybody from opening a file to write to it; for moments only.

    Linux grants a lease on what nobody has open to write to (fcntl(2), F_SETLEASE), if the file
    is the user's and its file system has leases; else nobody can tell.

    Raises:
        SourceBusy: somebody has it open.
    """
    is_held = False
    if hasattr(fcntl, "F_SETLEASE"):
        try:
            # Whoever wants to write has us signalled; SIGIO would end the process.
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            is_held = True
        except BlockingIOError:
            told = "somebody has it open to write to it"
            raise SourceBusy(f"let go of {printable(str(path))}: {told}") from None
        except OSError:
            pass
    try:
        yield
    finally:
        if is_held:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def _check_same(root: Path, to: Path) -> None:
    told = f"move to {printable(str(to))}"
    try:
        if root.stat().st_dev == to.stat().st_dev and to.is_dir():
            return
    except OSError as error:
        raise UsageError(f"{told}: {error.strerror}", hint="make the directory first") from error
    raise UsageError(
        f"{told}: {_ELSEWHERE if to.is_dir() else 'it is no directory'}",
        hint="name a directory beside the one that is watched",
    )


def _changed(path: Path, more: str = "it is another file by now") -> SourceChanged:
    return SourceChanged(f"let go of {printable(str(path))}: {more}")


def _stays(path: Path, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return _changed(path, "it is not there any more")
    told = f"let go of {printable(str(path))}"
    if path.is_symlink() or isinstance(error, NotADirectoryError):
        return SourceUnsuitable(f"{told}: it lies behind a symbolic link, which is not followed")
    if error.errno == EXDEV:
        return SourceUnsuitable(f"{told}: {_ELSEWHERE}")
    cause = source_error(path, error)
    return type(cause)(f"{told}: {error.strerror or error}", hint="let this user write there")
