"""A log: lines in a file that is kept from growing for ever, beside a run that it never holds up.

The file becomes `FILE.1` when it would grow beyond its size, `FILE.1` becomes `FILE.2`, and so on;
the oldest is dropped. Whoever else renames or deletes it (logrotate, another run) is followed.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from asyncup.core.errors import UsageError
from asyncup.core.names import printable
from asyncup.edges.lines_file import LinesFile
from asyncup.edges.threads import Behind

KEPT = 5
"""Older files."""

_MOST_WAITING = 10_000
"""Lines, some 3 MB, for a disk that is slow."""

_PATIENCE = 5.0
"""Seconds that the end of a run waits for a disk that hangs."""


def names_of(path: Path, size: int) -> Iterator[Path]:
    """Yield what a log of this size may be called in time, the newest first."""
    yield path
    for number in range(1, KEPT + 1) if size else ():
        yield _numbered(path, number)


class LogFile:
    """A stream of lines, in the sense of `ui.renderer.Writable`, which never raises.

    Args:
        path: is begun where there is none, and appended to.
        size: in bytes; 0 lets it grow.

    Raises:
        UsageError: on making, if nothing can be appended to it.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._size = size
        try:
            self._file = LinesFile(path)
        except OSError as error:
            raise UsageError(
                f"write the log to {printable(str(path))}: {error.strerror or error}",
                hint="name a file that can be written with --log-file",
            ) from error
        if stat.S_ISREG(self._file.status.st_mode):
            # What a link leads to is rotated, not the link.
            self.path = path.resolve()
        self._behind = Behind(self._append_all, _MOST_WAITING)

    def write(self, text: str, /) -> None:
        """Take a line with its end."""
        self._behind.put(text)

    def flush(self) -> None:
        """Do nothing: what is taken is written at once, as far as the disk lets it."""

    def take_problem(self) -> str | None:
        """Return why a line was not written, once."""
        return self._behind.take_problem()

    def close(self) -> None:
        """Write what is left, as far as the disk lets it."""
        self._behind.close(_PATIENCE)

    def _append_all(self, lines: Sequence[str]) -> None:
        """Write what can be written, and raise what stood in the way of the rest."""
        problem: OSError | None = None
        for line in lines:
            try:
                self._append(line)
            except OSError as error:
                problem = error
        if problem is not None:
            raise problem

    def _append(self, line: str) -> None:
        status = self._file.status
        if stat.S_ISREG(status.st_mode):
            if not self._is_still(status):
                self._follow(line)
                return
            if self._size and status.st_size and status.st_size + len(line) > self._size:
                self._rotate()
        self._write(line)

    def _write(self, line: str) -> None:
        self._file.append(line.removesuffix("\n"))

    def _follow(self, line: str) -> None:
        """Write to what has the name now, or to what had it before if there can be nothing."""
        try:
            self._reopen()
        except OSError:
            self._write(line)
            if not self._file.status.st_nlink:
                # It was deleted, and nobody will ever read this.
                raise
        else:
            self._write(line)

    def _is_still(self, status: os.stat_result) -> bool:
        """Return whether the name leads to this file."""
        try:
            return os.path.samestat(self.path.stat(), status)
        except OSError:
            return False

    def _reopen(self) -> None:
        fresh = LinesFile(self.path)
        self._file.close()
        self._file = fresh

    def _rotate(self) -> None:
        # Where nothing can be renamed, it grows: that is better than a line lost.
        with suppress(OSError):
            for number in range(KEPT, 0, -1):
                older = _numbered(self.path, number - 1)
                if older.exists():
                    older.replace(_numbered(self.path, number))
            self._reopen()


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
